#!/usr/bin/env bash
# Everything that has to hold before a change lands. Each step says what it is; the first that fails ends it.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }

say "format"
cargo fmt --check
say "lints, native"
cargo clippy --locked --workspace --all-targets -- -D warnings
cargo clippy --locked --test deploy -- -D warnings
say "lints, wasm"
cargo clippy --locked --release --target wasm32-wasip1 --package order_demo_service --package wasmedge_wasi_socket \
    --package wasmedge_rustls_api -- -D warnings

say "tests"
scripts/with-database.sh cargo test --locked --workspace
