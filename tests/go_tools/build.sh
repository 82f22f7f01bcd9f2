# Runs one command until it ends or standard input closes, which is when the test binary has gone:
# then the whole process group, compilers and all, is killed.

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
