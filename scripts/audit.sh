#!/usr/bin/env bash
# Holds what this is made of against deny.toml: licences, sources, banned crates, and the advisories of https://rustsec.org;
# then the ports to WasmEdge against the advisories of what they are ports of (deny.ports.toml). Every exception has its
# reason in those files, and one that nothing needs any more is an error.
# usage: audit.sh [optional]     `optional`: where the advisories cannot be fetched it says so and does not fail for that
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
deny=$(scripts/cargo-tool.sh cargo-deny 0.20.2)
folder=target/audit

main() {
    mkdir -p "$folder"
    say "licences, sources, bans"
    check --workspace -- bans licenses sources
    say "the ports are those whose upstream is known"
    upstream >"$folder/upstream.json"
    timeout 120 "$deny" --workspace fetch db >"$folder/fetch.log" 2>&1 || {
        cat "$folder/fetch.log" >&2
        say "THE ADVISORIES WERE NOT CHECKED: their database cannot be fetched from here, see above. The rest was."
        [ "${1:-}" = optional ]
        exit
    }
    say "advisories"
    check --workspace -- advisories
    say "advisories, the ports under their upstream names"
    check --metadata-path "$folder/upstream.json" --config deny.ports.toml -- advisories
}

# No warning is passed over, but for a licence that a crate gives as a file alone: that is read (webpki 0.22: ISC).
# usage: check OPTION … -- CHECK …
check() {
    local options=()
    while [ "$1" != -- ]; do options+=("$1") && shift; done
    "$deny" --locked "${options[@]}" check --deny warnings --allow no-license-field --hide-inclusion-graph "${@:2}"
}

# What cargo says of the module's crates, each port with the name and the version that it was made of.
upstream() {
    cargo metadata --locked --format-version 1 --filter-platform wasm32-wasip1 | jq '
        {
            "h2_wasi 0.3.15": ["h2", "0.3.15"], "hyper_wasi 0.15.2": ["hyper", "0.14.20"],
            "mio_wasi 0.8.9": ["mio", "0.8.9"], "mysql_async_wasi 0.33.0": ["mysql_async", "0.33.0"],
            "reqwest_wasi 0.11.16": ["reqwest", "0.11.14"], "tokio_wasi 1.25.2": ["tokio", "1.25.0"],
            "tokio-util_wasi 0.7.5": ["tokio-util", "0.7.4"], "wasmedge_hyper_rustls 0.1.1": ["hyper-rustls", "0.23.0"]
        } as $known
        | [.packages[] | select(.source and (.name | test("_wasi$|^wasmedge_"))) | "\(.name) \(.version)"] as $found
        | if ($found | sort) != ($known | keys) then error("the ports are others now: \($found)") else . end
        | ($known | with_entries(.key |= split(" ")[0])) as $ports
        | (reduce (.packages[] | select(.name | in($ports))) as $package ({};
            .[$package.id] = "registry+https://github.com/rust-lang/crates.io-index#" + ($ports[$package.name] | join("@"))
          )) as $ids
        | (.packages[] | select(.name | in($ports))) |= (.name as $name | .name = $ports[$name][0] | .version = $ports[$name][1])
        | (.packages[].dependencies[] | select(.name | in($ports))) |= (.name = $ports[.name][0] | .req = "*")
        | walk(if type == "string" and in($ids) then $ids[.] else . end)'
}

main "$@"
