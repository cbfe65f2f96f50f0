#!/usr/bin/env bash
# What the manifests in deploy/kubernetes are rendered and validated with: kustomize, and the schemas of Kubernetes' own
# API. Both come under target/tools where they are missing.
# usage: kubernetes.sh setup
#        kubernetes.sh render FOLDER            prints the manifests, YAML
#        kubernetes.sh json <FILE               makes an array in JSON of them
#        kubernetes.sh validate VERSION FILE …  fails when a field is wrong, missing, or not known to that Kubernetes
set -euo pipefail
cd "$(dirname "$0")/.."

validator=kubernetes-validate==1.37.0 # brings the schemas of all versions up to its own
venv=$PWD/target/tools/${validator//==/-}
unpacked=$PWD/target/tools/kustomize
PATH=$PATH:$unpacked/usr/bin
say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
install() { as_root env DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends "$@" >&2; }

setup() {
    if ! command -v kustomize >/dev/null; then
        as_root apt-get update -q >&2
        # Debian 12 has no such package: Debian 13's is unpacked into a folder, without touching the system.
        install kustomize 2>/dev/null || unpack
    fi
    [ ! -x "$venv/bin/kubernetes-validate" ] || return 0
    python3 -c 'import ensurepip, venv' 2>/dev/null || install python3-venv
    say "installing $validator under target/tools"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check "$validator" || {
        rm -rf "$venv"
        exit 1
    }
}

unpack() {
    command -v mmdebstrap >/dev/null || install mmdebstrap
    say "unpacking kustomize from Debian 13 under target/tools"
    as_root rm -rf "$unpacked" "$unpacked.new"
    mkdir -p target/tools
    as_root mmdebstrap --quiet --variant=extract --include=kustomize --skip=check/empty trixie "$unpacked.new"
    as_root chown -R "$(id -u):$(id -g)" "$unpacked.new" # so that `make clean` needs no root
    mv "$unpacked.new" "$unpacked"
}

case ${1:-} in
setup) setup ;;
render) kustomize build "$2" ;;
json) "$venv/bin/python" -c 'import json, sys, yaml; json.dump(list(yaml.safe_load_all(sys.stdin)), sys.stdout)' ;;
validate) "$venv/bin/kubernetes-validate" --strict --kubernetes-version "$2" "${@:3}" ;;
*) echo 'usage: kubernetes.sh setup|render|json|validate …' >&2 && exit 2 ;;
esac
