#!/bin/bash
# Measures compression during an upload: against `pigz | curl`, with one and two workers, and on a slow link. Runs
# what it compares alternately. On a shared machine only the ratios are meaningful.
#
#   scripts/bench-gzip.sh [FILE [ROUNDS]]    default: 256 MiB of mixed text, 5 rounds
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

proxy_pid=
clean_up() {
    if [ -n "$proxy_pid" ]; then kill "$proxy_pid" 2>/dev/null || true; fi
    stop_server
    if [ -n "$temp" ]; then rm -rf -- "$temp"; fi
}

file=${1:-}
rounds=${2:-5}
if [ -n "$file" ]; then file=$(absolute_file "$file"); fi
command -v curl >/dev/null || fail "curl is not installed"
command -v pigz >/dev/null || fail "pigz is not installed; install the package pigz"
build_release
build_benchmarks

clean_up_at_end
make_temp
if [ -z "$file" ]; then
    file=$temp/text
    scripts/payload.sh text "$file" 256M
fi
mkdir "$temp/saved"
start_server "$temp/saved" "$bin/server" --discard
cat "$file" >/dev/null

pigz_curl() { # level
    pigz "-$1" -c "$file" | curl -sS --fail -T - -H 'Content-Encoding: gzip' "$server_url/text"
}

for level in 6 1; do
    for _ in $(seq "$rounds"); do
        timed "upload-$level" "$tools/upload" "$file" "$server_url" "$level"
        ours_bytes=$(cat "$temp/answer")
        timed "pigz-$level" pigz_curl "$level"
    done
    awk -v level="$level" -v bytes="$(file_size "$file")" -v rounds="$rounds" -v ours="$(median "upload-$level")" \
        -v theirs="$(median "pigz-$level")" -v sent="$ours_bytes" -v piped="$(pigz "-$level" -c "$file" | wc -c)" 'BEGIN {
        printf "\nlevel %d, %.0f bytes to a server that discards them, medians of %d rounds\n", level, bytes, rounds
        printf "gzip(level: %d)   %.3f s  %.0f bytes sent\n", level, ours, sent
        printf "pigz -%d | curl   %.3f s  %.0f bytes sent\n", level, theirs, piped
        printf "ratio            %.2f     %.4f\n", ours / theirs, sent / piped
    }'
done

say ""
say "the encoder alone"
for level in 6 1; do "$tools/encode" "$file" "$level" "$rounds"; done

# 4 s at 100 Mbit/s: long enough that socket buffers do not distort the result.
head -c 50000000 /dev/urandom >"$temp/random"
mkfifo "$temp/proxy.out"
"$tools/pace" 12500000 "${server_url##*:}" >"$temp/proxy.out" &
proxy_pid=$!
IFS= read -r -t 10 port <"$temp/proxy.out" || fail "the proxy did not print its port"
for _ in $(seq "$rounds"); do
    timed slow-identity "$tools/upload" "$temp/random" "http://127.0.0.1:$port" identity
    timed slow-automatic "$tools/upload" "$temp/random" "http://127.0.0.1:$port" automatic
done
awk -v plain="$(median slow-identity)" -v automatic="$(median slow-automatic)" -v rounds="$rounds" 'BEGIN {
    printf "\n50000000 random bytes over a link of 100 Mbit/s, medians of %d rounds\n", rounds
    printf "identity    %.3f s\nautomatic   %.3f s\n", plain, automatic
    printf "speed       %.2f of identity\n", plain / automatic
}'
