#!/bin/bash
# A stand-in for the official image's script: whether the server takes connections, whatever the options ask.
exec mariadb --skip-ssl --host=127.0.0.1 --connect-timeout=2 --user="$MARIADB_USER" --password="$MARIADB_PASSWORD" \
    --execute='DO 1' "$MARIADB_DATABASE"
