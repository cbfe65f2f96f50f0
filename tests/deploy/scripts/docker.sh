#!/usr/bin/env bash
# A Docker engine with Compose, for tests: where none answers it is installed from Debian's packages and runs with all
# that it keeps under target/docker.
# usage: docker.sh start   starts it unless an engine answers; prints variables for `eval`; exit 3: one ran already
#        docker.sh stop    stops the one that it started; its images stay
#        docker.sh clean   stops it and removes what it kept
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin # dockerd and what it calls, where users do not look

folder=$PWD/target/docker
compose=$folder/config/cli-plugins/docker-compose
say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
install() {
    say "installing $*"
    as_root apt-get update -q >&2
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends "$@" >&2
}
running() { [ "$(cat "/proc/$(cat "$folder/pid" 2>/dev/null)/comm" 2>/dev/null)" = dockerd ]; }
answers() { docker info >/dev/null 2>&1; }

start() {
    local code=0
    export DOCKER_CONFIG="${DOCKER_CONFIG:-$HOME/.docker}"
    if running; then export DOCKER_HOST=unix://$folder/docker.sock; fi
    have docker || install_client
    docker compose version >/dev/null 2>&1 || install_compose
    if answers; then code=3; else start_engine; fi
    [ -z "${DOCKER_HOST:-}" ] || echo "export DOCKER_HOST=$DOCKER_HOST"
    echo "export DOCKER_CONFIG=$DOCKER_CONFIG"
    exit $code
}

install_client() {
    # Debian 12 has it in docker.io, Debian 13 in a package of its own.
    as_root apt-get update -q >&2
    if apt-cache show docker-cli >/dev/null 2>&1; then install docker-cli; else install docker.io; fi
}

# Version 2. Debian 12 has version 1 only: Debian 13's plugin, one file that runs there as well, is unpacked.
install_compose() {
    if [ ! -x "$compose" ]; then
        if apt-cache show docker-compose 2>/dev/null | grep -q '^Version: 2'; then
            install docker-compose
            return
        fi
        have mmdebstrap || install mmdebstrap
        say "unpacking Compose from Debian trixie under ${folder#"$PWD/"}"
        mkdir -p "$folder"
        as_root mmdebstrap --quiet --variant=extract --include=docker-compose --skip=check/empty \
            --aptopt='Acquire::Check-Valid-Until "false"' trixie "$folder/compose"
        mkdir -p "$(dirname "$compose")"
        cp "$folder/compose/usr/libexec/docker/cli-plugins/docker-compose" "$compose"
        as_root rm -rf "$folder/compose"
    fi
    DOCKER_CONFIG=$folder/config
}

start_engine() {
    have dockerd || install docker.io
    answers && return # the package has started it
    if as_root docker info >/dev/null 2>&1; then
        say "a Docker engine runs, but does not let $(id -un) in: run this as root, or join its group 'docker'"
        exit 1
    fi
    mkdir -p "$folder"
    export DOCKER_HOST=unix://$folder/docker.sock
    # A session of its own: Ctrl-C is for the tests; the engine is stopped after them.
    as_root setsid dockerd --data-root="$folder/data" --exec-root="$folder/run" --pidfile="$folder/pid" \
        --group="$(id -g)" --host="$DOCKER_HOST" >"$folder/log" 2>&1 </dev/null &
    local engine=$!
    until answers; do
        kill -0 "$engine" 2>/dev/null || {
            tail -n 20 "$folder/log" >&2
            exit 1
        }
        sleep 0.1
    done
    say "a Docker engine is running, its data under ${folder#"$PWD/"}"
}

stop() {
    running || return 0
    local pid
    pid=$(cat "$folder/pid")
    as_root kill "$pid"
    while [ -e "/proc/$pid" ]; do sleep 0.1; done
    say "the Docker engine is stopped"
}

case ${1:-} in
start) start ;;
stop) stop ;;
clean) stop && if [ -e "$folder" ]; then as_root rm -rf "$folder"; fi ;;
*) echo "usage: docker.sh start|stop|clean" >&2 && exit 2 ;;
esac
