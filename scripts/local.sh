# Sourced by up.sh and dev.sh: where the service answers on this machine, its private database, and how both end.
# The service's process is `service`; who sources this starts it.
stop_database=
service=
# This machine only, unless it is said: without API_TOKENS it is open to whoever reaches it.
export BIND=${BIND:-127.0.0.1}
host=$BIND port=${PORT:-8080}
[ "$host" != 0.0.0.0 ] || host=127.0.0.1
address=http://$host:$port
taken() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }
is_running() { [ -n "$service" ] && kill -0 "$service" 2>/dev/null; }
is_ready() { curl -fs --max-time 2 "$address/readyz" >/dev/null 2>&1; }

# usage: check_port COMMAND     (what to run with another PORT when it is taken)
check_port() {
    taken "$host" "$port" || return 0
    echo "Port $port is taken. Choose another one: PORT=$((port + 1)) $1" >&2
    exit 1
}

# Sets DATABASE_URL, unless the user did. May be called again, should the database have gone away.
use_database() {
    local code=0 told=
    : "${users_database=${DATABASE_URL:-}}"
    if [ -z "$users_database" ]; then
        # Who is told to end meanwhile does so when it is known whose the database is: a signal for this shell alone does
        # not reach what starts it.
        trap 'told=130' INT
        trap 'told=143' TERM
        DATABASE_URL=$(scripts/database.sh start) || code=$?
        case $code in
        0) stop_database=yes ;;
        3) ;; # somebody else's, who will stop it
        *) exit "${told:-$code}" ;;
        esac
        end_when_told
        [ -z "$told" ] || exit "$told"
    fi
    export DATABASE_URL
}

# Has it drained by a request, as everywhere, but at once: no balancer has to notice.
use_drain() {
    local admin=$((port + 1))
    while taken 127.0.0.1 "$admin"; do admin=$((admin + 1)); done
    export ADMIN_BIND=${ADMIN_BIND:-127.0.0.1:$admin} DRAIN_DELAY=${DRAIN_DELAY:-0.001} DRAIN_TIMEOUT=${DRAIN_TIMEOUT:-2}
}

# The database goes last.
finish() {
    trap - EXIT
    stop_service
    if [ -n "$stop_database" ]; then scripts/database.sh stop; fi
}
# A second Ctrl-C ends it at once.
stop_service() {
    is_running || return 0
    trap 'kill "$service" || true' INT TERM
    kill "$service" 2>/dev/null || return 0
    while is_running; do wait "$service" || true; done
}
end_when_told() {
    trap 'exit 130' INT
    trap 'exit 143' TERM
}
trap finish EXIT
end_when_told
