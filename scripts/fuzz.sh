#!/bin/bash
# Runs the fuzz targets with libFuzzer and AddressSanitizer. Fails if a check fails, and keeps that input in
# Tests/Fuzz/Corpus, where `make test` repeats it. What libFuzzer has learned stays in .build/fuzz-corpus.
#
#   scripts/fuzz.sh SECONDS [TARGET...]    default: every target, each for that time
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

seconds=${1:-60}
[ $# -eq 0 ] || shift
[[ $seconds =~ ^[1-9][0-9]*$ ]] || fail "the time must be a number of seconds: $seconds"
need_swift
cd "$root"
scripts/install-deps.sh

library=$(find "$(dirname -- "$(readlink -f -- "$(command -v swiftc)")")/../lib/clang" \
    -name "libclang_rt.fuzzer_no_main-$(uname -m).a" 2>/dev/null | head -n 1)
[ -n "$library" ] || fail "this Swift toolchain has no libFuzzer: use one for Linux"
options=(--package-path Tests/Fuzz --scratch-path .build/fuzz -c release --disable-index-store -Xlinker "$library")
say "building in release mode; the first time takes minutes"
swift build "${options[@]}"
bin=$(swift build "${options[@]}" --show-bin-path)
# The program prints the names of its targets.
forms=$("$bin/FuzzForms" || true)

# Swift's metadata lives as long as the process, and would be reported as leaks. A stack for each allocation takes a third of
# the time. Swift's own report of a crash takes seconds and adds nothing to that of AddressSanitizer.
export ASAN_OPTIONS=detect_leaks=0:malloc_context_size=0:quarantine_size_mb=16 SWIFT_BACKTRACE=enable=no
[ $# -gt 0 ] || set -- Tests/Fuzz/Corpus/*
findings=0
for target in "$@"; do
    target=$(basename -- "$target")
    seeds=Tests/Fuzz/Corpus/$target
    [ -d "$seeds" ] || fail "there is no target $target"
    learned=.build/fuzz-corpus/$target
    mkdir -p "$learned"
    log=.build/fuzz-corpus/$target.log
    # Short inputs: more of them are tried in the same time, and they reach the same limits as longer ones. One input takes
    # less than 10 s and 64 MiB at a time.
    program=$bin/Fuzz
    if grep -qx -- "$target" <<<"$forms"; then program=$bin/FuzzForms; fi
    if "$program" "$target" "$learned" "$seeds" -max_total_time="$seconds" -max_len=512 -timeout=10 -rss_limit_mb=2048 \
        -malloc_limit_mb=64 -artifact_prefix="$seeds/" -print_final_stats=1 >"$log" 2>&1; then
        awk -v target="$target" '
            /^stat::number_of_executed_units:/ { runs = $2 }
            /^stat::average_exec_per_sec:/ { rate = $2 }
            END { printf "%-18s %12d executions, %7d per second\n", target, runs, rate }' "$log"
    else
        findings=$((findings + 1))
        printf '%s: FAILED\n' "$target" >&2
        grep -E 'Fatal error|ERROR|SUMMARY|Test unit written' "$log" >&2 || tail -n 20 "$log" >&2
    fi
done
[ $findings -eq 0 ] || fail "$findings targets failed; their inputs are in Tests/Fuzz/Corpus, their logs in .build/fuzz-corpus"
