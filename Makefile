# `make help` lists what there is. The work is done by scripts/, which can be run alone.
MODULE := order_demo_service.wasm
WASM   := target/wasm32-wasip1/release/$(MODULE)

.PHONY: help setup build native up test test-next test-faults test-peers schemathesis test-compose bench bench-short down clean
.DEFAULT_GOAL := help

# The scripts look for what was built here, wherever this user keeps other projects' builds.
export CARGO_TARGET_DIR := $(CURDIR)/target

help: ## lists the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

setup: ## installs what is missing (Debian), and says so
	@scripts/setup.sh

build: setup ## builds the module and compiles it ahead of time: order_demo_service.wasm
	@cargo build --locked --release --target wasm32-wasip1
	@scripts/compile.sh $(WASM) $(MODULE)

native: ## builds the same source natively, for a debugger and as a baseline
	@cargo build --locked --release

up: build ## starts the service and a private MariaDB; Ctrl-C stops both
	@scripts/up.sh

test: build ## format, lints, unit tests, and the real module on WasmEdge against MariaDB
	@scripts/test.sh

test-next: build ## the tests again, on the WasmEdge of Debian's testing release
	@scripts/test-next.sh

test-faults: build ## the faults that take longer than a minute, or root
	@scripts/setup.sh bench
	@scripts/with-database.sh cargo test --locked --test faults -- --ignored --nocapture

test-peers: build ## events with other people's software at the other end: Microsoft's client, Standard Webhooks
	@scripts/setup.sh python
	@scripts/with-database.sh scripts/test-peers.sh

schemathesis: build ## looks for requests that are answered otherwise than /openapi.json says; SEED=2 makes others
	@scripts/setup.sh schemathesis
	@scripts/with-database.sh scripts/schemathesis.sh $(SEED)

test-compose: setup ## docker-compose.yml and the Dockerfile under a Docker engine: built, disturbed, scaled, stopped
	@scripts/with-docker.sh scripts/test-compose.sh

bench: build native ## native, compiled and interpreted side by side; writes bench/report.json and README's table
	@scripts/setup.sh bench
	@scripts/with-database.sh cargo test --quiet --locked --bench bench

bench-short: build native ## GET /orders/{id} only; fails when compiled falls below 0.8 of native
	@scripts/setup.sh bench
	@scripts/with-database.sh cargo test --quiet --locked --bench bench -- --short

down: ## stops the private MariaDB, should it still run
	@scripts/database.sh stop

clean: down ## removes all that was built, and the private database with its data
	@scripts/docker.sh clean
	rm -rf target $(MODULE)
