#!/usr/bin/env bash
# Looks for requests that the service answers otherwise than its own description at /openapi.json says: schemathesis
# makes thousands of them, valid and not. Once open to all, once with API_TOKENS. The private database has to run.
# usage: schemathesis.sh [SEED]   (the same seed makes the same requests)
set -euo pipefail
cd "$(dirname "$0")/.."

version=4.32.5
examples=200
seed=${1:-1}
module=${MODULE:-order_demo_service.wasm}

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
folder=$PWD/target/schemathesis
tool=$PWD/target/tools/schemathesis-$version
hooks=$PWD/scripts/schemathesis_hooks.py
mkdir -p "$folder"
if [ ! -x "$tool/bin/schemathesis" ]; then
    say "installing schemathesis $version under target/tools"
    rm -rf "$tool"
    python3 -m venv "$tool"
    "$tool/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$version" || {
        rm -rf "$tool"
        exit 1
    }
fi

# A database of its own, because GET /init will be called.
server=$(scripts/database.sh start || [ $? = 3 ])
port=${server%/*}
mariadb --no-defaults --host=127.0.0.1 --port="${port##*:}" --user=user --password=passwd \
    --execute='CREATE OR REPLACE DATABASE schemathesis'
port=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
address=http://127.0.0.1:$port

service=
trap '[ -z "$service" ] || kill "$service" 2>/dev/null || true' EXIT

# usage: look_for_faults NAME TOKEN
look_for_faults() {
    local name=$1 token=$2
    say "schemathesis, $name"
    env DATABASE_URL="${server%/*}/schemathesis" BIND=127.0.0.1 PORT="$port" API_TOKENS="$token" \
        scripts/serve.sh "$module" >"$folder/service.log" 2>&1 &
    service=$!
    until curl -fs "$address/readyz" >/dev/null 2>&1; do
        kill -0 "$service" 2>/dev/null || {
            cat "$folder/service.log" >&2
            exit 1
        }
        sleep 0.1
    done
    curl -fs -H "Authorization: Bearer $token" "$address/openapi.json" >"$folder/$name.json"
    # In the folder, because it leaves notes where it runs.
    local code=0
    (cd "$folder" && SCHEMATHESIS_HOOKS=$hooks TOKEN=$token timeout 170 "$tool/bin/schemathesis" run "$name.json" --url "$address" --checks all --no-color \
        --max-examples "$examples" --seed "$seed" --generation-database none) >"$folder/$name.txt" 2>&1 || code=$?
    kill -0 "$service" 2>/dev/null || {
        tail "$folder/service.log" >&2
        say "the service has ended"
        exit 1
    }
    kill "$service"
    wait "$service" 2>/dev/null || true
    service=
    if [ "$code" != 0 ]; then
        cat "$folder/$name.txt"
        [ "$code" != 124 ] || say "it took too long"
        exit 1
    fi
    sed -n '/^=* SUMMARY =*$/,$p' "$folder/$name.txt"
}

look_for_faults open ""
look_for_faults guarded schemathesis-may-come-in
