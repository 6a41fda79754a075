# Runs a server for a test and never outlives the test: sh -c guard.sh guard FOLDER PROGRAM ARGS…
#
# Standard input is a pipe held by the test process. Each line on it names a signal for the server.
# Its end means that the test process is gone, in whatever way: then the server is killed by its own
# id and its FOLDER removed. When the server ends first, so does the guard, with the same status.
folder=$1
shift
exec 3<&0

"$@" </dev/null 3<&- &
server=$!
(
    while read -r signal; do
        kill -s "$signal" "$server"
    done <&3
    trap '' TERM
    kill -s KILL "$server"
) &
watcher=$!

wait "$server"
status=$?
kill "$watcher" 2>/dev/null
# The watcher ends well only when it has seen the end of the pipe.
if wait "$watcher" 2>/dev/null; then
    rm -rf -- "$folder"
fi
exit "$status"
