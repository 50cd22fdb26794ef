#!/bin/bash
# Measures what it costs to force uploads to the disk, with and without `--durability full`:
# - 1 GiB by `curl -T`, against `dd conv=fsync` of the same bytes on the same disk, alternately;
# - files of 4 KiB by 16 connections, against a C program that does the same system calls in 16 threads.
# Prints medians and their ratios.
#
#   scripts/bench-durable.sh [FOLDER [ROUNDS]]    default: a folder in .build, 7 rounds
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

folder=${1:-}
rounds=${2:-7}
command -v curl >/dev/null || fail "curl is not installed"
command -v wrk >/dev/null || fail "wrk is not installed; install it: apt-get install wrk"
build_release server
build_benchmarks
clean_up_at_end
make_temp
if [ -n "$folder" ]; then saved=$(mktemp -d "$folder/bench-durable.XXXXXX"); else saved=$temp/saved; fi
clean_up() {
    stop_server
    rm -rf -- "$saved" "$temp"
}
mkdir -p "$saved"

file=$temp/random.bin
head -c 1073741824 /dev/urandom >"$file"
cat >"$temp/put.lua" <<'LUA'
local thread = 0
function setup(it) it:set("id", thread); thread = thread + 1 end
local count = 0
local content = string.rep("x", 4096)
function request()
    count = count + 1
    return wrk.format("PUT", string.format("/w%s-%d-%d", os.time(), id, count), nil, content)
end
LUA

# upload DURABILITY: uploads the file once; the server has just been started.
upload() {
    timed "$1" curl -sS --fail -T "$file" "$server_url/big.bin"
}
empty() {
    stop_server
    rm -rf -- "${saved:?}"
    mkdir "$saved"
    # Whatever earlier rounds have left for the disk to write.
    sync
}

for _ in $(seq "$rounds"); do
    timed dd dd if="$file" of="$saved/dd.bin" bs=1M conv=fsync
    for durability in full relaxed; do
        empty
        start_server "$saved" "$bin/server" --log-level warning --durability "$durability"
        upload "$durability"
    done
    empty
done

for _ in $(seq "$rounds"); do
    "$tools/csave" "$saved" 10000 16 4096 >>"$temp/csave.times"
    for durability in full relaxed; do
        empty
        start_server "$saved" "$bin/server" --log-level warning --durability "$durability"
        wrk -t 2 -c 16 -d 3s -s "$temp/put.lua" "$server_url" >"$temp/wrk.out"
        if grep -E 'Socket errors|Non-2xx' "$temp/wrk.out"; then fail "the server did not store every file"; fi
        awk '/Requests\/sec/ { print $2 }' "$temp/wrk.out" >>"$temp/small-$durability.times"
    done
    empty
done

awk -v dd="$(median dd)" -v full="$(median full)" -v relaxed="$(median relaxed)" -v c="$(median csave)" \
    -v small="$(median small-full)" -v smallRelaxed="$(median small-relaxed)" -v rounds="$rounds" 'BEGIN {
    printf "medians of %d rounds\n", rounds
    printf "1 GiB: dd conv=fsync %.3f s; full %.3f s, ratio %.2f; relaxed %.3f s, ratio %.2f\n", dd, full, full / dd, \
        relaxed, relaxed / dd
    printf "4 KiB by 16: C loop %.0f files/s; full %.0f, ratio %.2f; relaxed %.0f, ratio %.2f\n", c, small, small / c, \
        smallRelaxed, smallRelaxed / c
}'
