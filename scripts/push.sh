#!/usr/bin/env bash
# Pushes a module to a registry as CNCF's 'Wasm OCI Artifact', version 0: config, and one layer application/wasm. Files given
# besides (its SBOM, its licences) become a second artifact, whose `subject` is the first, under the tag sha256-DIGEST.sbom.
# The same files of the same commit give the same digest at any time. Log in before: skopeo login HOST.
# usage: push.sh HOST/NAME:TAG MODULE.wasm [FILE …]     prints HOST/NAME@sha256:DIGEST
set -euo pipefail
shopt -s inherit_errexit # what fails in $(…) ends it there

reference=$1 module=$2
[[ $reference != *@* && ${reference##*/} == *:* ]] || {
    echo "push to a tag: HOST/NAME:TAG, and not $reference" >&2
    exit 2
}
name=${reference%:*}
tls=--dest-tls-verify
# The whole host: 127.0.0.1.example.com is somebody's.
[[ ! $name =~ ^(localhost|127(\.[0-9]{1,3}){3})(:[0-9]+)?/ ]] || tls=--dest-tls-verify=false
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

main() {
    local wasm config subject beside digest file layer layers=()
    # When the module's source was last changed, unless the build says another time: https://reproducible-builds.org.
    created=$(date -u -d "@${SOURCE_DATE_EPOCH:-$(git -C "$(dirname "$0")" log -1 --format=%ct 2>/dev/null || echo 0)}" +%FT%TZ)
    wasm=$(blob application/wasm <"$module")
    config=$(jq -cn --arg created "$created" --argjson layer "$wasm" \
        '{$created, architecture: "wasm", os: "wasip1", layerDigests: [$layer.digest]}' |
        blob application/vnd.wasm.config.v0+json)
    # Every file is read before anything is pushed. A line for each $(…): as an argument its failure would not count.
    for file in "${@:3}"; do
        layer=$(blob "$(media_type "$file")" <"$file")
        layer=$(titled "$layer" "$(basename "$file")")
        layers+=("$layer")
    done
    layer=$(titled "$wasm" "$(basename "${module/.lowered/}")")
    subject=$(manifest "$config" "$layer" | blob "$manifest_type")
    digest=$(jq -r .digest <<<"$subject")
    push "$subject" "${reference##*:}"

    if [ ${#layers[@]} -gt 0 ]; then
        config=$(printf '{}' | blob application/vnd.oci.empty.v1+json)
        beside=$(manifest "$config" "${layers[@]}" | jq -c --argjson subject "$subject" \
            '. + {artifactType: .layers[0].mediaType, $subject}' | blob "$manifest_type")
        push "$beside" "${digest/:/-}.sbom"
    fi
    echo "$name@$digest"
}

manifest_type=application/vnd.oci.image.manifest.v1+json

# Adds what comes in to the layout, and prints its descriptor.
blob() {
    local digest
    mkdir -p "$folder/blobs/sha256"
    cat >"$folder/new"
    digest=$(sha256sum <"$folder/new" | cut -c -64)
    mv "$folder/new" "$folder/blobs/sha256/$digest"
    printf '{"mediaType":"%s","digest":"sha256:%s","size":%s}' "$1" "$digest" \
        "$(stat -c %s "$folder/blobs/sha256/$digest")"
}

# A descriptor with the name that `oras pull` gives the file.
titled() { jq -c --arg title "$2" '. + {annotations: {"org.opencontainers.image.title": $title}}' <<<"$1"; }

manifest() {
    printf '%s\n' "${@:2}" | jq -cs --argjson config "$1" --arg type "$manifest_type" --arg created "$created" \
        '{schemaVersion: 2, mediaType: $type, $config, layers: .,
            annotations: {"org.opencontainers.image.created": $created}}'
}

media_type() {
    case $1 in
    *.cdx.json) echo application/vnd.cyclonedx+json ;;
    *) echo text/plain ;;
    esac
}

# Copies the manifest with this descriptor, and what belongs to it, to a tag.
push() {
    echo '{"imageLayoutVersion":"1.0.0"}' >"$folder/oci-layout"
    jq -n --argjson manifest "$1" '{schemaVersion: 2, manifests: [$manifest]}' >"$folder/index.json"
    skopeo copy --quiet --preserve-digests "$tls" "oci:$folder" "docker://$name:$2"
}

main "$@"
