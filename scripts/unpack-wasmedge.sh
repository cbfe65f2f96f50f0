#!/usr/bin/env bash
# Unpacks WasmEdge and every library it needs from a Debian release into target/tools, without touching the system.
# usage: unpack-wasmedge.sh trixie|testing COMMAND     (COMMAND: the file through which it is then run)
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/debian.sh

release=$1 command=$2
folder=target/tools/wasmedge-$release
[ ! -x "$command" ] || exit 0
unpack "$release" "$folder" wasmedge
mkdir -p "$(dirname "$command")"
cat >"$command" <<'END'
#!/bin/sh
# WasmEdge with its own libraries and its own loader, whatever the system has.
root=$(dirname "$(readlink -f "$0")")/../FOLDER
for loader in "$root"/usr/lib/*-linux-gnu/ld-linux-*.so.*; do :; done
exec "$loader" --library-path "$(dirname "$loader")" "$root/usr/bin/wasmedge" "$@"
END
sed -i "s|FOLDER|wasmedge-$release|" "$command"
chmod +x "$command"
