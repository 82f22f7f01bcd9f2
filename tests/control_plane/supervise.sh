# Runs the servers of one control plane for as long as its standard input is open.
#
# The test binary holds the other end of that pipe and never closes it: the kernel does, however the
# binary ends. Then the servers are killed and the folder goes. Each line read is the name of a server
# to start, its command stands in `<name>.arguments`, one argument a line.
#
# Written to standard output: the folder first, then `<name> <exit code>` for a server that ended by
# itself.

watchers=

clean_up() {
    trap '' HUP INT TERM
    # No word about killed jobs: the kill is ours.
    exec 2>/dev/null
    # shellcheck disable=SC2086 # a list of process ids
    [ -z "$watchers" ] || kill -TERM $watchers
    wait
    cd / && rm -rf "$folder"
}

# In a shell of its own: waits for one server, and kills it when told to end. The servers hold nothing
# worth a graceful end.
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
# TMPDIR may be relative.
folder=$(pwd)
echo "$folder"

while read -r name; do
    watch "$name" &
    watchers="$watchers $!"
    # A watcher that has not set its trap yet would miss the order to end.
    while [ ! -e "$name.started" ]; do sleep 0.02; done
done
