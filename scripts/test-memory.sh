#!/bin/bash
# Uploads a file with the example while the kernel limits its memory to LIMIT bytes, without swap. Checks that the
# example is not killed and that the stored file equals the one that was sent.
#
#   scripts/test-memory.sh FILE [LIMIT [ARGUMENTS OF THE EXAMPLE...]]    default: 20M
#   SERVER_LIMIT=48M ...          limits the server too, with a control group, which needs root
#   MEMORY_LIMIT_WITH=cgroup ...  how to set the limit: docker, podman, systemd-run or cgroup, which is a memory
#                                 control group (v2 or v1) that the script makes itself, as root. Default: the first
#                                 of these that works
#
# Exits with status 0 if the upload succeeded, 3 if nothing here can set a limit, and 1 otherwise. Needs Linux.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"
# shellcheck source=scripts/control-groups.sh
. "$root/scripts/control-groups.sh"

# The first process in the control group. It waits before it runs the example, so that the script can check the limit,
# and again afterwards, so that the script can read the group's figures before the group disappears. It ignores
# SIGTERM, which systemd sends to a scope in which a process ran out of memory. Its memory, about 100 KiB, counts.
# shellcheck disable=SC2016
launcher='
    io=$1; shift
    exec 8<>"$io/in" 9<>"$io/out"
    trap : TERM
    echo "ready $$" >&9
    until read -r go <&8; do :; done
    status=0
    "$@" || status=$?
    echo "exited $status" >&9
    until read -r go <&8; do :; done
    exit "$status"'

name=http-streaming-memory-$$
job=          # the process that runs the launcher
engine=()     # docker or podman, with options, if one of them is in use
image=        # the image imported into that engine
server_group= # the folder of the server's control group, if it has one

clean_up() {
    end_attempt
    if [ -n "$image" ]; then "${engine[@]}" rmi -f "$image" >/dev/null 2>&1 || true; fi
    stop_server
    if [ -n "$server_group" ]; then rmdir "$server_group" 2>/dev/null || true; fi
    if [ -n "$temp" ]; then rm -rf -- "$temp"; fi
}

# Kills what still runs under the limit, and removes the group.
end_attempt() {
    local pid
    if [ ${#engine[@]} -gt 0 ]; then
        # `rm` alone would send SIGTERM and wait.
        "${engine[@]}" kill "$name" >/dev/null 2>&1 || true
        "${engine[@]}" rm -f "$name" >/dev/null 2>&1 || true
    fi
    # Kill every process in the group, but only if it is one that this script made, which has its name.
    case ${group:-$made_group} in
        */"$name"*)
            while read -r pid; do kill -KILL "$pid" 2>/dev/null || true; done \
                2>/dev/null <"${group:-$made_group}/cgroup.procs" || true
            ;;
    esac
    if [ -n "$job" ]; then kill -KILL "$job" 2>/dev/null || true; fi
    if [ -n "$job" ]; then wait "$job" 2>/dev/null || true; fi
    if [ -n "$made_group" ] && [ -d "$made_group" ]; then rmdir "$made_group" 2>/dev/null || true; fi
    job=''
    made_group=''
    group=''
}

# Whether the limit is in force and swap is limited too.
check_limit() {
    local actual swap
    if [ "$version" = 2 ]; then
        actual=$(figure memory.max)
        swap=$(figure memory.swap.max)
        [ "${swap:-0}" = 0 ] || reason="swap is not limited there (memory.swap.max is $swap)"
    else
        actual=$(figure memory.limit_in_bytes)
        swap=$(figure memory.memsw.limit_in_bytes)
        if [ "${swap:-none}" != "$actual" ] && [ "$(figure memory.swappiness)" != 0 ] &&
            ! grep -q '^SwapTotal: *0 kB' /proc/meminfo; then
            reason="swap is not limited there"
        fi
    fi
    [ -z "$reason" ] || return 1
    # The kernel rounds the limit down to whole pages.
    if ! [ "$actual" -le "$limit" ] 2>/dev/null || [ "$actual" -lt $((limit - 65536)) ]; then
        reason="the limit is not in force there: it reads '$actual'"
        return 1
    fi
}

# Makes a folder `io` with two pipes between this script and the launcher, and opens them as descriptors 8 and 9.
io=
open_channel() {
    io=$(mktemp -d "$temp/io.XXXXXX")
    mkfifo "$io/in" "$io/out"
    exec 8<>"$io/in" 9<>"$io/out"
    : >"$temp/error"
}

# await WORD SECONDS: waits until the launcher prints WORD, and sets `answer` to the rest of that line. Fails if the
# launcher exits. 0 seconds means no time limit. Measures the example meanwhile if `watching` is set.
answer=
watching=
await() {
    local word end=$((SECONDS + $2))
    while [ "$2" = 0 ] || [ $SECONDS -lt "$end" ]; do
        if read -r -t 0.1 -u 9 word answer && [ "$word" = "$1" ]; then return 0; fi
        if ! kill -0 "$job" 2>/dev/null; then
            # It may have printed the line and exited since the last read.
            read -r -t 0.1 -u 9 word answer && [ "$word" = "$1" ]
            return
        fi
        if [ -n "$watching" ]; then watch_process; fi
    done
    return 1
}

# Records the example's highest memory figures. The kernel keeps the peak, VmHWM, only while the process exists.
most_resident=0
most_anonymous=0
watch_process() {
    local pid key value rest process resident anonymous
    while read -r pid; do
        process='' resident=0 anonymous=0
        while read -r key value rest; do
            case $key in
                Name:) process=$value ;;
                VmHWM:) resident=$value ;;
                RssAnon:) anonymous=$value ;;
            esac
        done 2>/dev/null <"/proc/$pid/status" || true
        [ "$process" = example ] || continue
        if [ "$resident" -gt "$most_resident" ]; then most_resident=$resident; fi
        if [ "$anonymous" -gt "$most_anonymous" ]; then most_anonymous=$anonymous; fi
    done 2>/dev/null <"$group/cgroup.procs" || true
}

