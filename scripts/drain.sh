#!/usr/bin/env bash
# Asks the service at ADMIN_BIND to drain: to finish what is in flight, and to exit. Fails when it does not say 202.
exec 3<>"/dev/tcp/${ADMIN_BIND%:*}/${ADMIN_BIND##*:}" || exit 1
printf 'POST /drain HTTP/1.1\r\nHost: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n' "$ADMIN_BIND" >&3
read -r _ status _ <&3
while read -r line <&3 && [ "$line" != $'\r' ]; do :; done # to close with something unread would be a reset
[ "$status" = 202 ]
