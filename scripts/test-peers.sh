#!/usr/bin/env bash
# Tests events with other people's software at the other end: Microsoft's client for Event Grid and the library of
# Standard Webhooks, and doubles of an Event Grid topic and of a Dapr sidecar. The private database has to run.
# usage: test-peers.sh [FILTER]
set -euo pipefail
cd "$(dirname "$0")/.."

requirements=tests/peers/requirements.txt
tool=$PWD/target/tools/peers-$(sha256sum <"$requirements" | cut -c -16)
if [ ! -x "$tool/bin/python" ]; then
    printf '\033[1m==>\033[0m %s\n' "installing $(paste -sd ' ' "$requirements") under target/tools" >&2
    python3 -m venv "$tool"
    "$tool/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements" || {
        rm -rf "$tool"
        exit 1
    }
fi
PYTHON=$tool/bin/python cargo test --locked --test peers -- --ignored "$@"
