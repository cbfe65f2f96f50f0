#!/usr/bin/env bash
# Everything that has to hold before a change lands. Each step says what it is; the first that fails ends it.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }

say "format"
cargo fmt --check
say "lints, native"
cargo clippy --locked --all-targets -- -D warnings
say "lints, wasm"
cargo clippy --locked --release --target wasm32-wasip1 -- -D warnings

say "tests"
scripts/with-database.sh cargo test --locked
