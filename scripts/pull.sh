#!/usr/bin/env bash
# Fetches a module that push.sh, or anybody's tool for CNCF's 'Wasm OCI Artifact', has pushed; prints where it lies. It is
# fetched once. What does not hash to its digest, and what is no module, is refused. A reference with a digest that was
# fetched before needs no registry. Log in before: skopeo login HOST.
# usage: pull.sh HOST/NAME:TAG | HOST/NAME@sha256:DIGEST
set -euo pipefail

reference=${1:?HOST/NAME:TAG or HOST/NAME@sha256:DIGEST}
tls=tls-verify
# The whole host: 127.0.0.1.example.com is somebody's.
[[ ! $reference =~ ^(localhost|127(\.[0-9]{1,3}){3})(:[0-9]+)?/ ]] || tls=tls-verify=false
cache=${XDG_CACHE_HOME:-$HOME/.cache}/order_demo_service
mkdir -p "$cache"
folder=$(mktemp -d "$cache/pull.XXXXXX") # in the cache, so that a file is moved there in one step
trap 'rm -rf "$folder"' EXIT

refuse() {
    echo "$reference is refused: $*" >&2
    exit 1
}

main() {
    local known=$cache/${reference##*@sha256:}.manifest digest module
    if [[ $reference == *@sha256:* && -e $known ]]; then
        cp "$known" "$folder/manifest"
    else
        skopeo inspect --raw "--$tls" "docker://$reference" >"$folder/manifest"
    fi
    digest=$(sha256sum <"$folder/manifest" | cut -c -64)
    [[ $reference != *@* || ${reference##*@} == "sha256:$digest" ]] || refuse "the registry sent sha256:$digest"

    module=$(jq -r '.config.mediaType, .layers[].mediaType, .layers[].digest' "$folder/manifest" 2>/dev/null) ||
        refuse "its manifest is none"
    [[ $module =~ ^application/vnd\.wasm\.config\.v0\+json$'\n'application/wasm$'\n'sha256:([0-9a-f]{64})$ ]] ||
        refuse "it is not a Wasm artifact of one module; it has $(jq -c '[.config.mediaType, .layers[]?.mediaType]' "$folder/manifest")"
    module=${BASH_REMATCH[1]}
    # Also what was fetched: a disk may have lost the end of it.
    sha256sum --check --status <<<"$module  $cache/$module.wasm" 2>/dev/null || fetch "${reference%@*}" "$digest" "$module"
    mv "$folder/manifest" "$cache/$digest.manifest"
    echo "$cache/$module.wasm"
}

fetch() {
    local name=$1 digest=$2 module=$3 config
    [[ ${name##*/} != *:* ]] || name=${name%:*} # the tag may have moved on since
    # It holds every blob against its digest.
    skopeo copy --quiet "--src-$tls" "docker://$name@sha256:$digest" "dir:$folder/artifact"
    config=$(jq -r '.config.digest | sub("sha256:"; "")' "$folder/manifest")
    jq -e '.architecture == "wasm" and .os == "wasip1"' "$folder/artifact/$config" >/dev/null ||
        refuse "it is not for wasip1: $(head -c 200 "$folder/artifact/$config")"
    [ "$(head -c 4 "$folder/artifact/$module" | od -An -tx1)" = " 00 61 73 6d" ] || refuse "its layer is no WebAssembly"
    sync "$folder/artifact/$module"
    mv "$folder/artifact/$module" "$cache/$module.wasm"
}

main
