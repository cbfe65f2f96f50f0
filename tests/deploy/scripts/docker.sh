#!/usr/bin/env bash
# A Docker engine with Compose, for tests. Where none answers, our own runs while it is needed, with all that it keeps under
# target/docker. What is missing is installed from Debian's packages: docker-cli, or docker.io, which is the engine too.
# The engine for the whole machine that this package starts, and starts again after each boot, is left off: to have it,
# `systemctl enable --now docker`.
# usage: docker.sh run COMMAND [ARGUMENT …]   runs it while an engine answers that has the images that our files begin with
#        docker.sh stop                       stops our own engine, should it still run; its images stay
#        docker.sh clean                      stops it and removes what it kept
set -euo pipefail
cd "$(dirname "$0")/../../.."
. scripts/debian.sh
PATH=$PATH:/usr/sbin:/sbin # dockerd and what it calls, where users do not look

folder=$(pwd -P)/target/docker
compose=$folder/config/cli-plugins/docker-compose
answers() { docker info >/dev/null 2>&1; }
# The file may name a process that has nothing to do with us, and dockerd may be somebody else's.
running() { grep -qs -- "--data-root=$folder/data" "/proc/$(cat "$folder/pid" 2>/dev/null)/cmdline"; }

run() {
    export DOCKER_CONFIG="${DOCKER_CONFIG:-$HOME/.docker}"
    if running; then export DOCKER_HOST=unix://$folder/docker.sock; fi
    have docker || install_client
    docker compose version >/dev/null 2>&1 || install_compose
    answers || start_engine
    tests/deploy/scripts/stand-in-images.sh "$folder"
    "$@"
}

install_client() {
    update_lists
    # Debian 12 has it in docker.io, Debian 13 in a package of its own.
    if apt-cache show docker-cli >/dev/null 2>&1; then install docker-cli; else install_engine; fi
}

# What installs packages asks this file whether it may start services: https://wiki.debian.org/policy-rc.d
install_engine() {
    local policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then
        trap "as_root rm -f $policy" EXIT
        printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
        as_root chmod +x $policy
    fi
    install docker.io
    if [ "$(trap -p EXIT)" ]; then
        as_root rm -f $policy
        trap - EXIT
    fi
    [ ! -d /run/systemd/system ] || as_root systemctl disable --quiet docker.service docker.socket containerd.service >&2
}

# Version 2. Debian 12 has version 1 only: Debian 13's plugin, one file that runs there as well, is unpacked.
install_compose() {
    if [ ! -x "$compose" ]; then
        if apt-cache show docker-compose 2>/dev/null | grep -q '^Version: 2'; then
            install docker-compose
            return
        fi
        unpack trixie "$folder/compose" docker-compose
        mkdir -p "$(dirname "$compose")"
        cp "$folder/compose/usr/libexec/docker/cli-plugins/docker-compose" "$compose"
        rm -rf "$folder/compose"
    fi
    DOCKER_CONFIG=$folder/config
}

start_engine() {
    have dockerd || install_engine
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
    trap stop EXIT
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
run) run "${@:2}" ;;
stop) stop ;;
clean)
    stop
    if [ -e "$folder" ]; then as_root rm -rf "$folder"; fi
    ;;
*) echo "usage: docker.sh run COMMAND …|stop|clean" >&2 && exit 2 ;;
esac
