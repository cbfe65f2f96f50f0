#!/usr/bin/env bash
# Unpacks Debian's Prometheus, with promtool, under target/tools/prometheus, unless both are installed. Nothing is installed
# and no service is started. Prints the folder that the two commands stand in.
# usage: unpack-prometheus.sh
set -euo pipefail
cd "$(dirname "$0")/.."

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
if command -v prometheus >/dev/null && command -v promtool >/dev/null; then
    dirname "$(command -v prometheus)"
    exit
fi
folder=$PWD/target/tools/prometheus
if [ ! -x "$folder/usr/bin/promtool" ]; then
    printf '\033[1m==>\033[0m unpacking Prometheus from Debian under target/tools/prometheus\n' >&2
    as_root apt-get update -q >&2
    rm -rf "$folder" "$folder.new"
    mkdir -p "$folder.new"
    trap 'rm -rf "$folder.new"' EXIT
    # Without apt's own user, who may not write here.
    (cd "$folder.new" && apt-get -q -o APT::Sandbox::User=root download prometheus >&2 && dpkg-deb -x prometheus_*.deb . &&
        rm prometheus_*.deb)
    mv "$folder.new" "$folder"
fi
echo "$folder/usr/bin"
