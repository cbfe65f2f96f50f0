# Sourced, after debian.sh: podman, and what it builds.
podman() { scripts/podman-host.sh podman "$@"; }

# Builds an image, quietly. The one that had its name before goes, unless it has another name or is in use.
# usage: build NAME:TAG [OPTION …] FOLDER
build() {
    local before names
    before=$(podman image inspect --format '{{.Id}}' "$1" 2>/dev/null) || before=
    podman build --quiet --tag "$1" "${@:2}" >/dev/null
    [ -n "$before" ] || return 0
    names=$(podman image inspect --format '{{len .RepoTags}}' "$before")
    [ "$names" != 0 ] || podman image rm "$before" >/dev/null || say "the image that was $1 is left: $before"
}
