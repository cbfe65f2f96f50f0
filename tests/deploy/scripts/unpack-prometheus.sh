#!/usr/bin/env bash
# Unpacks Debian's Prometheus, with promtool, under target/tools/prometheus, unless both are installed. Nothing is installed
# and no service is started. Prints the folder that the two commands stand in.
# usage: unpack-prometheus.sh
set -euo pipefail
cd "$(dirname "$0")/../../.."
. scripts/debian.sh

folder=$PWD/target/tools/prometheus
if have prometheus && have promtool; then
    dirname "$(command -v prometheus)"
    exit
fi
[ -x "$folder/usr/bin/promtool" ] || unpack_alone "$folder" prometheus
echo "$folder/usr/bin"
