#!/usr/bin/env bash
# The images that the Dockerfile and docker-compose.yml begin with. Where no registry answers they are made of Debian's
# packages, under the same names, and in an engine of the tests' own only: in anybody else's the names would be false.
# What this machine's network asks of a client (authorities, settings of apt and of cargo, which may hold a token) goes
# into the base, for the build, and never leaves that engine.
# usage: stand-in-images.sh FOLDER     (FOLDER: where docker.sh keeps its engine)
set -euo pipefail
cd "$(dirname "$0")/../../.."
. scripts/debian.sh

engine=$1
folder=$(mktemp -d)
trap 'as_root rm -rf "$folder"' EXIT

main() {
    if missing debian:trixie-slim; then debian trixie; fi
    if missing mariadb:11.8; then build mariadb:11.8; fi
    if missing haproxy:3.0; then build haproxy:3.0; fi
}

missing() {
    ! docker image inspect "$1" >/dev/null 2>&1 || return 1
    say "pulling $1"
    ! timeout 300 docker pull --quiet "$1" >&2 || return 1
    if [ "${DOCKER_HOST:-}" != "unix://$engine/docker.sock" ]; then
        say "no registry gives $1, and this Docker engine is not the tests' own: pull it by hand, or stop the engine and" \
            "run this again, which then starts one of its own and makes stand-ins in there"
        exit 1
    fi
    say "no registry gives $1: making a stand-in of Debian's packages"
}

# As small as the official one: without documentation, manuals and translations, and apt keeps no copies.
debian() {
    have mmdebstrap || install mmdebstrap
    network_settings
    cat >"$folder/etc/apt/apt.conf.d/docker-clean" <<'END'
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
END
    as_root chown -R 0:0 "$folder"
    as_root mmdebstrap --quiet --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --customize-hook="copy-in $folder/etc $folder/usr $folder/root /" \
        --customize-hook='rm -f "$1"/var/cache/apt/*.bin' \
        "$1" "$folder/base.tar" >&2
    docker import --change 'CMD ["bash"]' "$folder/base.tar" "debian:$1-slim" >/dev/null
}

# Whom to trust, and how to reach the registries of packages: as this machine does, where it says something of it.
network_settings() {
    local authorities=$folder/usr/local/share/ca-certificates cargo=${CARGO_HOME:-$HOME/.cargo}/config.toml
    mkdir -p "$authorities" "$folder/etc/apt/apt.conf.d" "$folder/root/.cargo"
    cp /usr/local/share/ca-certificates/*.crt "$authorities/" 2>/dev/null || true
    if [ -n "${SSL_CERT_FILE:-}" ]; then cp "$SSL_CERT_FILE" "$authorities/SSL_CERT_FILE.crt"; fi
    if [ -e "$cargo" ]; then cp "$cargo" "$folder/root/.cargo/"; fi
    apt-config dump | grep -E '^Acquire::(Check-|https?::)' >"$folder/etc/apt/apt.conf.d/90this-machine" || true
}

build() {
    # With this machine's proxy variables, where they are set.
    docker build --quiet --tag "$1" $(compgen -e | sed -nE 's/^(https?|no)_proxy$/--build-arg &/Ip') \
        "tests/deploy/stand-ins/${1%:*}" >/dev/null
}

main
