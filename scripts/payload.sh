#!/bin/sh
# Makes the files that are uploaded in trials, always with the same bytes.
#
#   scripts/payload.sh book FILE          the book, about 250 KiB of UTF-8 text
#   scripts/payload.sh check FILE         is FILE the book, byte for byte?
#   scripts/payload.sh big FILE [SIZE]    SIZE bytes (or 64K, 10M, 1G, ...), sparse
#   scripts/payload.sh text FILE [SIZE]   the same of mixed text; 256M unless given
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
partial=
trap 'if [ -n "$partial" ]; then rm -f -- "$partial"; fi' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
    echo "payload: $*" >&2
    exit 2
}

bytes() {
    number=${1%[kKmMgG]}
    case $number in
        '' | *[!0-9]* | 0[0-9]*) fail "'$1' is no size; try 500, 64K, 10M or 2G" ;;
    esac
    [ "${#number}" -le 12 ] || fail "'$1' is too large a size"
    case $1 in
        *[kK]) echo $((number * 1024)) ;;
        *[mM]) echo $((number * 1024 * 1024)) ;;
        *[gG]) echo $((number * 1024 * 1024 * 1024)) ;;
        *) echo "$number" ;;
    esac
}

book() {
    LC_ALL=C awk -f "$here/book.awk" </dev/null
}

# 32 bytes that tell where they are, so that none can be lost, doubled or moved unnoticed. They are
# written by dd, which leaves what it skips unwritten: a hole that takes no disk.
island() { # file size offset
    if [ "$3" -ge 0 ] && [ $(($3 + 32)) -le "$2" ]; then
        printf '[%014d|%015d]' "$3" $((3141592653 * ($3 % 100000 + 1) % 1000000007)) |
            dd of="$1" bs=1 seek="$3" conv=notrunc 2>/dev/null
    fi
}

big() { # file size
    : >"$1"
    # Across the sizes of buffers, blocks and pages, and across what fits into 31 and 32 bits.
    for edge in 4096 16384 65536 131072 262144 524288 1048576 2097152 4194304 8388608 \
        16777216 1073741824 2147483648 4294967296; do
        island "$1" "$2" $((edge - 16))
    done
    # Off any such boundary, from the start to the end.
    sixteenth=0
    while [ "$sixteenth" -lt 16 ]; do
        island "$1" "$2" $(($2 * sixteenth / 16))
        sixteenth=$((sixteenth + 1))
    done
    # The last byte gives the file its size.
    if [ "$2" -ge 32 ]; then
        island "$1" "$2" $(($2 - 32))
    else
        printf '%.*s' "$2" 'fewer bytes than an island has...' >"$1"
    fi
}

text() { # file size
    # Repeated from farther away than any coding here looks back.
    LC_ALL=C awk -f "$here/text.awk" </dev/null >"$1.once"
    while [ "$(wc -c <"$1")" -lt "$2" ]; do cat "$1.once" >>"$1"; done
    dd of="$1" bs=1 seek="$2" count=0 2>/dev/null </dev/null
    rm -f -- "$1.once"
}

usage="usage: $0 book FILE | check FILE | big FILE [SIZE] | text FILE [SIZE]"
[ $# -ge 2 ] || fail "$usage"
file=$2
case $1 in
    book)
        partial=$file.partial
        book >"$partial"
        mv -f -- "$partial" "$file"
        partial=
        ;;
    check)
        book | cmp - "$file" || fail "$file is not what scripts/book.awk writes; try 'make payload/book.txt'"
        echo "$file: as generated"
        ;;
    big)
        size=$(bytes "${3:-1G}")
        partial=$file.partial
        big "$partial" "$size"
        mv -f -- "$partial" "$file"
        partial=
        echo "$file: $size bytes, of which $(du -k -- "$file" | cut -f1) KiB take disk"
        ;;
    text)
        size=$(bytes "${3:-256M}")
        partial=$file.partial
        : >"$partial"
        text "$partial" "$size"
        mv -f -- "$partial" "$file"
        partial=
        echo "$file: $size bytes"
        ;;
    *) fail "$usage" ;;
esac
