#!/usr/bin/env bash
# Installs what the build and the tests need and is not there yet, and says so. Does nothing when all is there.
# usage: setup.sh [bench|schemathesis|python|registry|page|dev|debug|devcontainer]   (what `make bench`,
# `make schemathesis`, `make test-peers`, `make push`, `run`, `sbom` and `audit`, `make test-page`, `make dev`,
# `make debug` and `trap`, or `make test-devcontainer` need as well)
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/debian.sh

# A command that shows that something is there, and the Debian package that brings it.
missing=()
need() { have "$1" || missing+=("$2"); }
PATH=$PATH:/usr/sbin # Debian keeps mariadbd there, where users do not look
need cc gcc
need curl curl
need kill procps
need clang clang
need mariadbd mariadb-server-core
need mariadb-install-db mariadb-server-core
need my_print_defaults mariadb-client-core
need haproxy haproxy
if [ "${1:-}" = bench ]; then
    need wrk wrk
    need h2load nghttp2-client
fi
if [ "${1:-}" = registry ]; then
    need git git
    need jq jq
    need skopeo skopeo
fi
if [ "${1:-}" = page ]; then
    need node nodejs
    need npm npm # other packages of Node.js bring it along, and Debian's is in conflict with theirs
    need chromium chromium
fi
if [ "${1:-}" = dev ]; then
    need inotifywait inotify-tools
fi
if [ "${1:-}" = debug ]; then
    need lldb-dap-19 lldb-19
    need llvm-symbolizer llvm
fi
if [ "${1:-}" = devcontainer ]; then
    need npx npm
fi
if [ "${1:-}" = schemathesis ] || [ "${1:-}" = page ]; then
    need mariadb mariadb-client-core
fi
if [ "${1:-}" = schemathesis ] || [ "${1:-}" = python ]; then
    python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
fi
[ -e /usr/include/wasm32-wasi ] || [ -n "${CFLAGS_wasm32_wasip1:-}" ] || missing+=(wasi-libc)
[ -x target/tools/bin/wasmedge ] || have wasmedge || missing+=(wasmedge)

if ! have cargo; then
    say "Rust is missing. Get it from https://rustup.rs, open a new shell, and run this again."
    exit 1
fi
if have rustup; then
    sysroot=$(rustc --print sysroot)
    if [ ! -e "$sysroot/lib/rustlib/wasm32-wasip1" ]; then
        say "adding Rust's target wasm32-wasip1"
        rustup target add wasm32-wasip1
    fi
    have cargo-clippy && cargo clippy --version >/dev/null 2>&1 || rustup component add clippy
    have cargo-fmt && cargo fmt --version >/dev/null 2>&1 || rustup component add rustfmt
fi

if [ ${#missing[@]} -gt 0 ] && ! have apt-get; then
    say "These are missing, and this system has no apt to install them with: ${missing[*]} (Debian's names)."
    say "clang with wasi-libc: any, then set CFLAGS_wasm32_wasip1='--target=wasm32-wasi -isystem HEADERS'."
    say "MariaDB: any server with mariadb-install-db, or set DATABASE_URL. WasmEdge: https://wasmedge.org, 0.14 or later."
    exit 1
fi

unpack_wasmedge=
if [[ " ${missing[*]} " == *" wasmedge "* ]]; then
    update_lists
    if ! apt-cache show wasmedge >/dev/null 2>&1; then
        # Debian 12 has no such package: Debian 13's is unpacked into a folder, without touching the system.
        unpack_wasmedge=yes
        missing=("${missing[@]/#wasmedge/}")
    fi
fi
mapfile -t packages < <(printf '%s\n' "${missing[@]}" | sort -u | grep .)
[ ${#packages[@]} = 0 ] || install "${packages[@]}"
[ -z "$unpack_wasmedge" ] || scripts/unpack-wasmedge.sh trixie target/tools/bin/wasmedge
