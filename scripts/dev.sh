#!/usr/bin/env bash
# Builds the service, runs it on a private database, and does both again after each save. What fails to build leaves the
# service before it running. Ctrl-C ends all of it.
# usage: dev.sh [wasm]     (wasm: on WasmEdge, interpreted: to compile the module takes longer than anybody wants to wait)
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/debian.sh
. scripts/local.sh

name=$(sed -n 's/^name = "\(.*\)"/\1/p' Cargo.toml | head -1)
target=${CARGO_TARGET_DIR:-target}
sources='^\./((src|sql|crates|\.cargo)/.*|[^/]*)\.(rs|html|css|js|sql|json|toml|lock)$'
program_runs= # which build of it
terminal=$([ ! -t 0 ] || echo yes)

main() {
    check_port "make dev${1:+-$1}"
    use_database
    use_drain
    watch
    use_"${1:-native}"
    build_and_run
    while await_save; do
        say "$saved is new: building"
        build_and_run
    done
}

use_native() {
    build=(cargo build)
    program=$target/debug/$name
    run() { setpriv --pdeathsig KILL "$program" & }
}

use_wasm() {
    build=(cargo build --target wasm32-wasip1 --profile dev-wasm)
    program=$target/wasm32-wasip1/dev-wasm/$name.wasm
    run() { setpriv --pdeathsig KILL scripts/serve.sh "$program" & }
}

# Folders and not files are watched: editors write a new file and give it the old one's name. The watcher ends with this.
watch() {
    exec {saves}< <(exec setpriv --pdeathsig TERM inotifywait --quiet --monitor --recursive --event close_write,create,delete,move \
        --format '%e %w%f' . @./target @./.git)
}

# Sets `saved`. Says so, once, when the service ends by itself in the meantime.
await_save() {
    local events code
    while :; do
        code=0
        read -r -t 0.3 -u "$saves" events saved || code=$?
        if [ $code = 0 ] && is_source "$events" "$saved"; then break; fi
        if [ $code != 0 ] && [ $code -le 128 ]; then say "the watcher has ended" && exit 1; fi
        tell_end
        # Of a terminal that is closed only `make` hears, if it is the first in it, and that waits for this.
        if [ -n "$terminal" ] && [ ! -t 0 ]; then exit 129; fi
    done
    # A checkout saves many files.
    local begun=$SECONDS
    while [ $((SECONDS - begun)) -lt 2 ] && read -r -t 0.1 -u "$saves" _; do :; done
}
is_source() { [[ $2 =~ $sources ]] || [[ $1 == *ISDIR* && $2 =~ ^\./(src|sql|crates)/ ]]; }

tell_end() {
    if [ -z "$service" ] || is_running; then return; fi
    local code=0
    wait "$service" || code=$?
    service=
    say "the service has ended (exit code $code), see above; the next save starts it again"
}

build_and_run() {
    local begun=$EPOCHREALTIME took is
    if ! "${build[@]}"; then
        if is_running; then say "not built; the service before it still runs"; else say "not built"; fi
        return
    fi
    took=$(since "$begun")
    is=$(stat -c '%i %y' "$program")
    if is_running && [ "$is" = "$program_runs" ]; then return; fi
    use_database
    replace
    program_runs=$is
    await_ready
    if ! is_running; then
        tell_end
    elif is_ready; then
        say "ready at $address/ (built in $took s)"
    else
        say "it runs but is not ready: $address/readyz has the reason"
    fi
}

await_ready() {
    local deadline=$((SECONDS + 15))
    while is_running && ! is_ready && [ $SECONDS -lt $deadline ]; do sleep 0.05; done
}

# Finishes what is in flight in the one that runs, for DRAIN_TIMEOUT at most, and starts the new one.
replace() {
    if is_running; then
        timeout 1 scripts/drain.sh 2>/dev/null || kill "$service" 2>/dev/null || true
        local deadline=$((SECONDS + ${DRAIN_TIMEOUT%.*} + 2))
        while is_running && [ $SECONDS -lt $deadline ]; do sleep 0.01; done
        kill -KILL "$service" 2>/dev/null || true
        wait "$service" 2>/dev/null || true
    fi
    run
    service=$!
}

# Seconds, with one digit after the point.
since() {
    local tenths=$(((${EPOCHREALTIME/[.,]/} - ${1/[.,]/}) / 100000))
    echo "$((tenths / 10)).$((tenths % 10))"
}

main "$@"
