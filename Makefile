# `make help` lists what there is. The work is done by scripts/, which can be run alone.
MODULE := order_demo_service.wasm
WASM   := target/wasm32-wasip1/release/$(MODULE)
DEPLOY := cargo test --locked --test deploy

.PHONY: help setup build native up down clean dev dev-wasm debug trap new plain plain-patch \
    test test-page screenshots test-docs test-new test-dev test-devcontainer test-next test-faults test-peers test-metrics \
    test-galera schemathesis bench bench-short image push run sbom audit test-compose test-oci test-registry test-kubernetes
.DEFAULT_GOAL := help

# The scripts look for what was built here, wherever this user keeps other projects' builds.
export CARGO_TARGET_DIR := $(CURDIR)/target

help: ## lists the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 24

# Build and run

setup: ## installs what is missing (Debian), and says so
	@scripts/setup.sh

build: setup ## builds the module and compiles it ahead of time: order_demo_service.wasm
	@cargo build --locked --release --target wasm32-wasip1
	@scripts/compile.sh $(WASM) $(MODULE)

native: ## builds the same source natively, optimized: the baseline of every comparison
	@cargo build --locked --release

up: build ## starts the service and a private MariaDB; Ctrl-C stops both
	@scripts/up.sh

down: ## stops the private MariaDB, should it still run
	@scripts/database.sh stop

dev: setup ## builds and runs it natively, with a private MariaDB, again after each save; Ctrl-C stops all of it
	@scripts/setup.sh dev
	@scripts/dev.sh

dev-wasm: setup ## the same on WasmEdge
	@scripts/setup.sh dev
	@scripts/dev.sh wasm

debug: setup ## makes ready what the editor's debugger needs: the native build, a private MariaDB, its URL
	@scripts/setup.sh debug
	@scripts/debug.sh

trap: ## says which line a trap under `make dev-wasm` comes from: make trap OFFSET=0x00001234
	@scripts/setup.sh debug
	@scripts/trap.sh "$$OFFSET" $$OF

