#!/usr/bin/env bash
# Runs a command while the private database runs, and stops the database again unless it ran before.
# usage: with-database.sh COMMAND [ARGUMENT …]
set -euo pipefail
cd "$(dirname "$0")/.."

code=0
scripts/database.sh start >/dev/null || code=$?
case $code in
0) trap 'scripts/database.sh stop' EXIT ;;
3) ;; # it ran already, and goes on
*) exit $code ;;
esac
"$@"
