#!/usr/bin/env bash
# Starts the service, with a private database unless DATABASE_URL names one, and stops both on Ctrl-C.
set -euo pipefail
cd "$(dirname "$0")/.."

stop_database=
service=
finish() {
    trap - EXIT
    if [ -n "$service" ]; then stop_service; fi
    if [ -n "$stop_database" ]; then scripts/database.sh stop; fi
}
# The database goes last. A second Ctrl-C ends it at once.
stop_service() {
    trap 'kill "$service" || true' INT TERM
    kill "$service" 2>/dev/null || return 0
    while kill -0 "$service" 2>/dev/null; do wait "$service" || true; done
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

host=${BIND:-127.0.0.1} port=${PORT:-8080}
[ "$host" = 0.0.0.0 ] && host=127.0.0.1
address=http://$host:$port
if (exec 3<>"/dev/tcp/$host/$port") 2>/dev/null; then
    echo "Port $port is taken. Choose another one: PORT=$((port + 1)) make up" >&2
    exit 1
fi

if [ -z "${DATABASE_URL:-}" ]; then
    code=0
    DATABASE_URL=$(scripts/database.sh start) || code=$?
    case $code in
    0) stop_database=yes ;;
    3) ;; # somebody else's, who will stop it
    *) exit $code ;;
    esac
fi
export DATABASE_URL

scripts/serve.sh order_demo_service.wasm &
service=$!
until curl -fs "$address/readyz" >/dev/null 2>&1; do
    kill -0 "$service" 2>/dev/null || wait "$service" # it has ended, and has said why
    sleep 0.1
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
