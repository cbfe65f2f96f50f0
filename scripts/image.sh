#!/usr/bin/env bash
# Builds two images with podman and prints their sizes: order_demo_service:scratch, the module and next to nothing else,
# and order_demo_service:native, the native build on Debian, to compare it with.
# usage: image.sh MODULE.wasm
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/debian.sh
. scripts/podman.sh

module=$1
folder=target/image
base=docker.io/library/debian:trixie-slim
stand_in=localhost/debian-stand-in:trixie # a name of its own: the official one is never given to anything else
trap 'rm -rf "$folder"' EXIT

main() {
    rm -rf "$folder"
    mkdir -p "$folder"
    cp deploy/scratch/* "$folder/"
    cp "$module" "$folder/order_demo_service.wasm"
    cp target/release/order_demo_service "$folder/"
    # Who builds says from what; the annotations say how it is run, though podman wants to be told again.
    build order_demo_service:scratch --file "$folder/Containerfile" \
        --label "org.opencontainers.image.version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)" \
        --label "org.opencontainers.image.revision=$(git rev-parse HEAD 2>/dev/null || true)" \
        --annotation run.oci.handler=wasm --annotation module.wasm.image/variant=compat-smart "$folder"
    find_base
    build order_demo_service:native --from "$base" --file "$folder/Containerfile.native" "$folder"
    tell scratch
    tell native
}

# Debian's image, or where no registry answers the same made of Debian's packages.
find_base() {
    if podman image exists "$base" || timeout 60 scripts/podman-host.sh podman pull --quiet "$base" >&2; then return; fi
    base=$stand_in
    if podman image exists "$base"; then return; fi
    say "no registry gives debian:trixie-slim: making $base of Debian's packages"
    have mmdebstrap || install mmdebstrap
    # As Debian's slim image: without documentation, manuals and translations.
    as_root mmdebstrap --quiet --variant=minbase --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' trixie "$folder/base.tar"
    podman import --quiet "$folder/base.tar" "$base" >/dev/null
}

# What it takes on disk, and what goes over the network when it is pushed.
tell() {
    local image=order_demo_service:$1 size blobs
    podman push --quiet --compression-format gzip "$image" "oci:$PWD/$folder/$1" >/dev/null
    size=$(podman image inspect --format '{{.Size}}' "$image")
    blobs=$(du --bytes --summarize --total "$folder/$1"/blobs/sha256/* | tail -n 1 | cut -f 1)
    echo "image $image: $size bytes, $blobs when pushed"
}

main
