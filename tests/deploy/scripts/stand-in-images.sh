#!/usr/bin/env bash
# The images that the Dockerfile and docker-compose.yml begin with, where no registry answers: made of Debian's packages,
# under the same names, for tests only. What this machine's network asks of a client goes into the base, for the build.
# usage: stand-in-images.sh
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
folder=$(mktemp -d)
trap 'as_root rm -rf "$folder"' EXIT

main() {
    missing debian:trixie-slim && debian trixie
    missing mariadb:11.8 && build mariadb:11.8
    missing haproxy:3.0 && build haproxy:3.0
    exit 0
}

missing() {
    docker image inspect "$1" >/dev/null 2>&1 && return 1
    say "pulling $1"
    timeout 300 docker pull --quiet "$1" >&2 && return 1
    say "no registry gives $1: making a stand-in of Debian's packages"
}

# As small as the official one: without documentation, manuals and translations, and apt keeps no copies.
debian() {
    if ! have mmdebstrap; then
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends mmdebstrap >&2
    fi
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
    docker build --quiet --tag "$1" $(scripts/proxy-arguments.sh) "tests/deploy/stand-ins/${1%:*}" >/dev/null
}

main
