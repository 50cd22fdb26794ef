#!/bin/bash
# Sends requests of 1 KiB, one after another, with this package's client and with libcurl's easy interface in C,
# alternately, to a server that discards them, and prints the median rates and their ratio. On a shared machine only
# the ratio is meaningful.
#
#   scripts/bench-requests.sh [COUNT [ROUNDS]]    default: 5000 requests, 11 rounds
#   BENCH_URL=http://127.0.0.1:8080/ ...          uses this server
#   BENCH_WITH='chrt -r 5' ...                    runs the clients and the server with this command
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

count=${1:-5000}
rounds=${2:-11}
read -r -a with <<<"${BENCH_WITH:-}"
build_release
build_benchmarks

clean_up_at_end
make_temp
url=${BENCH_URL:-}
if [ -z "$url" ]; then
    mkdir "$temp/saved"
    start_server "$temp/saved" ${with[@]+"${with[@]}"} "$bin/server" --discard
    url=$server_url
fi

# rate NAME: runs the benchmark and appends the requests per second to $temp/NAME.times.
rate() { ${with[@]+"${with[@]}"} "$tools/$1" "$url" "$count" >>"$temp/$1.times" || fail "$1 failed"; }

# Warm up.
"$tools/requests" "$url" 100 >"$temp/answer"
for _ in $(seq "$rounds"); do
    rate requests
    rate crequests
done

paste "$temp/requests.times" "$temp/crequests.times" | awk '{ print $1 / $2 }' >"$temp/ratio.times"
awk -v count="$count" -v rounds="$rounds" -v ours="$(median requests)" -v theirs="$(median crequests)" \
    -v ratio="$(median ratio)" 'BEGIN {
    printf "medians of %d rounds of %d requests of 1 KiB, one after another\n", rounds, count
    printf "Client                  %6.0f requests/s\n", ours
    printf "C, curl_easy_perform    %6.0f requests/s\n", theirs
    printf "ratio                   %6.2f\n", ratio
}'
