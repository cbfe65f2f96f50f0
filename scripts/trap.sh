#!/usr/bin/env bash
# Says which line of the source a trap comes from: WasmEdge prints its "Bytecode offset" when it interprets the module.
# usage: trap.sh OFFSET [MODULE.wasm]     (MODULE: not stripped; what `make dev-wasm` runs if not named)
set -euo pipefail
cd "$(dirname "$0")/.."

main() {
    local offset=${1:-} name module
    if ! [[ $offset =~ ^(0x)?[0-9a-fA-F]+$ ]]; then
        echo "usage: make trap OFFSET=0x…   (the 'Bytecode offset' that WasmEdge prints)" >&2
        exit 2
    fi
    name=$(sed -n 's/^name = "\(.*\)"/\1/p' Cargo.toml | head -1)
    module=${2:-target/wasm32-wasip1/dev-wasm/$name.wasm}
    find_code "$module"
    # Functions that were inlined have a line each, the innermost first. What the compiler has added has line 0: then the
    # last line before it counts.
    local address=$((offset - code)) addresses
    mapfile -t addresses < <(seq "$address" -1 $((address - 64)))
    llvm-symbolizer --obj="$module" --functions=short --pretty-print "${addresses[@]}" |
        awk 'BEGIN { RS = "" } NR == 1 { found = $0 } !known && !/:0:[0-9]/ { found = $0; known = 1 } END { print found }' |
        sed "s|$PWD/||"
}

# Sets `code`: where the code begins. WasmEdge counts from the file's first byte, DWARF from there. A section is its type
# (10 is code), its size (LEB128: seven bits a byte, the lowest first, and all but the last byte with the eighth bit) and
# its content.
find_code() {
    local type='' size byte shift
    code=8
    while [ "$type" != 10 ]; do
        [ -z "$type" ] || code=$((code + size))
        size=0 shift=0 type=''
        for byte in $(od -An -tu1 -j "$code" -N 6 "$1"); do
            code=$((code + 1))
            if [ -z "$type" ]; then type=$byte && continue; fi
            size=$((size | (byte & 127) << shift)) shift=$((shift + 7))
            [ "$byte" -ge 128 ] || break
        done
        [ -n "$type" ] || exit 1 # no such file, or no code in it
    done
}

main "$@"
