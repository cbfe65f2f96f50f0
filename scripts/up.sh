#!/usr/bin/env bash
# Starts the service, with a private database unless DATABASE_URL names one, and stops both on Ctrl-C.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/local.sh

check_port "make up"
use_database
use_drain
scripts/serve.sh order_demo_service.wasm &
service=$!
until sleep 0.3 && is_ready; do
    is_running || { wait "$service"; exit; } # it has ended, and has said why
done
cat >&2 <<END

The service is ready at $address. In another terminal:

  curl $address/init
  curl $address/create_orders -X POST -d @orders.json
  curl $address/orders
  curl $address/update_order -X POST -d @update_order.json
  curl "$address/delete_order?id=2"

Ctrl-C stops it.

END
wait "$service"
