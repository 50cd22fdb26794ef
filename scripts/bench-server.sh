#!/bin/bash
# Measures short requests with wrk: GET /echo/hello of the server, without and with its access log, against an empty
# Hummingbird route. Three rounds of 10 s each, 256 connections. Prints medians and their ratios.
#
#   scripts/bench-server.sh [SERVER ARGUMENT...]
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

# rate NAME BINARY [ARGUMENT...]: starts this server and appends the requests per second to $temp/NAME.times.
rate() {
    local name=$1
    shift
    start_server "$temp/files" "$@"
    wrk -t 2 -c 256 -d 10s --latency "$server_url/echo/hello" >"$temp/wrk.out"
    stop_server
    # wrk prints these lines only if there were errors.
    if grep -E 'Socket errors|Non-2xx' "$temp/wrk.out"; then fail "$name did not answer every request"; fi
    awk '/Requests\/sec/ { print $2 }' "$temp/wrk.out" >>"$temp/$name.times"
    say "$name: $(tail -n 1 "$temp/$name.times") requests/s, $(awk '/99%/ { print "99 % within " $2 }' "$temp/wrk.out")"
}

command -v wrk >/dev/null || fail "wrk is not installed; install it: apt-get install wrk"
build_release server empty-route
clean_up_at_end
make_temp
for _ in 1 2 3; do
    rate empty-route "$bin/empty-route"
    rate server "$bin/server" --log-level warning "$@"
    rate server-with-log "$bin/server" "$@"
done
awk -v server="$(median server)" -v log_="$(median server-with-log)" -v empty="$(median empty-route)" 'BEGIN {
    printf "medians: empty route %.0f requests/s; server %.0f, ratio %.2f; server with access log %.0f, ratio %.2f; " \
        "no errors\n", empty, server, server / empty, log_, log_ / empty
}'
