#!/bin/bash
# Sends 1,000 files of 1 KiB in one request: with `send` of all parts, with `sendUnclosed` for each, and with `curl -F`,
# alternately, to a server that costs nearly nothing. Prints medians, with and without the start of the process, and ratios.
#
#   scripts/bench-folder.sh [ROUNDS [FOLDER]]    default: 15 rounds; the files are made below FOLDER
#   BENCH_WITH='chrt -r 5' ...                   runs the clients and the server with this command
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

rounds=${1:-15}
read -r -a with <<<"${BENCH_WITH:-}"
command -v curl >/dev/null || fail "curl is not installed"
build_benchmarks

sink=
clean_up() {
    [ -z "$sink" ] || kill "$sink"
    rm -rf -- "$temp" "${files:-$temp}"
}
clean_up_at_end
make_temp
files=$(mktemp -d "${2:-$temp}/files.XXXXXX")
head -c 1024000 /dev/urandom | split -b 1024 -a 3 - "$files/"
for file in "$files"/*; do printf 'form = "file=@%s"\n' "$file"; done >"$temp/curl"

mkfifo "$temp/port"
${with[@]+"${with[@]}"} "$tools/sink" >"$temp/port" &
sink=$!
IFS= read -r port <"$temp/port"
url=http://127.0.0.1:$port/

# inside NAME COMMAND...: as `timed`, and appends the seconds that the command prints to $temp/NAME-inside.times.
inside() {
    timed "$1" ${with[@]+"${with[@]}"} "${@:2}"
    cat "$temp/answer" >>"$temp/$1-inside.times"
}
for _ in $(seq "$rounds"); do
    inside send "$tools/folder" send "$files" "$url"
    inside sendUnclosed "$tools/folder" sendUnclosed "$files" "$url"
    inside curl curl -sS --fail -K "$temp/curl" -o /dev/null -w '%{time_total}\n' "$url"
done

printf 'medians of %d rounds, 1,000 files of 1 KiB in one request\n' "$rounds"
for name in send sendUnclosed curl; do
    awk -v name="$name" -v with="$(median $name)" -v without="$(median $name-inside)" \
        -v curl="$(median curl)" -v curl_inside="$(median curl-inside)" 'BEGIN {
        printf "%-12s %5.1f ms, %4.2f of curl; without the start of the process %5.1f ms, %4.2f of curl\n",
            name, with * 1000, with / curl, without * 1000, without / curl_inside
    }'
done
