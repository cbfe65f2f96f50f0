#!/usr/bin/env bash
# A private registry for the tests: Debian's docker-registry, unpacked under target/tools, because installing it would
# start a service. It listens on loopback only, without TLS; what it keeps stands under target/registry/data.
# usage: registry.sh start     empties it and starts it; prints HOST:PORT
#        registry.sh stop
set -euo pipefail
cd "$(dirname "$0")/../../.."
. scripts/debian.sh

folder=$(pwd -P)/target/registry # as /proc names it
unpacked=$(pwd -P)/target/tools/docker-registry
tool=$unpacked/usr/bin/docker-registry
answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
running() { [ -s "$folder/pid" ] && [ "$(readlink "/proc/$(cat "$folder/pid")/exe")" = "$tool" ]; }

start() {
    [ -x "$tool" ] || unpack_alone "$unpacked" docker-registry
    stop
    rm -rf "$folder/data"
    mkdir -p "$folder/data"
    local port=5000
    while answers "$port"; do port=$((port + 1)); done
    cat >"$folder/config.yml" <<CONFIG
version: 0.1
log: {level: warn}
storage: {filesystem: {rootdirectory: "$folder/data"}}
http: {addr: "127.0.0.1:$port"}
CONFIG
    setsid "$tool" serve "$folder/config.yml" >"$folder/log" 2>&1 </dev/null &
    echo "$!" >"$folder/pid"
    until answers "$port"; do
        kill -0 "$!" 2>/dev/null || {
            cat "$folder/log" >&2
            exit 1
        }
        sleep 0.1
    done
    echo "127.0.0.1:$port"
}

stop() {
    running || return 0
    local pid
    pid=$(cat "$folder/pid")
    kill "$pid"
    while running; do sleep 0.1; done
    rm "$folder/pid"
}

case ${1:-} in
start) start ;;
stop) stop ;;
*) echo "usage: registry.sh start|stop" >&2 && exit 2 ;;
esac
