#!/usr/bin/env bash
# Drives the page in Debian's Chromium, with the compiled module behind it. The private database has to run.
# usage: test-page.sh [PLAYWRIGHT'S ARGUMENT …]
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/debian.sh

folder=tests/page
rm -rf target/page
# npm's own note of what it has put there; it is as old as the lock file, or older, when that has changed since.
if ! [ "$folder/node_modules/.package-lock.json" -nt "$folder/package-lock.json" ]; then
    say "installing $folder/package.json's packages"
    npm ci --prefix "$folder" --ignore-scripts --no-progress --loglevel=error >&2
fi
PAGE_DATABASE_SERVER=$(scripts/database.sh start) || [ $? = 3 ]
CHROMIUM=$(command -v chromium)
MODULE=$PWD/${MODULE:-order_demo_service.wasm}
PAGE_SAMPLES=orders.json
export PAGE_DATABASE_SERVER CHROMIUM MODULE PAGE_SAMPLES
cd "$folder"
exec node_modules/.bin/playwright test "$@"
