#!/usr/bin/env bash
# The tests over sockets on the WasmEdge of Debian's testing release, with the module compiled by that one: tests/api,
# tests/faults but for those that take minutes, tests/peers.
set -euo pipefail
cd "$(dirname "$0")/.."

export WASMEDGE=$PWD/target/tools/bin/wasmedge-testing
export MODULE=target/wasmedge-testing/order_demo_service.wasm
scripts/unpack-wasmedge.sh testing "$WASMEDGE"
scripts/compile.sh target/wasm32-wasip1/release/order_demo_service.wasm "$MODULE"
scripts/with-database.sh cargo test --locked --test api
scripts/with-database.sh cargo test --locked --test faults
scripts/with-database.sh scripts/test-peers.sh
