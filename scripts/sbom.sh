#!/usr/bin/env bash
# Writes what the module is made of: target/order_demo_service.cdx.json (CycloneDX 1.5), and the licences of it, with their
# texts: target/order_demo_service.licenses.txt. Both hold what is linked into the module, and nothing that only builds or
# tests it; both are the same on every machine.
set -euo pipefail
cd "$(dirname "$0")/.."

name=order_demo_service
rust=$(rustc --version | cut -d ' ' -f 2)
# Name and version of each crate that is linked. Macros run in the compiler; cargo-cyclonedx takes them in.
linked=$(cargo tree --locked --target wasm32-wasip1 --edges normal,no-proc-macro --prefix none --format '{p}' |
    sed -E 's/ v([^ ]+).*/ \1/' | sort -u)

main() {
    mkdir -p target
    bill_of_materials >target/$name.cdx.json.new
    licenses >target/$name.licenses.txt.new
    for file in target/$name.cdx.json target/$name.licenses.txt; do mv "$file.new" "$file"; done
    echo "target/$name.cdx.json: $(jq '.components | length' target/$name.cdx.json) components" >&2
}

# What cargo-cyclonedx says, without the macros and without the path of this machine, with Rust's standard library.
bill_of_materials() {
    local cyclonedx
    cyclonedx=$(scripts/cargo-tool.sh cargo-cyclonedx 0.5.9)
    # It writes a file beside each Cargo.toml of the workspace.
    trap 'rm -f .sbom.json crates/*/.sbom.json' EXIT
    SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-0} "$cyclonedx" cyclonedx --quiet --target wasm32-wasip1 --no-build-deps \
        --format json --spec-version 1.5 --override-filename .sbom
    jq --arg linked "$linked" --arg rust "$rust" '
        ($linked | split("\n")) as $linked
        | (.metadata.component."bom-ref" | split("#")[0]) as $here
        | walk(if type == "string" then split($here) | join("path+file://.") else . end)
        | .components |= map(select("\(.name) \(.version)" | IN($linked[])))
        | ([.metadata.component, .components[]] | map(."bom-ref")) as $kept
        | .dependencies |= map(select(.ref | IN($kept[])) | (.dependsOn // empty) |= map(select(IN($kept[]))))
        | .components += [{
            type: "library", "bom-ref": "rust-std", name: "std", version: $rust, scope: "required",
            description: "The standard library of Rust, with wasi-libc",
            licenses: [{expression: "MIT OR Apache-2.0"}],
            purl: "pkg:github/rust-lang/rust@\($rust)"
          }]
        | .dependencies += [{ref: "rust-std"}]
        | (.dependencies[] | select(.ref == $kept[0]) | .dependsOn) += ["rust-std"]
    ' .sbom.json
}

# Every crate with its licence; then every text that they bring along, once, under the names of those that bring it.
licenses() {
    local crates crate version license folder file sum sums=()
    crates=$(cargo metadata --locked --format-version 1 --filter-platform wasm32-wasip1 |
        jq -r '.packages | sort_by(.name, .version)[] |
            [.name, .version, .license // "see its texts", (.manifest_path | rtrimstr("/Cargo.toml"))] | @tsv')
    declare -A text brings
    echo "What is in $name.wasm, and under which licences. The texts stand below."
    echo
    while IFS=$'\t' read -r crate version license folder; do
        grep -qxF "$crate $version" <<<"$linked" || continue
        printf '%-40s %s\n' "$crate $version" "$license"
        while read -r file; do
            sum=$(sha256sum <"$file")
            [ -n "${text[$sum]:-}" ] || sums+=("$sum")
            text[$sum]=$file
            brings[$sum]+="${brings[$sum]:+, }$crate $version"
        done < <(find "$folder" -maxdepth 2 -type f -not -path '*/target/*' \( -iname 'licen[sc]e*' -o -iname 'copying*' \
            -o -iname 'copyright*' -o -iname 'notice*' -o -iname 'unlicense*' \) | LC_ALL=C sort)
    done <<<"$crates"
    printf '%-40s %s\n' "std $rust (with wasi-libc)" "MIT OR Apache-2.0; of its parts: COPYRIGHT-library.html of Rust $rust"
    for sum in "${sums[@]}"; do
        printf '\n%s\n%s\n%s\n\n' "$(printf '=%.0s' {1..80})" "${brings[$sum]}" "$(printf '=%.0s' {1..80})"
        cat "${text[$sum]}"
    done
}

main
