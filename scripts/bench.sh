#!/bin/bash
# Uploads a file with the example and with `curl -F`, alternately, to a server that discards it, and prints the
# medians and their ratio. On a shared machine only the ratio is meaningful.
#
#   scripts/bench.sh [FILE [ROUNDS]]    default: 1 GiB of random bytes, 11 rounds
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

file=${1:-}
rounds=${2:-11}
if [ -n "$file" ]; then file=$(absolute_file "$file"); fi
command -v curl >/dev/null || fail "curl is not installed"
build_release

clean_up_at_end
make_temp
if [ -z "$file" ]; then
    file=$temp/random.bin
    head -c 1073741824 /dev/urandom >"$file"
fi
mkdir "$temp/saved"
start_server "$temp/saved" "$bin/server" --discard
export UPLOAD_HOST=$server_url

# Read the file into the page cache.
cat "$file" >/dev/null
for _ in $(seq "$rounds"); do
    timed example "$bin/example" -filepath "$file"
    timed curl curl -sS --fail -F "file=@$file" "$server_url"
done

ours=$(median example)
theirs=$(median curl)
awk -v bytes="$(file_size "$file")" -v rounds="$rounds" -v ours="$ours" -v theirs="$theirs" 'BEGIN {
    printf "medians of %d rounds, %.0f bytes to a server that discards them\n", rounds, bytes
    printf "example   %.3f s  %5.0f MB/s\n", ours, bytes / ours / 1e6
    printf "curl -F   %.3f s  %5.0f MB/s\n", theirs, bytes / theirs / 1e6
    printf "ratio     %.2f\n", ours / theirs
}'
