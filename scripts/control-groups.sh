# shellcheck shell=bash
# Functions for memory control groups of Linux, which scripts share. Needs lib.sh and its folder `temp`.
# shellcheck disable=SC2154

made_group=      # the folder of a control group that the script made
group=           # the folder of the control group in use
version=         # the version of control groups, 1 or 2
export reason=   # why the last attempt failed
export peak kills join

to_bytes() {
    local number=${1%[kKmMgG]}
    case $number in '' | *[!0-9]* | 0*) fail "'$1' is not a size; use 20M, for example" ;; esac
    case $1 in
        *[kK]) echo $((number << 10)) ;;
        *[mM]) echo $((number << 20)) ;;
        *[gG]) echo $((number << 30)) ;;
        *) echo "$number" ;;
    esac
}

# mounted_groups VERSION: the mount point of the control groups with the memory controller, and the path that is
# mounted there, such as "/sys/fs/cgroup /". Nothing if there is no such mount.
mounted_groups() {
    awk -v version="$1" '{
        for (i = 7; $i != "-"; i++) { }
        type = $(i + 1); options = "," $(i + 3) ","
        if (version == 2 ? type == "cgroup2" : type == "cgroup" && options ~ /,memory,/) {
            print $5, $4
            exit
        }
    }' /proc/self/mountinfo
}

# find_group PID: sets `group` and `version` to the control group that accounts for this process's memory.
find_group() {
    local path mount top
    version=1
    path=$(sed -n 's/^[0-9]*:\([^:]*,\)\{0,1\}memory\(,[^:]*\)\{0,1\}:\(.*\)/\3/p' "/proc/$1/cgroup")
    if [ -z "$path" ]; then
        version=2
        path=$(sed -n 's/^0::\(.*\)/\1/p' "/proc/$1/cgroup")
    fi
    read -r mount top < <(mounted_groups $version) || return 1
    [ "$top" = / ] || path=${path#"$top"}
    group=$mount$path
    [ -d "$group" ]
}

# figure FILE [KEY]: a number from a file of the group, or nothing if the kernel does not provide it.
figure() {
    local key value
    [ -r "$group/$1" ] || return 0
    if [ $# -eq 1 ]; then
        read -r value <"$group/$1" || true
        printf '%s\n' "$value"
    else
        while read -r key value; do
            if [ "$key" = "$2" ]; then printf '%s\n' "$value"; fi
        done <"$group/$1"
    fi
}

# make_group NAME LIMIT: makes a control group with this limit and no swap. Sets `made_group`, or `reason` if it fails.
make_group() {
    local mount top
    if [ "$(id -u)" -ne 0 ]; then
        reason="needs root"
    elif find_group $$ && [ "$version" = 1 ]; then
        made_group=$group/$1
        mkdir "$made_group" 2>"$temp/error" && echo "$2" 2>>"$temp/error" >"$made_group/memory.limit_in_bytes" ||
            reason=$(tail -n 1 "$temp/error")
        # The first file exists only if the kernel accounts for swap.
        echo "$2" 2>/dev/null >"$made_group/memory.memsw.limit_in_bytes" ||
            echo 0 2>/dev/null >"$made_group/memory.swappiness" || true
    elif read -r mount top < <(mounted_groups 2) && grep -qw memory "$mount/cgroup.controllers"; then
        # Directly below the root, the only group that may contain both processes and groups.
        version=2
        made_group=$mount/$1
        { grep -qw memory "$mount/cgroup.subtree_control" || echo +memory >"$mount/cgroup.subtree_control"; } 2>"$temp/error" &&
            mkdir "$made_group" 2>>"$temp/error" &&
            echo "$2" 2>>"$temp/error" >"$made_group/memory.max" || reason=$(tail -n 1 "$temp/error")
        echo 0 2>/dev/null >"$made_group/memory.swap.max" || true
    else
        reason="no control groups with the memory controller are mounted"
    fi
    [ -z "$reason" ]
}

# A shell program that joins the control group $1 and runs the rest of its arguments there.
# shellcheck disable=SC2016
join='echo $$ >"$1/cgroup.procs" && shift && exec "$@"'

# Sets `peak` and `kills` to the figures of `group`.
read_group() {
    if [ "$version" = 2 ]; then
        peak=$(figure memory.peak)
        kills=$(figure memory.events oom_kill)
    else
        peak=$(figure memory.max_usage_in_bytes)
        kills=$(figure memory.oom_control oom_kill)
    fi
}
