# Sourced: sets `wasmedge` (the command) and `wasmedge_version`.
wasmedge=${WASMEDGE:-target/tools/bin/wasmedge}
[ -x "$wasmedge" ] || wasmedge=wasmedge
wasmedge_version=$("$wasmedge" --version) || {
    echo "WasmEdge is missing: run 'make setup' first" >&2
    exit 1
}
wasmedge_version=${wasmedge_version%%$'\n'*} # the lines after the first one are its plugins
wasmedge_version=${wasmedge_version##* }
