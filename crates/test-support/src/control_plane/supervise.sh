# Runs the servers of one control plane as long as its standard input is open.
#
# The test binary holds the other end of the pipe and never closes it. The kernel closes it when the binary ends, in
# whatever way. Then this script kills the servers and removes the folder. Each input line is the name of a server to
# start. Its command is in `<name>.arguments`, one argument per line.
#
# Standard output: the folder first, then `<name> <exit code>` for each server that ends on its own.

watchers=

clean_up() {
    trap '' HUP INT TERM
    # hide the shell's messages about killed jobs: they are expected
    exec 2>/dev/null
    # shellcheck disable=SC2086 # a list of process ids
    [ -z "$watchers" ] || kill -TERM $watchers
    wait
    cd / && rm -rf "$folder"
}

# Runs in a subshell: waits for one server, and kills it on SIGTERM. A graceful end is not needed, because the servers hold
# nothing of value.
watch() {
    name=$1
    server=
    stopping=
    trap 'stopping=yes; [ -z "$server" ] || kill -KILL "$server"' TERM
    set --
    while IFS= read -r argument; do set -- "$@" "$argument"; done <"$name.arguments"
    "$@" >"$name.log" 2>&1 </dev/null &
    server=$!
    echo "$server" >"$name.pid"
    : >"$name.started"
    wait "$server"
    code=$?
    if [ -n "$stopping" ]; then wait; else echo "$name $code"; fi
} 2>/dev/null

folder=$(mktemp -d "${TMPDIR:-/tmp}/apim-keyless-control-plane.XXXXXXXX") || exit 1
trap clean_up EXIT
trap 'exit 1' HUP INT TERM
cd "$folder" || exit 1
# TMPDIR may be relative
folder=$(pwd)
echo "$folder"

while read -r name; do
    watch "$name" &
    watchers="$watchers $!"
    # wait until the watcher has set its trap, or it would miss the SIGTERM
    while [ ! -e "$name.started" ]; do sleep 0.02; done
done
