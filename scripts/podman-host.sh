#!/usr/bin/env bash
# Runs a command where podman works and Debian's crun runs Wasm by itself: Debian 13. On a host that is such a place
# this is all. Elsewhere it unpacks one under target/tools, and runs the command in there as root, in a mount namespace
# of its own; network, processes, and this repository (under its own path) are the host's. Images and containers then
# stand under target/podman, and later commands find them.
# usage: podman-host.sh COMMAND [ARGUMENT …]
#        podman-host.sh clean    removes what it unpacked, with the containers and the images in there
set -euo pipefail
repository=$(realpath "$(dirname "$0")/..")
self=$repository/scripts/podman-host.sh
tools=$repository/target/tools
place=$tools/podman-trixie
. "$repository/scripts/debian.sh"
# With the variables that the command is meant to see.
again_as_root() { if [ "$(id -u)" = 0 ]; then "$self" "$@"; else sudo --preserve-env "$self" "$@"; fi; }

host_will_do() {
    command -v podman >/dev/null && command -v wasmedge >/dev/null && # crun loads its library, and does not name it
        crun --version 2>/dev/null | grep -q +WASM:wasmedge &&
        [ "$(podman info --format '{{.Host.OCIRuntime.Name}} {{.Host.CgroupsVersion}}' 2>/dev/null)" = 'crun v2' ]
}

# A whole system, and not `unpack`: its packages have to be set up.
make_place() {
    [ ! -e "$place/usr/bin/podman" ] || return 0
    have mmdebstrap || install mmdebstrap
    say "unpacking podman and crun from Debian 13 under ${place#"$repository/"}"
    mkdir -p "$tools"
    as_root rm -rf --one-file-system "$place" "$place.new"
    # wasmedge: crun loads its library, and does not name it. catatonit: what holds a pod. aardvark-dns, netavark,
    # nftables: networks of podman's own.
    as_root mmdebstrap --quiet --variant=apt --skip=check/empty \
        --include=podman,crun,wasmedge,catatonit,netavark,aardvark-dns,nftables,iproute2,mount,procps,ca-certificates \
        trixie "$place.new"
    as_root mv "$place.new" "$place"
}

# What podman has to be told where systemd is not, where control groups cannot be made, and where no layers can be
# mounted on another.
configure() {
    mkdir -p "$repository/target/podman"
    cat >"$repository/target/podman/containers.conf" <<'CONF'
[containers]
cgroups = "disabled"
log_driver = "k8s-file"
[engine]
runtime = "crun"
cgroup_manager = "cgroupfs"
events_logger = "file"
CONF
    cat >"$repository/target/podman/storage.conf" <<CONF
[storage]
driver = "vfs"
graphroot = "$repository/target/podman/storage"
runroot = "/run/containers/storage"
CONF
}

# The namespace that running containers were started in is the one that can stop them.
enter() {
    local process
    for process in /proc/[0-9]*; do
        # Opened first: the process may be about to end.
        if [ "$process/root" -ef "$place" ] && exec 3<"$process/ns/mnt"; then
            exec nsenter --mount=/proc/self/fd/3 "$self" --inside "$@"
        fi
    done
    exec unshare --mount --propagation private "$self" --new "$@"
}

# Makes the place the root of the namespace that this process was given.
make_root() {
    mount --bind "$place" "$place"
    cd "$place"
    mount -t proc proc proc
    mount -t sysfs sysfs sys
    mount -t cgroup2 cgroup2 sys/fs/cgroup
    mount --rbind /dev dev
    mount -t tmpfs tmpfs dev/shm # where podman keeps its locks
    mount -t tmpfs tmpfs run
    mount -t tmpfs tmpfs tmp
    mkdir -p ".$repository"
    mount --bind "$repository" ".$repository"
    local file
    for file in /etc/resolv.conf /etc/hosts /etc/ssl/certs/ca-certificates.crt; do
        [ -e ".$file" ] || touch ".$file"
        [ ! -e "$file" ] || mount --bind "$(realpath "$file")" ".$file"
    done
    pivot_root . mnt
    umount --lazy /mnt
}

# What a killed run left goes first, so that nothing of it is in use.
clean() {
    if [ -e "$place/usr/bin/podman" ] && [ -e "$repository/target/podman/storage" ]; then
        say "removing podman's containers and images under target/podman"
        again_as_root --enter podman pod rm --all --force --time 0 >&2 || say "a pod is left"
        again_as_root --enter podman rm --all --force --time 0 >&2 || say "a container is left"
        again_as_root --enter podman network prune --force >&2 || say "a network is left"
    fi
    for folder in "$place" "$place.new" "$repository/target/podman"; do
        if [ -e "$folder" ]; then as_root rm -rf --one-file-system "$folder"; fi
    done
}

run() {
    cd "$repository"
    export CONTAINERS_CONF=$repository/target/podman/containers.conf
    export CONTAINERS_STORAGE_CONF=$repository/target/podman/storage.conf
    export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
    exec "$@"
}

case ${1:-} in
--enter) enter "${@:2}" ;;
--new)
    make_root # on its own: bash would not end at a failure in it where && follows
    run "${@:2}"
    ;;
--inside) run "${@:2}" ;;
clean) clean ;;
*)
    if host_will_do; then exec "$@"; fi
    make_place
    configure
    again_as_root --enter "$@"
    ;;
esac