clean: down ## removes all that was built, and the private database with its data; stops what killed tests left
	@tests/deploy/scripts/docker.sh clean
	@tests/deploy/scripts/galera.sh stop
	@tests/deploy/scripts/registry.sh stop
	@for data in target/*/mariadb; do scripts/database.sh stop "$$data"; done
	@scripts/podman-host.sh clean
	rm -rf target $(MODULE)

# Test

test: build ## format, lints, unit tests, and the real module on WasmEdge against MariaDB
	@scripts/test.sh

test-page: build ## drives the page in Debian's Chromium: each action, each error, keyboard, axe-core; FILTER=load
	@scripts/setup.sh page
	@scripts/with-database.sh scripts/test-page.sh $(FILTER)

screenshots: build ## takes the pictures of the page in docs/
	@scripts/setup.sh page
	@SCREENSHOTS=1 scripts/with-database.sh scripts/test-page.sh screenshots

test-next: build ## those over sockets again, on the WasmEdge of Debian's testing release
	@scripts/setup.sh bench
	@scripts/setup.sh python
	@scripts/test-next.sh

test-faults: build ## the faults that take longer than a minute, or root
	@scripts/setup.sh bench
	@scripts/with-database.sh cargo test --locked --test faults -- --ignored --nocapture

test-peers: build ## events with other people's software at the other end: Microsoft's client, Standard Webhooks
	@scripts/setup.sh python
	@scripts/with-database.sh scripts/test-peers.sh

test-dev: setup ## `make dev` and `make dev-wasm` while files change, the editor's debugger, and a trap decoded to its line
	@scripts/setup.sh dev
	@scripts/setup.sh debug
	@scripts/with-database.sh $(DEPLOY) -- dev:: debug:: --nocapture --test-threads=1

test-devcontainer: setup ## the dev container: made by its own command-line tool, and the service built and run in it
	@scripts/setup.sh devcontainer
	@tests/deploy/scripts/docker.sh run $(DEPLOY) devcontainer:: -- --nocapture --test-threads=1

test-metrics: build ## Debian's Prometheus scrapes the service; the dashboard's expressions and the alerts, run by it
	@scripts/with-database.sh $(DEPLOY) metrics:: -- --nocapture --test-threads=1

test-galera: build ## two instances on a Galera cluster of three nodes, of which one is killed
	@$(DEPLOY) galera:: -- --nocapture --test-threads=1

test-docs: build native ## types what the pages say, and follows their recipes in a copy of this folder
	@scripts/with-database.sh $(DEPLOY) docs:: -- --nocapture --test-threads=1; code=$$?; \
		cargo clean --quiet --package order_demo_service; exit $$code # what was built of the copy is not this folder's

schemathesis: build ## looks for requests that are answered otherwise than /openapi.json says; SEED=2 makes others
	@scripts/setup.sh schemathesis
	@scripts/with-database.sh scripts/schemathesis.sh $(SEED)

bench: build native ## native, compiled and interpreted side by side; writes bench/report.json and the pages' tables
	@scripts/setup.sh bench
	@scripts/with-database.sh cargo test --quiet --locked --bench bench

bench-short: build native ## GET /orders/{id} only; fails when compiled falls below 0.8 of native
	@scripts/setup.sh bench
	@scripts/with-database.sh cargo test --quiet --locked --bench bench -- --short

# Make it yours

# `make` passes on by itself what its command line says; what the environment calls so is something else's (WSL has a NAME).
new: setup ## a project of its own: make new NAME=bookings FIELDS='customer:text, starts_at:datetime, price:money, seats:int'
	@env $(foreach name,NAME SINGULAR FIELDS DIR,$(if $(filter environment%,$(origin $(name))),-u $(name))) \
	    cargo run --quiet --locked --package make_new

plain:
	@cargo run --quiet --locked --package make_new plain

plain-patch:
	@git -C target/plain add --intent-to-add . && git -C target/plain diff >template/plain.patch

test-new: setup ## makes such a project, and runs `make up`, its README's commands and `make test` in it
	@template/test.sh

# Ship

image: build native ## the module as an image FROM scratch, and the native build on Debian: prints their sizes
	@scripts/image.sh $(MODULE)

push: build sbom ## pushes the module, its SBOM and its licences to a registry: make push REF=HOST/NAME:TAG
	@scripts/push.sh "$(REF)" $(WASM:.wasm=.lowered.wasm) target/order_demo_service.cdx.json target/order_demo_service.licenses.txt

run: ## runs a module from a registry, compiled once for this machine: DATABASE_URL=… make run REF=HOST/NAME:TAG
	@scripts/setup.sh registry
	@scripts/run.sh "$(REF)"

sbom: ## writes what the module is made of (CycloneDX), and its licences with their texts: target/order_demo_service.*
	@scripts/setup.sh registry
	@scripts/sbom.sh

audit: ## holds what this is made of against deny.toml: advisories, licences, sources; ADVISORIES=optional
	@scripts/setup.sh registry
	@scripts/audit.sh $(ADVISORIES)

test-compose: setup ## docker-compose.yml and the Dockerfile under a Docker engine: built, disturbed, scaled, stopped
	@tests/deploy/scripts/docker.sh run $(DEPLOY) compose:: -- --nocapture --test-threads=1

test-oci: image ## runs the scratch image by podman and crun, with a database that it finds by name; needs root
	@$(DEPLOY) oci:: -- --nocapture --test-threads=1

test-registry: image sbom ## pushes the module and the image to a registry, fetches and runs them, and tampers with them
	@$(DEPLOY) registry:: -- --nocapture --test-threads=1

test-kubernetes: build ## validates the manifests in deploy/kubernetes and has podman play their pods; needs root
	@$(DEPLOY) kubernetes:: -- --nocapture --test-threads=1
