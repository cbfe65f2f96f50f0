#!/usr/bin/env bash
# Installs one of cargo's tools from crates.io under target/tools, unless it is there in this version, and prints its
# command. It is not optimized: that would take longer than all its runs.
# usage: cargo-tool.sh NAME VERSION
set -euo pipefail
cd "$(dirname "$0")/.."

name=$1 version=$2
folder=$PWD/target/tools/$name-$version
if [ ! -x "$folder/bin/$name" ]; then
    printf '\033[1m==>\033[0m installing %s %s under target/tools (takes a minute or two)\n' "$name" "$version" >&2
    build=$PWD/target/tools/$name-build
    trap 'rm -rf "$build"' EXIT
    CARGO_PROFILE_DEV_DEBUG=0 cargo install --quiet --debug --locked --root "$folder" --target-dir "$build" "$name@$version" >&2
fi
echo "$folder/bin/$name"
