#!/bin/bash
# Uploads 1 GiB alone and next to 1,000 open, idle requests, alternately, and prints the medians and their ratio.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

build_release
build_benchmarks
# Each idle request needs a descriptor on both sides.
ulimit -n 4096 || fail "cannot raise the limit of open files to 4096"

clean_up_at_end
make_temp
mkdir "$temp/saved"
"$root/scripts/payload.sh" big "$temp/file.bin" 1G
start_server "$temp/saved" "$bin/server" --discard
"$tools/idle" "$server_url" "$temp/file.bin" 1000 5
