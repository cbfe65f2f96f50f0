#!/usr/bin/env bash
# Runs a command while a Docker engine runs, and stops the engine again unless it ran before.
# usage: with-docker.sh COMMAND [ARGUMENT …]
set -euo pipefail
cd "$(dirname "$0")/.."

code=0
variables=$(scripts/docker.sh start) || code=$?
case $code in
0) trap 'scripts/docker.sh stop' EXIT ;;
3) ;; # it ran already, and goes on
*) exit $code ;;
esac
eval "$variables"
"$@"
