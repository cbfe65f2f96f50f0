#!/usr/bin/env bash
# Makes, for podman, the two images that the manifests run: order_demo_service:scratch as `make image` does, and
# order_demo_service:container, which has what the Dockerfile's second stage puts together, with the module built here.
# usage: kubernetes-images.sh MODULE.wasm
set -euo pipefail
cd "$(dirname "$0")/.."

module=$1
folder=target/kubernetes/images
base=localhost/debian:wasmedge
podman() { scripts/podman-host.sh podman "$@"; }
say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

scratch() {
    mkdir -p $folder/scratch
    cp deploy/scratch/* $folder/scratch/
    cp "$module" $folder/scratch/order_demo_service.wasm
    podman build --quiet --tag localhost/order_demo_service:scratch $folder/scratch
}

container() {
    local app=$folder/container/app
    mkdir -p $app
    cp "$module" $app/compiled.wasm
    cp target/wasm32-wasip1/release/order_demo_service.lowered.wasm $app/module.wasm
    cp scripts/{serve,drain,container,healthcheck}.sh $app/
    $app/container.sh processor >$app/compiled-for
    # The second stage, but for what it installs.
    {
        echo "FROM $base"
        sed '1,/^FROM debian:trixie-slim$/d' Dockerfile | sed '/^RUN /,/[^\\]$/d; s/^COPY --from=build \/app/COPY app/'
    } >$folder/container/Containerfile
    podman image exists $base || make_base
    podman build --quiet --tag localhost/order_demo_service:container $folder/container
}

make_base() {
    command -v mmdebstrap >/dev/null ||
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends mmdebstrap >&2
    say "making Debian 13 with WasmEdge, in place of what the Dockerfile's second stage installs"
    as_root mmdebstrap --quiet --variant=minbase --include=netbase,wasmedge trixie - | podman import --quiet - $base
}

rm -rf $folder
trap 'rm -rf $folder' EXIT
scratch
container
podman image prune --force >/dev/null
