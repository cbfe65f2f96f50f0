#!/usr/bin/env bash
# Makes a project as README shows it, with more fields, and does in it what its README says: `make up`, the commands, Ctrl-C, `make test`,
# and `make test-page`.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
folder=target/new/bookings up=''
trap '[ -z "$up" ] || kill -INT -- "-$up" 2>/dev/null || true' EXIT

# What a search finds: nothing found is no failure, any other one is.
hits() { grep "$@" || [ $? = 1 ]; }

say "make plain"
meaning() { sed -E '/^index /d; s/^@@ .*/@@/' "$1"; } # where in a file it stands may change
mkdir -p target
cp template/plain.patch target/plain.patch
make plain
make plain-patch
diff <(meaning target/plain.patch) <(meaning template/plain.patch) || fail "the patch comes out otherwise"
mv target/plain.patch template/plain.patch

say "make new, to a folder with a quote, by a name that holds this one's"
other="target/new/it's"
rm -rf "$other"
make new NAME=purchase_orders FIELDS=done:bool DIR="$other" SINGULAR=
(cd "$other" && cargo metadata --locked --offline --no-deps --format-version 1 >/dev/null) || fail "Cargo.lock differs"
rm -rf "$other"

[ ! -d "$folder" ] || make --directory "$folder" clean >/dev/null
rm -rf "$folder"
say "make new"
command=$(sed -n 's/^\$ \(make new .*\)/\1/p' README.md docs/make-it-yours.md | sort -u)
[ "$(wc -l <<<"$command")" = 1 ] || fail "README.md and docs/make-it-yours.md differ:"$'\n'"$command"
# A field of each other type too, one whose name ends in the key's, and one that tests might take for unknown.
more="${command%\'}, paid:bool, day:date, parent_booking_id:int, colour:text'"
bash -c "$more DIR=$folder SINGULAR="

# `ORDER BY` is SQL's, and two names are a library's.
word='(?<![a-zA-Z])orders?(?![a-z])|(?<![A-Z])Orders?(?![a-z])|(?<![A-Z])ORDERS?(?![A-Z])'
left=$(cd "$folder" && { find . -path ./.git -prune -o -print && hits -raP "$word" --exclude-dir=.git; } |
    sed -E 's/ORDER BY//g; s/dfs_(pre|in)_order//g' | hits -aP "$word")
[ -z "$left" ] || fail "it still says 'order':"$'\n'"$left"
left=$(hits -rnE 'make_new|plain\.patch|make new' "$folder" --exclude-dir=.git)
[ -z "$left" ] || fail "it still knows the generator:"$'\n'"$left"

# What was unpacked and built here already need not be again: other people's packages are the same.
mkdir "$folder/target"
ln -s "$PWD/target/tools" "$folder/target/tools"
for built in debug release wasm32-wasip1/release; do
    for part in deps build .fingerprint; do
        [ -d "target/$built/$part" ] || continue
        mkdir -p "$folder/target/$built"
        cp -al "target/$built/$part" "$folder/target/$built/"
    done
done

cd "$folder"
port=18080
while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
say "make up"
set -m # a process group of its own, which Ctrl-C would reach as a whole
PORT=$port make up >target/up.log 2>&1 &
up=$!
set +m
until curl -fs "http://127.0.0.1:$port/readyz" >/dev/null; do
    kill -0 "$up" 2>/dev/null || fail "make up has ended:"$'\n'"$(tail -n 30 target/up.log)"
    sleep 0.5
done
say "README's commands"
count=0
while read -r -u 4 line; do
    [[ $line == '$ curl '* ]] || continue
    read -r -u 4 expected
    command=${line#\$ }
    printed=$(bash -c "${command//localhost:8080/localhost:$port}" 2>/dev/null)
    [ "$printed" = "$expected" ] || fail "$command"$'\n'"prints   $printed"$'\n'"expected $expected"
    count=$((count + 1))
done 4<README.md
[ "$count" -ge 6 ] || fail "README has $count commands"
say "Ctrl-C"
kill -INT -- "-$up"
wait "$up" || true
up=
! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || fail "the service is still there after Ctrl-C"

say "make test"
make test

say "make test-page"
make test-page
