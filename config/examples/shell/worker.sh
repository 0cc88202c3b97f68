#!/bin/sh
# socat accepts and starts answer.sh for each connection. At SIGTERM it stops accepting, and the script leaves with the last
# connection: everything that socat starts holds its standard output, and cat ends when nobody does any more.
set -u
rm -f "socat.$$"
{ sh -c 'echo $$ >"socat.$1"; exec socat ACCEPT-FD:3,fork EXEC:./answer.sh' sh "$$" 4>&- | cat; } &
pipeline=$!
trap 'kill "$(cat "socat.$$")"' TERM
until [ -s "socat.$$" ]; do sleep 0.05; done
echo >&4
exec 4>&-
while kill -0 "$pipeline" 2>/dev/null; do wait "$pipeline"; done
rm -f "socat.$$"
