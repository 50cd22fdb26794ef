# shellcheck shell=bash
# What the scripts here share. Bash 3.2 is enough for it, the one that macOS has.

root=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
temp=
server_pid=
export server_url=

say() { printf '%s\n' "$*"; }
fail() {
    printf '%s: %s\n' "$(basename -- "$0" .sh)" "$*" >&2
    exit 1
}

# Sets `temp` to a folder that is removed at the end. Not under /tmp, which is often memory, and
# which a large file would fill; .build is on the disk that the sources are on.
make_temp() {
    mkdir -p "$root/.build"
    temp=$(mktemp -d "$root/.build/$(basename -- "$0" .sh).XXXXXX")
}

# Size of a file in bytes, from its metadata.
file_size() {
    # shellcheck disable=SC2012
    ls -nL -- "$1" | awk '{ print $5; exit }'
}

need_swift() {
    command -v swift >/dev/null || fail "there is no 'swift' here; install it from https://www.swift.org/install"
}

# run_tests COMMAND...: what failed is said once more at the end, where a log of thousands of lines
# is looked at first, and which is all that some keep of it.
run_tests() {
    local status=0
    "$@" 2>&1 | tee "$temp/tests.log" || status=$?
    [ $status -ne 0 ] || return 0
    printf '\nwhat failed:\n'
    # In colours, perhaps.
    sed 's/\x1b\[[0-9;]*m//g' "$temp/tests.log" \
        | awk '/^(◇|✔|✘|➜|⚠|±)/ { failed = /^✘/ && !/^✘ (Test run|Suite)/ } failed' | head -n 200
    return $status
}

# The absolute path of $1, which must be a readable regular file.
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

# Builds what the scripts run, in release mode, and sets `bin` to its folder.
export bin=
build_release() {
    need_swift
    "$root/scripts/install-deps.sh"
    cd "$root" || return
    say "building in release mode; the first time takes minutes"
    swift build -c release --product server
    swift build -c release --product example
    bin=$(swift build -c release --show-bin-path)
}

# Builds the benchmarks, optimized; sets `tools` to their folder. Anew each time: of a package
# that another one depends on by path, SwiftPM does not notice new files.
build_benchmarks() {
    local options=(-c release --package-path "$root/Benchmarks" --scratch-path "$root/.build/benchmarks")
    rm -rf "$root/.build/benchmarks"
    swift build "${options[@]}"
    # shellcheck disable=SC2034
    tools=$(swift build "${options[@]}" --show-bin-path)
}

# start_server FOLDER BINARY [ARGUMENT...]: starts it on a free port; it says which one when it is
# ready, so that nothing has to be guessed or waited for. Sets `server_pid` and `server_url`.
start_server() {
    local line folder=$1
    shift
    mkfifo "$temp/server.out"
    "$@" --port 0 --dir "$folder" >"$temp/server.out" 2>"$temp/server.log" &
    server_pid=$!
    exec 7<"$temp/server.out"
    if ! IFS= read -r -t 60 line <&7 || [ "${line#listening on http}" = "$line" ]; then
        sed 's/^/    /' "$temp/server.log" >&2
        kill -0 "$server_pid" 2>/dev/null || fail "the server ended instead of listening"
        fail "the server did not say within 60 s where it listens; it said: '${line:-}'"
    fi
    server_url=${line#listening on }
    # Whatever else it prints must not fill the pipe.
    cat <&7 >>"$temp/server.log" &
    exec 7<&-
}

# Fetches a newer libcurl than the system's, the one that the Python package pycurl brings along, into $temp, and sets
# `newer_curl`, what LD_LIBRARY_PATH has to be to use it. Where it is not to be had, `newer_curl_error` says why.
newer_curl=
newer_curl_error=
fetch_newer_curl() {
    local library version
    if ! python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
        --dest "$temp" pycurl >&2; then
        newer_curl_error="no pycurl for the Python that is here"
        return 1
    fi
    python3 -m zipfile -e "$temp"/pycurl-*.whl "$temp/wheel"
    library=$(find "$temp/wheel" -name 'libcurl-*.so*' | head -n 1)
    # shellcheck disable=SC2034
    [ -n "$library" ] || newer_curl_error="there is no libcurl in that package"
    [ -n "$library" ] || return 1
    mkdir "$temp/libraries"
    ln -s "$library" "$temp/libraries/libcurl.so.4"
    version=$(grep -aom1 'libcurl/8[.0-9]*' "$library") || true
    say "with ${version:-$(basename -- "$library")}"
    # shellcheck disable=SC2034
    newer_curl=$temp/libraries:$(dirname -- "$library")
}

# Ends the server; by force where it has not ended after 10 s.
stop_server() {
    local pid=$server_pid watchdog
    [ -n "$pid" ] || return 0
    server_pid=
    kill -TERM "$pid" 2>/dev/null || true
    # A read with a time limit is a sleep that can be ended without a signal, which might come too
    # early, and that leaves no process behind.
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
}

# Calls `clean_up`, which the script defines, at the end, however that comes about.
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

# Seconds with a fraction where the machine's date can tell.
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

# timed NAME COMMAND...: appends the seconds that it takes to $temp/NAME.times.
timed() {
    local name=$1 TIMEFORMAT=%R
    shift
    { time "$@" >"$temp/answer" 2>"$temp/error" || fail "$name failed: $(cat "$temp/error")"; } 2>>"$temp/$name.times"
}

# The median of what `timed` has kept under a name.
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
