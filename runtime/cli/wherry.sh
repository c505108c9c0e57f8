#!/bin/sh
# wherry: verbs about containers run in a payload's runtime, everything else in the engine, where there is one.
# No process is started on the way: an interpreter's start is half of what `wherry run` takes. Hosts have launcher.py.

start='import sys, marshal
try:
    with open(f"{sys.argv[1]}/bundle-{sys.implementation.cache_tag}/boot", "rb", 0) as file:
        boot = marshal.loads(file.read())
except OSError:
    with open(f"{sys.argv[1]}/runtime/cli/boot.py") as file:
        boot = file.read()
exec(boot)'

container_verb() {
    case ${1-} in
    run | create | start | stop | kill | rm | wait | pause | unpause | rename) ;;
    exec | ps | logs | inspect | images | load | rmi | version) ;;
    --root | --root=* | --state | --state=*) ;;
    *) return 1 ;;
    esac
}

self=$0
[ -L "$self" ] && self=$(readlink -f "$self")
bin=${self%/*}

container_verb "$@" || exec "$bin/python" -I -m wherry.cli "$@"

if [ -w /var/lib ]; then
    root=${WHERRY_ROOT:-/var/lib/wherry}
else
    root=${XDG_DATA_HOME:-$HOME/.local/share}/wherry
fi
# Three lines: interpreter, payload, and the folder that it was filled from.
place=$root/payload/local$bin

# shellcheck disable=SC2094
{ read -r python && read -r payload; } 2>/dev/null <"$place/wherry"
if ! [ -x "$python" ] || ! [ -d "$payload/runtime" ]; then
    "$bin/python" -I -c 'import sys
from wherry.project import product_root
sys.path.insert(0, product_root())
from runtime.cli.local import fill
fill(sys.argv[1], product_root())' "$place" || exit 1
    { read -r python && read -r payload; } <"$place/wherry"
fi
exec "$python" -I -S -B -c "$start" "$payload" --filled-for "$place" "$@"
