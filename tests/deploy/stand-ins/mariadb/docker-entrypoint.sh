#!/bin/bash
# A stand-in for the official image's entry point: the variables that docker-compose.yml sets, and nothing more.
set -eu
data=/var/lib/mysql

if [ ! -d $data/mysql ]; then
    mariadb-install-db --no-defaults --user=mysql --datadir=$data --skip-test-db \
        --auth-root-authentication-method=socket
fi
cat >/run/mysqld/init.sql <<END
CREATE DATABASE IF NOT EXISTS \`$MARIADB_DATABASE\`;
CREATE USER IF NOT EXISTS '$MARIADB_USER'@'%' IDENTIFIED BY '$MARIADB_PASSWORD';
GRANT ALL ON \`$MARIADB_DATABASE\`.* TO '$MARIADB_USER'@'%';
END
exec setpriv --reuid=mysql --regid=mysql --clear-groups mariadbd --no-defaults --datadir=$data --bind-address=0.0.0.0 \
    --socket=/run/mysqld/mysqld.sock --skip-name-resolve --init-file=/run/mysqld/init.sql
