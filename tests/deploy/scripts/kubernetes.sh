#!/usr/bin/env bash
# What the manifests in deploy/kubernetes are rendered and validated with: kustomize, and the schemas of Kubernetes' own
# API. Both come under target/tools where they are missing.
# usage: kubernetes.sh setup
#        kubernetes.sh render FOLDER            prints the manifests, YAML
#        kubernetes.sh json <FILE               makes an array in JSON of them
#        kubernetes.sh validate VERSION FILE …  fails when a field is wrong, missing, or not known to that Kubernetes
set -euo pipefail
cd "$(dirname "$0")/../../.."
. scripts/debian.sh

validator=kubernetes-validate==1.37.0 # brings the schemas of all versions up to its own
venv=$PWD/target/tools/${validator//==/-}
unpacked=$PWD/target/tools/kustomize
PATH=$PATH:$unpacked/usr/bin

setup() {
    have kustomize || get_kustomize
    [ ! -x "$venv/bin/kubernetes-validate" ] || return 0
    python3 -c 'import ensurepip, venv' 2>/dev/null || install python3-venv
    say "installing $validator under target/tools"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check "$validator" || {
        rm -rf "$venv"
        exit 1
    }
}

get_kustomize() {
    update_lists
    # Debian 12 has no such package: Debian 13's is unpacked into a folder, without touching the system.
    if apt-cache show kustomize >/dev/null 2>&1; then
        install kustomize
    else
        unpack trixie "$unpacked" kustomize
    fi
}

case ${1:-} in
setup) setup ;;
render) kustomize build "$2" ;;
json) "$venv/bin/python" -c 'import json, sys, yaml; json.dump(list(yaml.safe_load_all(sys.stdin)), sys.stdout)' ;;
validate) "$venv/bin/kubernetes-validate" --strict --kubernetes-version "$2" "${@:3}" ;;
*) echo 'usage: kubernetes.sh setup|render|json|validate …' >&2 && exit 2 ;;
esac
