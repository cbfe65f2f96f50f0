#!/bin/sh
# The image's entry point. The module was compiled where the image was built; on a processor that lacks something
# of that one it is compiled anew, once, when the container starts.
# usage: container.sh serve       runs the launcher in place of this shell
#        container.sh processor   prints what this processor can do, a word a line
set -eu

processor() {
    grep -m1 -E '^(flags|Features)' /proc/cpuinfo | cut -d: -f2 | tr ' ' '\n' | sort -u
}

serve() {
    app=$(dirname "$0")
    module=$app/compiled.wasm
    missing=$(processor | comm -13 - "$app/compiled-for")
    if [ -n "$missing" ]; then
        echo "this processor is not the one that the module was compiled for: compiling it (a minute or two)" >&2
        module=/tmp/compiled.wasm
        # Process 1 has to say what ends it, and a shell hears of it only while it waits.
        trap 'exit 143' TERM INT
        wasmedge compile "$app/module.wasm" "$module" >&2 &
        wait "$!"
    fi
    exec "$app/serve.sh" "$module"
}

"$1"
