#!/bin/bash
# Sends SIZE of random bytes to POST /echo and takes them back at the same time, by HTTP/1.1 and HTTP/2, with the
# example and with curl, compares them, and tells how fast, and in how much memory on both sides.
#
#   scripts/echo.sh [SIZE]        1G unless given
#
# The example speaks HTTP/2 with a newer libcurl than many systems have: it is fetched, where it is to be had.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

size=${1:-1G}
clean_up() {
    stop_server
    if [ -n "$temp" ]; then rm -rf -- "$temp"; fi
}

# Resident memory at its highest, in MiB.
peak() { awk '/^VmHWM:/ { printf "%.1f MiB", $2 / 1024 }' "/proc/$1/status"; }

# round NAME COMMAND...: its standard input is the file; its output is compared with it. Its memory is looked at while
# it runs, for the last time at its end.
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
    [ -e "$temp/same" ] || fail "$name: other bytes came back"
    say "$name: byte for byte, $(elapsed "$start" "$(now)" "$(file_size "$temp/file")"); $last, the server $(peak "$server_pid")"
    rm "$temp/back" "$temp/same"
}

[ "$(uname)" = Linux ] || fail "this needs Linux, for the figures of memory"
build_release
clean_up_at_end
make_temp
scripts/cert.sh "$temp/cert" >/dev/null
head -c "${size%[Bb]}" /dev/urandom >"$temp/file"
say "$(readable "$(file_size "$temp/file")") there and back"
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
    rm -f "$temp/server.out" "$temp/alarm"
done
