# Sourced: gets Debian's packages, as root or with sudo. All that is said goes to stderr. Steps are joined by &&, so that
# the functions may stand in conditions, where bash does not end at a failure.
say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
# A program of that name: `kill` is a word of bash's own too, and others cannot run that.
have() { type -P "$1" >/dev/null; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# A fresh machine has no lists of packages. Once a run is enough.
update_lists() {
    [ -n "${lists_are_new:-}" ] || as_root apt-get update -q >&2 && lists_are_new=yes
}

# usage: install PACKAGE …
install() {
    update_lists && say "installing $*" &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends "$@" >&2
}

# Unpacks packages of any release, with all that they need, into a folder; the system is not touched.
# usage: unpack RELEASE FOLDER PACKAGE …
unpack() {
    local release=$1 folder=$2 packages=("${@:3}")
    { have mmdebstrap || install mmdebstrap; } &&
        say "unpacking ${packages[*]} from Debian $release under ${folder#"$PWD/"}" &&
        as_root rm -rf "$folder" "$folder.new" && mkdir -p "$(dirname "$folder")" &&
        # Testing's index carries an expiry date that a mirror may have passed; its signature is checked all the same.
        as_root mmdebstrap --quiet --variant=extract --include="${packages[*]}" --skip=check/empty \
            --aptopt='Acquire::Check-Valid-Until "false"' "$release" "$folder.new" >&2 &&
        as_root chown -R "$(id -u):$(id -g)" "$folder.new" && # so that `make clean` needs no root
        mv "$folder.new" "$folder"
}

# Unpacks one package of this machine's release into a folder, without what it needs: to install it would start a service.
# usage: unpack_alone FOLDER PACKAGE[=VERSION]
unpack_alone() {
    local folder=$1 package=$2
    update_lists && say "unpacking $package under ${folder#"$PWD/"}" &&
        rm -rf "$folder" "$folder.new" && mkdir -p "$folder.new" &&
        # Without apt's own user, who may not write here.
        (cd "$folder.new" && apt-get -q -o APT::Sandbox::User=root download "$package" && dpkg -x ./*.deb . && rm ./*.deb) >&2 &&
        mv "$folder.new" "$folder"
}
