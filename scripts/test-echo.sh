#!/bin/bash
# Sends SIZE random bytes to POST /echo, reads the response at the same time, and compares the two: by HTTP/1.1 and
# HTTP/2, with the example and with curl. Prints the speed and the peak memory of client and server.
#
#   scripts/test-echo.sh [SIZE]        default: 1G
#
# The example needs libcurl 8.12 for HTTP/2, so the script downloads a newer libcurl if it can.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

size=${1:-1G}

# peak PID: the process's peak resident memory.
peak() { awk '/^VmHWM:/ { printf "%.1f MiB", $2 / 1024 }' "/proc/$1/status"; }

# round NAME COMMAND...: runs the command with the file as standard input and compares its output with the file. Reads
# the command's peak memory every 100 ms while it runs.
round() {
    local name=$1 start client last='?' value
    shift
    start=$(now)
    mkfifo "$temp/back"
    "$@" <"$temp/file" >"$temp/back" &
    client=$!
    (cmp - "$temp/file" <"$temp/back" && : >"$temp/same") &
    while kill -0 "$client" 2>/dev/null; do
        value=$(peak "$client" 2>/dev/null) || true
        last=${value:-$last}
        sleep 0.1
    done
    wait "$client" || fail "$name failed"
    wait $!
    [ -e "$temp/same" ] || fail "$name: the response differs from the file"
    say "$name: byte for byte, $(elapsed "$start" "$(now)" "$(file_size "$temp/file")"); client $last, server $(peak "$server_pid")"
    rm "$temp/back" "$temp/same"
}

[ "$(uname)" = Linux ] || fail "this needs Linux, to measure memory"
build_release
clean_up_at_end
make_temp
scripts/cert.sh "$temp/cert" >/dev/null
head -c "${size%[Bb]}" /dev/urandom >"$temp/file"
say "$(readable "$(file_size "$temp/file")") in each direction"
for scheme in http https; do
    options=()
    [ $scheme = http ] || options=(--tls-cert "$temp/cert/cert.pem" --tls-key "$temp/cert/key.pem")
    start_server "$temp/files" "$bin/server" "${options[@]+"${options[@]}"}"
    url=${server_url/127.0.0.1/localhost}
    export UPLOAD_HOST=$url
    round "example, $scheme, HTTP/1.1" "$bin/example" -cacert "$temp/cert/cert.pem" -echo
    if [ $scheme = https ] && fetch_newer_curl; then
        round "example, $scheme, HTTP/2" \
            env LD_LIBRARY_PATH="$newer_curl" "$bin/example" -cacert "$temp/cert/cert.pem" -echo
    fi
    for version in 1.1 2; do
        [ $scheme = https ] || [ $version = 1.1 ] || continue
        round "curl, $scheme, HTTP/$version" \
            curl -sS --cacert "$temp/cert/cert.pem" "--http$version" -X POST -T - "$url/echo"
    done
    stop_server
done
