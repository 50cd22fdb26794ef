#!/bin/bash
# Runs the client's tests under ThreadSanitizer and AddressSanitizer, or one of them, each in a build of its own.
#
#   scripts/sanitize.sh [thread|address] [-- further arguments of the tests, such as --filter Client]
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

sanitizers="thread address"
case ${1:-} in
    thread | address) sanitizers=$1 && shift ;;
esac
if [ "${1:-}" = -- ]; then shift; fi

clean_up() {
    if [ -n "$temp" ]; then rm -rf -- "$temp"; fi
}

need_swift
clean_up_at_end
make_temp
package=$root/Tests/Sanitize
# Fewer than for `make test`: a sanitizer makes everything slower, and tests have deadlines.
export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=2
# What lives as long as the process (agents, threads, Swift's metadata) is no leak worth a report.
export ASAN_OPTIONS="detect_leaks=0 ${ASAN_OPTIONS:-}"
# What measures this process's memory would measure the sanitizer's.
skipped=(--skip ResponseDecodingTests/memory --skip ResponseSaveTests/memory)
# A sanitizer slows down what tests at random do many times.
export FAULT_ROUNDS=${FAULT_ROUNDS:-50}
for sanitizer in $sanitizers; do
    say "with the $sanitizer sanitizer"
    arguments=(--package-path "$package" --scratch-path "$root/.build/sanitize-$sanitizer" --sanitize="$sanitizer")
    # Optimized, since AddressSanitizer makes what is not five times as slow. Not so ThreadSanitizer: it would see into
    # what is inlined of Swift's arrays, but not that a continuation hands them on, which is not instrumented.
    if [ "$sanitizer" = address ]; then arguments+=(-Xswiftc -O); fi
    swift build "${arguments[@]}" --build-tests
    run_tests "$(swift build "${arguments[@]}" --show-bin-path)/sanitizePackageTests.xctest" --testing-library swift-testing "${skipped[@]}" "$@"
done
