#!/usr/bin/env bash
# Unpacks WasmEdge and every library it needs from a Debian release into target/tools, without touching the system.
# usage: unpack-wasmedge.sh trixie|testing COMMAND     (COMMAND: the file through which it is then run)
set -euo pipefail
cd "$(dirname "$0")/.."

release=$1 command=$2
folder=target/tools/wasmedge-$release
[ -x "$command" ] && exit 0
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
if ! command -v mmdebstrap >/dev/null; then
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends mmdebstrap
fi

printf '\033[1m==>\033[0m unpacking WasmEdge from Debian %s under %s\n' "$release" "$folder" >&2
as_root rm -rf "$folder"
mkdir -p "$(dirname "$folder")" "$(dirname "$command")"
# Testing's index carries an expiry date that a mirror may have passed; its signature is checked all the same.
as_root mmdebstrap --variant=extract --include=wasmedge --aptopt='Acquire::Check-Valid-Until "false"' \
    --skip=check/empty "$release" "$folder"
as_root chown -R "$(id -u):$(id -g)" "$folder" # so that `make clean` needs no root

cat >"$command" <<'END'
#!/bin/sh
# WasmEdge with its own libraries and its own loader, whatever the system has.
root=$(dirname "$(readlink -f "$0")")/../FOLDER
for loader in "$root"/usr/lib/*-linux-gnu/ld-linux-*.so.*; do :; done
exec "$loader" --library-path "$(dirname "$loader")" "$root/usr/bin/wasmedge" "$@"
END
sed -i "s|FOLDER|wasmedge-$release|" "$command"
chmod +x "$command"
