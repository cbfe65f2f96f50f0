#!/usr/bin/env bash
# Prints the options that hand this machine's proxy variables, where they are set, to `docker build`.
for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
    [ -z "${!name:-}" ] || printf -- '--build-arg %s ' "$name"
done
