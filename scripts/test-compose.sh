#!/usr/bin/env bash
# docker-compose.yml and the Dockerfile, run for real. Needs a Docker engine: scripts/with-docker.sh test-compose.sh
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/stand-in-images.sh
cargo test --locked --test deploy compose:: -- --nocapture --test-threads=1
