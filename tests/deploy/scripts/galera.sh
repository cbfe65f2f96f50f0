#!/usr/bin/env bash
# A Galera cluster of three MariaDB nodes for tests: its data stands under target/galera, it listens on loopback only.
# usage: galera.sh start         starts a new cluster; prints the nodes' URLs, a line each
#        galera.sh node NUMBER   starts the node 1, 2 or 3 of it again, after it was killed
#        galera.sh stop          ends the nodes and removes their data
set -euo pipefail
cd "$(dirname "$0")/../../.."
. scripts/debian.sh
PATH=$PWD/target/tools/galera/usr/bin:$PATH:/usr/sbin

cluster=$PWD/target/galera
library=/usr/lib/galera/libgalera_smm.so
answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
url() { echo "mysql://user:passwd@127.0.0.1:$(port "$1" mysql)/demo"; }
port() { cat "$cluster/$1/port.$2"; }

# One node copies another's data when it joins. The scripts for that are in Debian's package of the whole server, which
# would start one for all of the machine: so the package is unpacked, and not installed.
prepare() {
    local packages=()
    [ -e "$library" ] || packages+=(galera-4)
    have rsync || packages+=(rsync)
    have ss || packages+=(iproute2)
    have mariadb || packages+=(mariadb-client-core)
    [ ${#packages[@]} = 0 ] || install "${packages[@]}"
    ! have wsrep_sst_rsync || return 0
    local tools=$PWD/target/tools/galera version
    version=$(dpkg-query --show --showformat='${Version}' mariadb-server-core)
    # Where other sources hold a newer version, the one that is installed may have gone: another's scripts will do.
    unpack_alone "$tools" "mariadb-server=$version" || unpack_alone "$tools" mariadb-server
    # Where root starts it, the receiving rsync would be nobody and could not write.
    sed -i 's/^use chroot = no$/&\nuid = '"$(id -un)"'\ngid = '"$(id -gn)"'/' "$tools/usr/bin/wsrep_sst_rsync"
}

start() {
    local node use next=14000
    [ ! -e "$cluster" ] || stop
    trap stop EXIT # of a start that fails
    say "creating three nodes under target/galera"
    mkdir -p "$cluster/1"
    # --force and a relative folder: as in database.sh.
    (cd "$cluster/1" && mariadb-install-db --no-defaults --force --user="$(id -un)" --datadir=./data --skip-test-db \
        --skip-name-resolve --auth-root-authentication-method=socket) >"$cluster/install.log" 2>&1 || {
        cat "$cluster/install.log" >&2
        exit 1
    }
    for node in 1 2 3; do
        mkdir -p "$cluster/$node/data"
        for use in mysql group state snapshot; do
            while answers "$next"; do next=$((next + 1)); done
            echo "$next" >"$cluster/$node/port.$use"
            next=$((next + 1))
        done
    done
    cat >"$cluster/init.sql" <<'END'
CREATE DATABASE IF NOT EXISTS demo;
CREATE USER IF NOT EXISTS 'user'@'127.0.0.1' IDENTIFIED BY 'passwd';
GRANT ALL ON *.* TO 'user'@'127.0.0.1' WITH GRANT OPTION;
CREATE USER IF NOT EXISTS 'haproxy'@'127.0.0.1';
END
    run 1 --wsrep-new-cluster --init-file="$cluster/init.sql"
    run 2
    run 3
    trap - EXIT
    say "the cluster is complete: 127.0.0.1:$(port 1 mysql), :$(port 2 mysql), :$(port 3 mysql)"
    for node in 1 2 3; do url "$node"; done
}

# The server program as this node runs it.
server() {
    local node=$1 folder=$cluster/$1 group
    shift
    group=$(port "$node" group)
    # A relative socket: as in database.sh.
    exec mariadbd --no-defaults --user="$(id -un)" --datadir="$folder/data" --socket=mariadb.sock \
        --port="$(port "$node" mysql)" --bind-address=127.0.0.1 --skip-name-resolve \
        --character-set-server=utf8mb4 --max-connections=500 \
        --binlog-format=ROW --innodb-autoinc-lock-mode=2 --wsrep-on=ON --wsrep-provider="$library" \
        --wsrep-cluster-name=demo --wsrep-cluster-address="gcomm://$(members)" --wsrep-node-name="node$node" \
        --wsrep-node-address=127.0.0.1 --wsrep-sst-method=rsync \
        --wsrep-sst-receive-address="127.0.0.1:$(port "$node" snapshot)" \
        --wsrep-provider-options="gmcast.listen_addr=tcp://127.0.0.1:$group;base_host=127.0.0.1;base_port=$group;ist.recv_addr=127.0.0.1:$(port "$node" state)" \
        "$@"
}

# Starts one node and waits until it takes statements.
run() {
    local node=$1 log=$cluster/$1/server.log process deadline=$((SECONDS + 60))
    # Not of this shell's group: Ctrl-C is for whoever started us, who then stops the cluster.
    set -m
    server "$@" >>"$log" 2>&1 </dev/null &
    set +m
    process=$!
    disown
    echo "$process" >"$cluster/$node/process"
    until is_ready "$node"; do
        if ! kill -0 "$process" 2>/dev/null || ((SECONDS > deadline)); then
            tail -n 20 "$log" >&2
            exit 1
        fi
        sleep 0.1
    done
}

members() { echo "127.0.0.1:$(port 1 group),127.0.0.1:$(port 2 group),127.0.0.1:$(port 3 group)"; }

is_ready() {
    mariadb --no-defaults --host=127.0.0.1 --port="$(port "$1" mysql)" --user=user --password=passwd --connect-timeout=2 \
        --batch --skip-column-names --execute="SHOW STATUS LIKE 'wsrep_local_state_comment'" 2>/dev/null | grep -q Synced
}

# After a kill it knows its place in the sequence of changes from InnoDB only, and gets what it has missed.
again() {
    local node=$1 position
    position=$(server "$node" --wsrep-recover 2>&1 | sed -n 's/.*Recovered position: *//p')
    run "$node" ${position:+--wsrep-start-position="$position"}
}

stop() {
    local node process
    for node in 3 2 1; do
        process=$(cat "$cluster/$node/process" 2>/dev/null || true)
        # A file that a crash left behind may name a process that has nothing to do with it.
        if [ -n "$process" ] && grep -qs "$cluster/$node" "/proc/$process/cmdline"; then
            kill -KILL "$process" # nothing of it is kept
            while [ -e "/proc/$process/fd/0" ]; do sleep 0.05; done
        fi
    done
    rm -rf "$cluster"
}

case ${1:-} in
start)
    prepare
    start
    ;;
node) again "$2" ;;
stop) stop ;;
*) echo "usage: galera.sh start|node NUMBER|stop" >&2 && exit 2 ;;
esac
