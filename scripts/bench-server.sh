#!/bin/bash
# Short requests: GET /echo/hello of the server, without and with its line of log for each, against an empty route of
# Hummingbird's, in turn, with wrk: 256 connections, 10 s each time, three times. Prints medians and their ratios.
#
#   scripts/bench-server.sh [SERVER ARGUMENT...]
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

clean_up() {
    stop_server
    if [ -n "$temp" ]; then rm -rf -- "$temp"; fi
}

# rate NAME BINARY [ARGUMENT...]: appends the requests a second to $temp/NAME.rates.
rate() {
    local name=$1
    shift
    start_server "$temp/files" "$@"
    wrk -t 2 -c 256 -d 10s --latency "$server_url/echo/hello" >"$temp/wrk.out"
    stop_server
    rm -f "$temp/server.out" "$temp/alarm"
    # wrk tells of errors only where there are some.
    if grep -E 'Socket errors|Non-2xx' "$temp/wrk.out"; then fail "$name did not answer every request"; fi
    awk '/Requests\/sec/ { print $2 }' "$temp/wrk.out" >>"$temp/$name.rates"
    say "$name: $(tail -n 1 "$temp/$name.rates") requests/s, $(awk '/99%/ { print "99 % within " $2 }' "$temp/wrk.out")"
}

middle() { sort -n "$temp/$1.rates" | awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'; }

command -v wrk >/dev/null || fail "there is no wrk; install it: apt-get install wrk"
build_release
swift build -c release --product empty-route
clean_up_at_end
make_temp
for _ in 1 2 3; do
    rate empty-route "$bin/empty-route"
    rate server "$bin/server" --log-level warning "$@"
    rate server-with-log "$bin/server" "$@"
done
awk -v server="$(middle server)" -v log_="$(middle server-with-log)" -v empty="$(middle empty-route)" 'BEGIN {
    printf "medians: empty route %.0f requests/s; server %.0f, ratio %.2f; with a line of log for each %.0f, ratio %.2f; " \
        "no errors\n", empty, server, server / empty, log_, log_ / empty
}'
