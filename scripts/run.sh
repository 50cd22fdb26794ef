#!/bin/bash
# The whole way once: builds, starts the server, uploads a file and compares what arrived with it.
#
#   scripts/run.sh [FILE]    payload/book.txt unless given
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

clean_up() {
    stop_server
    if [ -n "$temp" ]; then rm -rf -- "$temp"; fi
}

file=$(absolute_file "${1:-$root/payload/book.txt}")
build_release

clean_up_at_end
make_temp
mkdir "$temp/saved"
start_server "$temp/saved" "$bin/server"
say "the server listens on $server_url and saves to a temporary folder"

UPLOAD_HOST=$server_url "$bin/example" -filepath "$file" || fail "the upload failed with status $?"

saved=$temp/saved/$(basename -- "$file")
[ -f "$saved" ] || fail "the server saved no file of this name: $(ls -- "$temp/saved")"
cmp -- "$file" "$saved" || fail "what arrived is not what was sent"
say "arrived byte for byte: $(readable "$(file_size "$file")") as $(basename -- "$saved")"
