#!/usr/bin/env bash
# A private MariaDB for development and tests: its data stands under target/, it listens on loopback only.
# usage: database.sh start [FOLDER [OPTION …]]   starts it unless it runs; prints its URL; exit 3: it ran already
#        database.sh stop [FOLDER]               (FOLDER: where its data stands, target/mariadb if not named)
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin

folder=$(realpath -m "${2:-target/mariadb}")
options=("${@:3}")
pid_file=$folder/pid
say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
# Who takes connections speaks first; the port is open before.
greets() { (exec 3<>"/dev/tcp/127.0.0.1/$1" && read -r -n 1 -t 1 <&3) 2>/dev/null; }
# A file that a crash left behind may name a process that has nothing to do with it.
is_ours() { [ -s "$pid_file" ] && grep -qsF -- "--datadir=$folder/data" "/proc/$(cat "$pid_file")/cmdline"; }
running() { is_ours && answers "$(cat "$folder/port")"; }
url() { echo "mysql://user:passwd@127.0.0.1:$(cat "$folder/port")/demo"; }

start() {
    # One at a time: a second one waits, and finds it running.
    mkdir -p "$folder"
    exec 9>"$folder/lock"
    flock 9
    if running; then
        url
        exit 3
    fi
    if [ ! -d "$folder/data/mysql" ]; then
        say "creating a private MariaDB under ${folder#"$PWD/"}"
        rm -rf "$folder/data" "$folder/data.new"
        # --force: also where the machine's own name does not resolve. A relative folder: it trips over a space.
        (cd "$folder" && mariadb-install-db --no-defaults --force --user="$(id -un)" --datadir=./data.new --skip-test-db \
            --skip-name-resolve --auth-root-authentication-method=socket) >"$folder/install.log" 2>&1 || {
            tail -n 20 "$folder/install.log" >&2
            exit 1
        }
        mv "$folder/data.new" "$folder/data" # only now: what was interrupted is begun anew
    fi
    cat >"$folder/init.sql" <<'END'
CREATE DATABASE IF NOT EXISTS demo;
CREATE USER IF NOT EXISTS 'user'@'127.0.0.1' IDENTIFIED BY 'passwd';
GRANT ALL ON *.* TO 'user'@'127.0.0.1' WITH GRANT OPTION;
END
    # The same port as before, if it is free.
    local port
    port=$(cat "$folder/port" 2>/dev/null || echo 3306)
    while answers "$port"; do port=$((port + 1)); done
    echo "$port" >"$folder/port"
    rm -f "$pid_file"
    # A session of its own: Ctrl-C is for the service; the database is then stopped as it should be.
    # The socket's path is relative to the data folder, because it may have 107 characters only.
    setsid mariadbd --no-defaults --user="$(id -un)" --datadir="$folder/data" --socket=mariadb.sock \
        --pid-file="$pid_file" --port="$port" --bind-address=127.0.0.1 --skip-name-resolve \
        --init-file="$folder/init.sql" --character-set-server=utf8mb4 --max-connections=500 "${options[@]}" \
        >"$folder/server.log" 2>&1 </dev/null 9>&- &
    local server=$!
    # Until it runs, Ctrl-C ends it all the same: who started it will not come to stop it. By force: it has nothing to lose
    # yet, and asked to end before it takes connections, it may hang.
    trap '{ kill -KILL "$server"; wait "$server"; } 2>/dev/null || true; exit 130' INT TERM HUP
    until is_ours && greets "$port"; do
        kill -0 "$server" 2>/dev/null || {
            tail -n 20 "$folder/server.log" >&2
            exit 1
        }
        sleep 0.1
    done
    say "MariaDB is running on 127.0.0.1:$port, data under ${folder#"$PWD/"}"
    url
}

# Also one that answers in another network namespace.
stop() {
    is_ours || return 0
    local pid
    pid=$(cat "$pid_file")
    kill "$pid"
    while [ -e "/proc/$pid/fd/0" ]; do sleep 0.1; done # a process that has ended, however it did, has no open files
    say "MariaDB is stopped"
}

case ${1:-} in
start) start ;;
stop) stop ;;
*) echo "usage: database.sh start|stop [FOLDER]" >&2 && exit 2 ;;
esac
