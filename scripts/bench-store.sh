#!/bin/bash
# Uploads through the server into an object store:
# - one file by `curl -T`, against `rclone copyto` and `aws s3 cp` of the same file to the same store, alternately. Prints
#   medians and their ratios;
# - a large file, with the server under a memory limit;
# - many files at the same time, with the server under another limit.
# Compares what the store has with what was sent.
#
#   scripts/bench-store.sh [SIZE [LARGE [COUNT]]]    default: 1G 10G 100; 0 leaves out a part
#   ROUNDS=5                        of the first part
#   LIMIT=64M RATE=60M              limit of the second part, and how many bytes are sent per second at most. `rclone serve s3` 1.75
#                                   answers a part only when it has nothing else to write, and the server waits 60 s for that
#   EACH=20M MANY_LIMIT=512M        size of each file and limit of the third part
#   ENDPOINT= BUCKET=               an object store that runs already, and its bucket; `rclone serve s3` by default
#
# The limits are control groups, which need Linux and root.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"
# shellcheck source=scripts/control-groups.sh
. "$root/scripts/control-groups.sh"

size=${1:-1G} large=${2:-10G}
if [ "$size" != 0 ]; then size=$(to_bytes "$size"); fi
if [ "$large" != 0 ]; then large=$(to_bytes "$large"); fi
count=${3:-100}
rounds=${ROUNDS:-5}
reader_pid=
clean_up() {
    stop_server
    stop_process "$reader_pid"
    stop_process "$store_pid"
    if [ -n "$made_group" ]; then rmdir "$made_group" 2>/dev/null || true; fi
    if [ -n "$temp" ]; then rm -rf -- "$temp"; fi
}

# start_limited LIMIT: starts the server in a control group.
start_limited() {
    make_group "http-streaming-store-$$" "$(to_bytes "$1")" || fail "the server cannot be limited to $1: $reason"
    group=$made_group
    start_server '' /bin/sh -c "$join" join "$group" "${server[@]}"
    echo "$server_pid" >"$temp/server.pid"
}

# stop_limited: prints what the server has needed. Fails if it was killed.
stop_limited() {
    local resident
    resident=$(awk '/VmHWM/ { print $2 }' "/proc/$server_pid/status" || true)
    read_group
    say "server       limited to $(readable "$(figure_of_limit)"): ${kills:-unknown} kills; $((${resident:-0} >> 10)) MiB" \
        "resident at most, $((${peak:-0} >> 20)) MiB with page cache and sockets"
    [ "${kills:-0}" = 0 ] || fail "FAILED: the server ran out of memory"
    stop_server
    rmdir "$made_group"
    made_group=''
}
figure_of_limit() { if [ "$version" = 2 ]; then figure memory.max; else figure memory.limit_in_bytes; fi; }

# compare FILE NAME: fails unless the store has this file under the name.
compare() {
    "$rclone" cat "store:$bucket/$2" | cmp -- - "$1" || fail "FAILED: the store has other bytes under $2"
}

build_release server
build_benchmarks
ulimit -n 20000 2>/dev/null || ulimit -n "$(ulimit -Hn)"
clean_up_at_end
make_temp
start_store
mkdir "$temp/parts"
server=("$bin/server" --storage "s3://$bucket" --s3-endpoint "$store_url" --temporary-dir "$temp/parts" --log-level warning)

if [ "$size" -gt 0 ]; then
    find_program aws awscli
    aws=$found
    head -c "$size" /dev/urandom >"$temp/random.bin"
    start_server '' "${server[@]}"
    for _ in $(seq "$rounds"); do
        # Whatever the upload before has left for the disk to write.
        sync
        timed server curl -sS --fail -T "$temp/random.bin" "$server_url/server.bin"
        sync
        timed rclone "$rclone" copyto "$temp/random.bin" "store:$bucket/rclone.bin"
        "$rclone" deletefile "store:$bucket/rclone.bin"
        sync
        timed aws "$aws" s3 cp --only-show-errors "$temp/random.bin" "s3://$bucket/aws.bin"
    done
    compare "$temp/random.bin" server.bin
    stop_server
    rm "$temp/random.bin"
    awk -v bytes="$size" -v rounds="$rounds" -v server="$(median server)" -v rclone="$(median rclone)" -v aws="$(median aws)" '
        function rate(seconds) { return bytes / seconds / 1e6 }
        BEGIN {
            printf "medians of %d rounds, %d bytes: server %.1f s, %.0f MB/s; ", rounds, bytes, server, rate(server)
            printf "rclone %.1f s, %.0f MB/s; aws %.1f s, %.0f MB/s\n", rclone, rate(rclone), aws, rate(aws)
            printf "throughput of the server relative to rclone %.2f, to aws %.2f\n", rclone / server, aws / server
        }'
fi

if [ "$large" -gt 0 ]; then
    "$root/scripts/payload.sh" big "$temp/large.bin" "$large"
    start_limited "${LIMIT:-64M}"
    began=$(now)
    curl -sS --fail-with-body --limit-rate "${RATE:-60M}" -T "$temp/large.bin" "$server_url/large.bin" >"$temp/answer" || {
        cat "$temp/answer" "$temp/server.log" >&2
        fail "FAILED after $(elapsed "$began" "$(now)")"
    }
    say "one file     $(readable "$large") in $(elapsed "$began" "$(now)" "$large")"
    stop_limited
    compare "$temp/large.bin" large.bin
    "$rclone" deletefile "store:$bucket/large.bin"
fi

if [ "$count" -gt 0 ]; then
    port=$(free_port)
    "$rclone" serve http --read-only --addr "127.0.0.1:$port" "store:$bucket" 2>"$temp/reader.log" &
    reader_pid=$!
    wait_for_port "$port" "rclone serve http" "$temp/reader.log"
    start_limited "${MANY_LIMIT:-512M}"
    "$tools/scaling" "$server_url" "http://127.0.0.1:$port" "uploads=$count" "jobs=$count" "size=${EACH:-20M}" \
        "servers=$temp/server.pid"
    stop_limited
fi
