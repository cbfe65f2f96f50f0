#!/bin/sh
# Runs a compiled module on WasmEdge in place of this shell. The sandbox gets the settings below and nothing else:
# no folder, no other variable.
# usage: serve.sh MODULE.wasm
set -eu
module=$1
wasmedge=${WASMEDGE:-$(dirname "$0")/../target/tools/bin/wasmedge}
[ -x "$wasmedge" ] || wasmedge=wasmedge

# From 0.15 on, WasmEdge interprets a compiled module, many times slower, unless it is told not to.
case $("$wasmedge" --version | head -n 1) in
*' 0.'[0-9].* | *' 0.1'[0-4].*) set -- ;;
*) set -- --run-mode aot ;;
esac

for name in DATABASE_URL PORT BIND API_TOKENS ALLOW_INIT CORS_ALLOW_ORIGIN MAX_BODY_BYTES DB_POOL_SIZE \
    DB_ACQUIRE_TIMEOUT DB_TIMEOUT; do
    eval "value=\${$name:-}"
    [ -z "$value" ] || set -- "$@" --env "$name=$value"
done
# When the reader of its log goes away, the service goes on; otherwise the next line would end WasmEdge.
trap '' PIPE
exec "$wasmedge" "$@" "$module"
