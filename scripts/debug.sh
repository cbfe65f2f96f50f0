#!/usr/bin/env bash
# Makes ready what a debugger needs: the native build, the private database (`make down` stops it), and a file of commands
# for LLDB, target/debug/launch.lldb: the service's settings, and how Rust has LLDB show strings and vectors.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/debian.sh

cargo build --locked
code=0
url=$(scripts/database.sh start) || code=$?
[ $code = 0 ] || [ $code = 3 ] || exit $code # 3: it runs already
shows=$(rustc --print sysroot)/lib/rustlib/etc
{
    echo "settings append target.env-vars BIND=127.0.0.1 DATABASE_URL=$url"
    if [ -e "$shows/lldb_commands" ]; then
        echo "command script import \"$shows/lldb_lookup.py\""
        cat "$shows/lldb_commands"
    fi
} >target/debug/launch.lldb
say "ready to debug target/debug/$(sed -n 's/^name = "\(.*\)"/\1/p' Cargo.toml | head -1)"
