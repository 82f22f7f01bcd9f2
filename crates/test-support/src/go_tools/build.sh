# Runs one command until it ends, or until standard input closes because the test binary ended. Then it kills the whole
# process group, including compilers.

exec 3<&0
"$@" </dev/null &
build=$!
(
    read -r _ <&3
    kill -KILL 0
) &
watcher=$!
wait "$build"
code=$?
kill "$watcher"
exit "$code"
