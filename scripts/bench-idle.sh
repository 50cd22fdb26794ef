#!/bin/bash
# Uploads 1 GiB alone and beside 1,000 requests that are open and idle, in turn, and prints the medians and their ratio.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

clean_up() {
    stop_server
    if [ -n "$temp" ]; then rm -rf -- "$temp"; fi
}

build_release
build_benchmarks
# A connection for each of them, on both sides.
ulimit -n 4096 || fail "this needs 4096 descriptors"

clean_up_at_end
make_temp
mkdir "$temp/saved"
"$root/scripts/payload.sh" big "$temp/file.bin" 1G
start_server "$temp/saved" "$bin/server" --discard
"$tools/idle" "$server_url" "$temp/file.bin" 1000 5