# Each start_with_… starts the launcher for "$@" under the limit, and leaves it waiting. It sets `job`, or `reason` if
# it fails.

start_with_docker() {
    engine=(docker)
    start_with_engine "$@"
}

start_with_podman() {
    engine=(podman)
    unset CONTAINERS_CONF
    start_with_engine "$@" && return
    # Try runc too: a sandbox may allow neither podman's default runtime nor raising limits.
    command -v runc >/dev/null || return 1
    local first=$reason
    end_attempt
    reason=''
    cat >"$temp/containers.conf" <<-'END'
	[containers]
	default_ulimits = []
	[engine]
	cgroup_manager = "cgroupfs"
	events_logger = "file"
	END
    export CONTAINERS_CONF=$temp/containers.conf
    engine=(podman --runtime runc)
    start_with_engine "$@" && return
    reason="$first; with runc: $reason"
    return 1
}

start_with_engine() {
    if ! command -v "${engine[0]}" >/dev/null; then
        reason="not installed"
        engine=()
        return 1
    fi
    if ! "${engine[@]}" info >"$temp/error" 2>&1 || grep -q '^ *ERROR' "$temp/error"; then
        reason=$(grep -im1 error "$temp/error" || tail -n 1 "$temp/error")
        engine=()
        return 1
    fi
    # The image holds a shell and libraries of this machine, so no registry is needed.
    if [ -z "$image" ]; then
        image=$name
        if ! library_tar | "${engine[@]}" import - "$image" >"$temp/error" 2>&1; then
            reason=$(tail -n 1 "$temp/error")
            return 1
        fi
    fi
    open_channel
    "${engine[@]}" run --name "$name" --network host --user 0 --security-opt label=disable \
        --memory "$limit" --memory-swap "$limit" --env UPLOAD_HOST="$server_url" \
        --volume "$io:$io" --volume "$example:$example:ro" --volume "$file:$file:ro" \
        "$image" /bin/sh -c "$launcher" launcher "$io" "$@" </dev/null 2>>"$temp/error" &
    job=$!
    if ! await ready 30; then
        reason=$(tail -n 1 "$temp/error")
        return 1
    fi
    find_group "$("${engine[@]}" inspect --format '{{.State.Pid}}' "$name")" || {
        reason="the control group of its container cannot be found"
        return 1
    }
}

library_tar() {
    # shellcheck disable=SC2046
    tar -C / -chf - bin/sh $( (ldd /bin/sh; ldd "$example") 2>/dev/null |
        awk '{ for (i = 1; i <= NF; i++) if ($i ~ /^\//) print substr($i, 2) }' | sort -u)
}

start_with_systemd_run() {
    local user=()
    if ! command -v systemd-run >/dev/null; then
        reason="not installed"
        return 1
    fi
    [ "$(id -u)" -eq 0 ] || user=(--user)
    open_channel
    UPLOAD_HOST=$server_url systemd-run ${user[@]+"${user[@]}"} --scope --quiet --collect --unit "$name" \
        --property MemoryMax="$limit" --property MemorySwapMax=0 \
        /bin/sh -c "$launcher" launcher "$io" "$@" </dev/null 2>>"$temp/error" &
    job=$!
    if ! await ready 30; then
        reason=$(head -n 1 "$temp/error")
        return 1
    fi
    find_group "$answer" || {
        reason="the control group of its scope cannot be found"
        return 1
    }
}

start_with_cgroup() {
    make_group "$name" "$limit" || return 1
    open_channel
    UPLOAD_HOST=$server_url /bin/sh -c "$join" join \
        "$made_group" /bin/sh -c "$launcher" launcher "$io" "$@" </dev/null 2>>"$temp/error" &
    job=$!
    if ! await ready 30; then
        reason="no process can be started in it"
        return 1
    fi
    group=$made_group
}

