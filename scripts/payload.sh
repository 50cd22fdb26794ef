#!/bin/sh
# Makes files to upload. The same arguments always give the same bytes.
#
#   scripts/payload.sh book FILE          writes the book, about 250 KiB of UTF-8 text
#   scripts/payload.sh check FILE         fails unless FILE is the book, byte for byte
#   scripts/payload.sh big FILE [SIZE]    writes a sparse file of SIZE bytes (64K, 10M, ...); default: 1G
#   scripts/payload.sh text FILE [SIZE]   writes mixed text of that size; default: 256M
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
        '' | *[!0-9]* | 0[0-9]*) fail "'$1' is not a size; use 500, 64K, 10M or 2G, for example" ;;
    esac
    [ "${#number}" -le 12 ] || fail "the size '$1' is too large"
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

# Writes 32 bytes that contain their own offset, so that a lost, doubled or moved byte is noticed. dd leaves a hole
# where it skips, which takes no disk space.
island() { # file size offset
    if [ "$3" -ge 0 ] && [ $(($3 + 32)) -le "$2" ]; then
        printf '[%014d|%015d]' "$3" $((3141592653 * ($3 % 100000 + 1) % 1000000007)) |
            dd of="$1" bs=1 seek="$3" conv=notrunc 2>/dev/null
    fi
}

big() { # file size
    : >"$1"
    # Across common sizes of buffers, blocks and pages, and across 2^31 and 2^32.
    for edge in 4096 16384 65536 131072 262144 524288 1048576 2097152 4194304 8388608 \
        16777216 1073741824 2147483648 4294967296; do
        island "$1" "$2" $((edge - 16))
    done
    # At every sixteenth of the file, which is rarely on such a boundary.
    sixteenth=0
    while [ "$sixteenth" -lt 16 ]; do
        island "$1" "$2" $(($2 * sixteenth / 16))
        sixteenth=$((sixteenth + 1))
    done
    # Writing the last byte sets the size of the file.
    if [ "$2" -ge 32 ]; then
        island "$1" "$2" $(($2 - 32))
    else
        printf '%.*s' "$2" 'fewer bytes than an island has...' >"$1"
    fi
}

text() { # file size
    # Repeat 16 MiB of text: farther apart than any coding here can refer back.
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
        book | cmp - "$file" || fail "$file differs from what scripts/book.awk writes; run 'make payload/book.txt'"
        echo "$file is what scripts/book.awk writes"
        ;;
    big)
        size=$(bytes "${3:-1G}")
        partial=$file.partial
        big "$partial" "$size"
        mv -f -- "$partial" "$file"
        partial=
        echo "$file: $size bytes, $(du -k -- "$file" | cut -f1) KiB of them on disk"
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
