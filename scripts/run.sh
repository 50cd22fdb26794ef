#!/bin/bash
# Builds the server and the example, uploads a file, and compares the stored file with it.
#
#   scripts/run.sh [FILE]    default: payload/book.txt
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

file=$(absolute_file "${1:-$root/payload/book.txt}")
build_release

clean_up_at_end
make_temp
mkdir "$temp/saved"
start_server "$temp/saved" "$bin/server"
say "the server listens on $server_url and stores files in a temporary folder"

UPLOAD_HOST=$server_url "$bin/example" -filepath "$file" || fail "the upload failed with status $?"

saved=$temp/saved/$(basename -- "$file")
[ -f "$saved" ] || fail "the server stored no file of this name: $(ls -- "$temp/saved")"
cmp -- "$file" "$saved" || fail "the stored file differs from the one that was sent"
say "stored byte for byte: $(readable "$(file_size "$file")") as $(basename -- "$saved")"
