#!/usr/bin/env bash
# Compiles a module ahead of time for this machine's processor, after crates/wasmedge_lower has rewritten what WasmEdge
# makes slow code of. Does nothing when that is done already.
# usage: compile.sh IN.wasm OUT.wasm
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/wasmedge.sh

in=$1 out=$2
stamp=target/compiled/$(basename "$(dirname "$(realpath -m "$out")")")-$(basename "$out")
lowered=${in%.wasm}.lowered.wasm
lower=${CARGO_TARGET_DIR:-target}/release/wasmedge_lower
cargo build --locked --release --package wasmedge_lower
made_of="$wasmedge_version $(sha256sum <"$in") $(sha256sum <"$lower")"
if [ -e "$out" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$made_of" ]; then
    exit 0
fi

printf '\033[1m==>\033[0m compiling ahead of time with WasmEdge %s (one to three minutes on an idle core, more on a busy one)\n' "$wasmedge_version" >&2
mkdir -p "$(dirname "$out")" "$(dirname "$stamp")"
started=$SECONDS
{ "$lower" "$in" "$lowered" && "$wasmedge" compile "$lowered" "$out.new"; } >"$stamp.log" 2>&1 &
compiler=$!
while kill -0 "$compiler" 2>/dev/null; do
    sleep 1
    seconds=$((SECONDS - started))
    if [ -t 2 ]; then
        printf '\r    %s s ' "$seconds" >&2
    elif [ $((seconds / 30)) != $(((seconds - 1) / 30)) ]; then
        echo "    still compiling after $seconds s" >&2
    fi
done
wait "$compiler" || {
    cat "$stamp.log" >&2
    exit 1
}
mv "$out.new" "$out"
echo "$made_of" >"$stamp"
printf '\r    %s: %s bytes of wasm, %s compiled, %s s\n' "$out" "$(stat -c %s "$lowered")" "$(stat -c %s "$out")" \
    $((SECONDS - started)) >&2