[ $# -ge 1 ] || fail "usage: $0 FILE [LIMIT [ARGUMENTS...]]"
if [ "$(uname -s)" != Linux ]; then
    say "test-memory: this needs Linux; 'make docker' limits the example to 20 MB in a container" >&2
    exit 3
fi
file=$(absolute_file "$1")
limit=$(to_bytes "${2:-20M}")
shift
if [ $# -gt 0 ]; then shift; fi
ways=${MEMORY_LIMIT_WITH:-docker podman systemd-run cgroup}
for way in $ways; do
    case $way in
        docker | podman | systemd-run | cgroup) ;;
        *) fail "MEMORY_LIMIT_WITH must be docker, podman, systemd-run or cgroup, not '$way'" ;;
    esac
done
build_release
example=$bin/example
server=$bin/server

clean_up_at_end
make_temp
size=$(file_size "$file")
free=$(df -Pk "$temp" | awk 'NR == 2 { print $4 }')
[ $((size / 1024 + 65536)) -lt "$free" ] ||
    fail "the server stores the file in $root/.build: it has $((size >> 20)) MiB, and $((free >> 10)) MiB are free"

mkdir "$temp/saved"
if [ -n "${SERVER_LIMIT:-}" ]; then
    make_group "$name-server" "$(to_bytes "$SERVER_LIMIT")" || {
        say "test-memory: the server cannot be limited to $SERVER_LIMIT: $reason" >&2
        exit 3
    }
    server_group=$made_group
    made_group=
    start_server "$temp/saved" /bin/sh -c "$join" join "$server_group" "$server"
else
    start_server "$temp/saved" "$server"
fi
# Drop the file from the page cache. Otherwise its pages would not be charged to the group.
dd if="$file" iflag=nocache count=0 2>/dev/null || true

chosen=
for way in $ways; do
    reason=''
    if "start_with_${way//-/_}" "$example" -filepath "$file" "$@" && check_limit; then
        chosen=$way
        break
    fi
    say "$way: not used: ${reason:-it does not work here}"
    end_attempt
    if [ -n "$image" ]; then "${engine[@]}" rmi -f "$image" >/dev/null 2>&1 || true; fi
    image='' engine=()
done
if [ -z "$chosen" ]; then
    say "test-memory: nothing here can limit a process to $(readable "$limit")" >&2
    exit 3
fi
if [ ${#engine[@]} -gt 1 ]; then
    say "$chosen: used, as ${engine[*]}; control groups v$version"
else
    say "$chosen: used; control groups v$version"
fi

: >"$temp/error"
watching=1
began=$(now)
echo go >&8
status=
if await exited 0; then status=$answer; fi
ended=$(now)

if [ -n "$server_group" ]; then
    example_group=$group
    group=$server_group
    read_group
    server_kills=${kills:-0}
    server_peak=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$server_pid/status" 2>/dev/null || true)
    group=$example_group
fi
read_group
if [ -z "$status" ]; then
    # The launcher itself was killed.
    wait "$job" && status=0 || status=$?
    if [ ${#engine[@]} -gt 0 ] && [ "$("${engine[@]}" inspect --format '{{.State.OOMKilled}}' "$name")" = true ]; then
        kills=${kills:-1}
    fi
fi
echo go >&8
cat "$temp/error" >&2
say ""

say "limit            $(readable "$limit"), no swap"
say "peak of group    $(if [ -n "$peak" ]; then readable "$peak"; else printf 'not provided by this kernel'; fi)"
say "                 includes the page cache of the file, which may reach the limit; the kernel reclaims it"
if [ "$most_resident" -gt 0 ]; then
    say "peak of process  $(readable $((most_resident * 1024))) resident (VmHWM), with shared libraries"
    say "                 $(readable $((most_anonymous * 1024))) anonymous (RssAnon, sampled)"
else
    say "peak of process  unknown: the run was too short"
fi
say "out of memory    ${kills:-unknown} kills"
say "exit status      $status"
say "time             $(elapsed "$began" "$ended" "$([ "$status" != 0 ] || printf '%s' "$size")")"

if [ -n "$server_group" ]; then
    say "server           limited to $(readable "$(to_bytes "$SERVER_LIMIT")"), $server_kills kills," \
        "peak $(readable $((${server_peak:-0} * 1024))) resident"
    [ "$server_kills" = 0 ] || fail "FAILED: the server ran out of memory under $SERVER_LIMIT and was killed"
fi
[ "${kills:-0}" = 0 ] || fail "FAILED: the example ran out of memory under $(readable "$limit") and was killed"
[ "$status" = 0 ] || fail "FAILED: the example exited with status $status"
saved=$temp/saved/$(basename -- "$file")
[ -f "$saved" ] || fail "FAILED: the server stored no file of this name: $(ls -- "$temp/saved")"
cmp -- "$file" "$saved" || fail "FAILED: the stored file differs from the one that was sent"
say "passed: stored byte for byte, $(readable "$size")"
