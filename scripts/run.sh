#!/usr/bin/env bash
# Runs a module from a registry: fetched once, compiled once for this WasmEdge and this processor, then started by the
# launcher with the settings of its environment. From then on it starts at once.
# usage: run.sh HOST/NAME:TAG | HOST/NAME@sha256:DIGEST
set -euo pipefail
reference=${1:?HOST/NAME:TAG or HOST/NAME@sha256:DIGEST}
cd "$(dirname "$0")/.."
. scripts/wasmedge.sh

module=$(scripts/pull.sh "$reference")
processor=$(scripts/container.sh processor | sha256sum | cut -c -16)
compiled=${module%.wasm}.$wasmedge_version-$processor.compiled.wasm
if [ ! -e "$compiled" ]; then
    # Whoever comes meanwhile waits. The compiler dies with this shell, and the lock is free again.
    exec 9>"$compiled.lock"
    flock 9
    if [ ! -e "$compiled" ]; then
        printf '\033[1m==>\033[0m compiling it for this processor with WasmEdge %s, once (a minute or two)\n' \
            "$wasmedge_version" >&2
        setpriv --pdeathsig KILL "$wasmedge" compile "$module" "$compiled.new" >"$compiled.log" 2>&1 || {
            cat "$compiled.log" >&2
            exit 1
        }
        sync "$compiled.new"
        mv "$compiled.new" "$compiled"
        rm "$compiled.log"
    fi
    exec 9>&-
fi
exec scripts/serve.sh "$compiled"
