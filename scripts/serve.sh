#!/usr/bin/env bash
# Runs a compiled module on WasmEdge and stays with it: drains it when told to end, starts it again when it crashes.
# The sandbox gets the settings below, a copy of the file that SSL_CERT_FILE names, and nothing else: no other file, no
# other variable. docs/deploy.md, 'The launcher', has more.
# usage: serve.sh MODULE.wasm
set -u
module=$1 child='' folder=''
settings=(
    DATABASE_URL PORT BIND API_TOKENS ALLOW_INIT CORS_ALLOW_ORIGIN ADMIN_BIND MAX_BODY_BYTES MAX_BODIES_BYTES
    MAX_CONNECTIONS HEADER_TIMEOUT BODY_TIMEOUT SEND_TIMEOUT KEEP_ALIVE_TIMEOUT DB_POOL_SIZE DB_ACQUIRE_TIMEOUT
    DB_TIMEOUT DRAIN_DELAY DRAIN_TIMEOUT SSL_CERT_FILE OUTBOUND_ALLOWED_HOSTS OUTBOUND_CONNECT_TIMEOUT
    OUTBOUND_TIMEOUT OUTBOUND_MAX_CALLS OUTBOUND_MAX_BYTES TAX_SERVICE_URL EVENT_SINKS EVENT_SOURCE EVENT_MAX_ATTEMPTS
    EVENT_PARKED_HOLDS EVENT_SECRET APP_API_TOKEN WEBHOOK_ALLOWED_ORIGINS
)
restarts=()                  # when, in the last minute
pauses=(0.1 0.2 0.4 0.8 1.6) # before each of them, in seconds

main() {
    trap 'stop TERM 143' TERM
    trap 'stop INT 130' INT
    trap 'stop HUP 129' HUP
    # When the reader of its log goes away, the service goes on; otherwise the next line would end it.
    trap '' PIPE
    ulimit -Sn hard # a file for each connection
    choose_options
    while :; do
        start
        wait "$child" 2>/dev/null # a signal does not come back here: `stop` exits
        after_end $?
    done
}

choose_options() {
    local name version
    wasmedge=${WASMEDGE:-$(dirname "$0")/../target/tools/bin/wasmedge}
    [ -x "$wasmedge" ] || wasmedge=wasmedge
    version=$("$wasmedge" --version) || exit
    options=(--run-mode aot) # from 0.15 on, WasmEdge interprets a compiled module, many times slower, without this
    case ${version%%$'\n'*} in *' 0.'[0-9].* | *' 0.1'[0-4].*) options=() ;; esac
    grant_certificates
    for name in "${settings[@]}"; do
        [ -z "${!name:-}" ] || options+=(--env "$name=${!name}")
    done
    # When this shell is killed, the service must not stay behind and hold the port.
    if command -v setpriv >/dev/null; then bound=(setpriv --pdeathsig KILL); else bound=(); fi
}

# WasmEdge grants whole folders, and a key may lie beside this file: the module gets a folder with nothing but a copy.
grant_certificates() {
    [ -n "${SSL_CERT_FILE:-}" ] || return 0
    local name=${SSL_CERT_FILE##*/}
    trap 'rm -rf "$folder"' EXIT
    folder=$(mktemp -d) && cat <"$SSL_CERT_FILE" >"$folder/$name" || {
        say "the file that SSL_CERT_FILE names cannot be read: $SSL_CERT_FILE"
        exit 1
    }
    options+=(--dir "/certificates:$folder:readonly" --env "SSL_CERT_FILE=/certificates/$name")
    unset SSL_CERT_FILE
}

start() {
    # A terminal, and systemd, signal every process of a group; WasmEdge would die of it and cut off what is in flight.
    (trap '' TERM INT HUP && exec "${bound[@]}" "$wasmedge" "${options[@]}" "$module") &
    child=$!
}

# Starts it again after a crash only. WasmEdge exits with 134 when the module traps, a signal gives 128 and its number;
# what the module exits with by itself is less, and would be the same the next time.
after_end() {
    local code=$1 what time pause recent=()
    child=''
    ((code > 128)) || exit "$code"
    if ((code == 134)); then what='has trapped'; else what="was ended by SIG$(kill -l "$code")"; fi
    what="the service $what (exit code $code)"
    for time in "${restarts[@]}"; do
        ((SECONDS - time >= 60)) || recent+=("$time")
    done
    restarts=("${recent[@]}" "$SECONDS")
    pause=${pauses[${#recent[@]}]:-}
    [ -n "$pause" ] || { say "$what: giving up after ${#recent[@]} restarts within a minute"; exit "$code"; }
    say "$what: starting it again in $pause s, restart ${#restarts[@]} within a minute"
    sleep "$pause" &
    wait "$!"
}

# WASI has no signals: the service is asked over HTTP to finish what is in flight and to exit.
stop() {
    local code=$2 why='ADMIN_BIND is not set'
    trap 'end "$code"' TERM INT HUP # the second signal
    if [ -n "${ADMIN_BIND:-}" ]; then
        say "SIG$1: asking the service to drain"
        timeout 2 "$(dirname "$0")/drain.sh" 2>/dev/null &
        why="no 202 for POST /drain at $ADMIN_BIND"
        if wait "$!"; then await_end; fi
    fi
    say "SIG$1: ending the service at once: $why"
    end "$code"
}

# Exits with the service's code, or comes back after as long as it may take, and some more.
await_end() {
    "${bound[@]}" sleep "${DRAIN_DELAY:-5}" "${DRAIN_TIMEOUT:-20}" 5 & # their sum
    while kill -0 "$!"; do
        kill -0 "$child" || { wait "$child"; end $?; }
        sleep 0.1
    done 2>/dev/null
    why='it is still there after DRAIN_DELAY + DRAIN_TIMEOUT + 5 s'
}

end() {
    [ -z "$child" ] || kill -KILL "$child"
    kill $(jobs -p) # what waited for it
    wait
    exit "$1"
} 2>/dev/null

say() { echo "launcher: $*" >&2; }

main
