#!/bin/bash
# A stand-in for the official image's script: whether the server takes connections, whatever the options ask.
exec mariadb-admin --protocol=tcp --host=127.0.0.1 --connect-timeout=2 ping
