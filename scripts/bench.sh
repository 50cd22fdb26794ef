#!/bin/bash
# Uploads the same file with the example and with `curl -F`, in turn, to the same server, which
# discards it, and prints the medians. Absolute times mean little on a shared machine; the ratio does.
#
#   scripts/bench.sh [FILE [ROUNDS]]    1 GiB of random bytes and 11 rounds unless given
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

clean_up() {
    stop_server
    if [ -n "$temp" ]; then rm -rf -- "$temp"; fi
}

file=${1:-}
rounds=${2:-11}
if [ -n "$file" ]; then file=$(absolute_file "$file"); fi
command -v curl >/dev/null || fail "there is no curl to compare with"
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

# Once without counting: the file comes into the page cache.
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
