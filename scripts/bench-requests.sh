#!/bin/bash
# Sends requests of 1 KiB one after another, with this package's client and with libcurl's easy interface
# in C, in turn, to the same server, which discards them, and prints the medians. Absolute rates mean little
# on a shared machine; the ratio does.
#
#   scripts/bench-requests.sh [COUNT [ROUNDS]]    5000 requests and 11 rounds unless given
#   BENCH_URL=http://127.0.0.1:8080/ ...          to a server of one's own
#   BENCH_WITH='chrt -r 5' ...                    what both are run by, where others keep the machine busy
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

clean_up() {
    stop_server
    if [ -n "$temp" ]; then rm -rf -- "$temp"; fi
}

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

# rate NAME: appends what it prints, requests in a second.
rate() { ${with[@]+"${with[@]}"} "$tools/$1" "$url" "$count" >>"$temp/$1.times" || fail "$1 failed"; }

# Once without counting.
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
