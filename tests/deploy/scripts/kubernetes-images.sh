#!/usr/bin/env bash
# Makes, for podman, the two images that the manifests run: order_demo_service:scratch as `make image` does, and
# order_demo_service:container, which has what the Dockerfile's last stage puts together, with the module built here.
# usage: kubernetes-images.sh MODULE.wasm
set -euo pipefail
cd "$(dirname "$0")/../../.."
. scripts/debian.sh
. scripts/podman.sh

module=$1
folder=target/kubernetes/images
runtime=localhost/debian-stand-in:wasmedge
trap 'rm -rf $folder' EXIT

main() {
    rm -rf $folder
    scratch
    container
}

scratch() {
    mkdir -p $folder/scratch
    cp deploy/scratch/* $folder/scratch/
    cp "$module" $folder/scratch/order_demo_service.wasm
    build localhost/order_demo_service:scratch $folder/scratch
}

container() {
    local app=$folder/container/app
    mkdir -p $app
    cp "$module" $app/compiled.wasm
    cp target/wasm32-wasip1/release/order_demo_service.lowered.wasm $app/module.wasm
    cp scripts/{serve,drain,container,healthcheck}.sh $app/
    $app/container.sh processor >$app/compiled-for
    # The Dockerfile's last stage, with this folder and this image in place of the stages before it.
    sed -n '/^FROM runtime$/,$p' Dockerfile |
        sed "s|^FROM runtime$|FROM $runtime|; s|^COPY --from=build /app|COPY app|; s|scripts/|app/|g" \
            >$folder/container/Containerfile
    grep -q '^COPY app /app$' $folder/container/Containerfile || {
        say "the Dockerfile's last stage is not as this script expects it"
        exit 1
    }
    podman image exists $runtime || make_runtime
    build localhost/order_demo_service:container $folder/container
}

make_runtime() {
    have mmdebstrap || install mmdebstrap
    say "making Debian 13 with WasmEdge, in place of the Dockerfile's stage 'runtime'"
    as_root mmdebstrap --quiet --variant=minbase --include=netbase,wasmedge trixie - | podman import --quiet - $runtime >&2
}

main
