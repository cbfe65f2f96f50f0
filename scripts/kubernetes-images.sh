#!/usr/bin/env bash
# Makes the two images that the manifests name, for podman: order_demo_service:wasm has the compiled module and nothing
# else, order_demo_service:container what the Dockerfile's second stage puts together, with the module built here.
# usage: kubernetes-images.sh MODULE.wasm
set -euo pipefail
cd "$(dirname "$0")/.."

module=$1
folder=target/kubernetes/images
base=target/kubernetes/debian.tar
podman() { scripts/podman-host.sh podman "$@"; }
say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

rm -rf $folder
mkdir -p $folder/wasm $folder/container/app
install -m 755 "$module" $folder/wasm/module.wasm
echo 'http 80/tcp' >$folder/wasm/services # without it WasmEdge finds no host by name
cat >$folder/wasm/Containerfile <<'END_OF_FILE'
FROM scratch
COPY services /etc/services
COPY module.wasm /
ENTRYPOINT ["/module.wasm"]
END_OF_FILE
podman build --quiet --tag localhost/order_demo_service:wasm $folder/wasm

if [ ! -e $base ]; then
    say "making Debian 13 with WasmEdge, in place of the Dockerfile's second stage, under ${base%/*}"
    as_root mmdebstrap --quiet --variant=minbase --include=netbase,wasmedge trixie $base.new
    mv -f $base.new $base
fi
cp "$module" $folder/container/app/compiled.wasm
cp scripts/{serve,drain,container,healthcheck}.sh $folder/container/app/
cp "target/wasm32-wasip1/release/order_demo_service.lowered.wasm" $folder/container/app/module.wasm
$folder/container/app/container.sh processor >$folder/container/app/compiled-for
podman image exists localhost/debian:wasmedge || podman import --quiet $base localhost/debian:wasmedge
# From `FROM debian:trixie-slim` on, but for what it installs.
{
    echo 'FROM localhost/debian:wasmedge'
    sed '1,/^FROM debian:trixie-slim$/d' Dockerfile | sed '/^RUN /,/[^\\]$/d; s/^COPY --from=build \/app/COPY app/'
} >$folder/container/Containerfile
podman build --quiet --tag localhost/order_demo_service:container $folder/container
