#!/bin/bash
# Runs the client's tests under ThreadSanitizer and AddressSanitizer, or one of them, each in a separate build.
#
#   scripts/sanitize.sh [thread|address] [-- ARGUMENTS OF THE TESTS, such as --filter Client]
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

sanitizers="thread address"
case ${1:-} in
    thread | address) sanitizers=$1 && shift ;;
esac
if [ "${1:-}" = -- ]; then shift; fi

need_swift
clean_up_at_end
make_temp
package=$root/Tests/Sanitize
# Fewer tests at a time than `make test` runs: a sanitizer slows everything down, and tests have deadlines.
export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=2
# Agents, threads and Swift's metadata live as long as the process. They would be reported as leaks.
export ASAN_OPTIONS="detect_leaks=0 ${ASAN_OPTIONS:-}"
# These tests measure the memory of the process, which includes the sanitizer's.
skipped=(--skip ResponseDecodingTests/memory --skip ResponseSaveTests/memory)
# Fewer rounds of random tests, because each is slower.
export FAULT_ROUNDS=${FAULT_ROUNDS:-50}
for sanitizer in $sanitizers; do
    say "with the $sanitizer sanitizer"
    arguments=(--package-path "$package" --scratch-path "$root/.build/sanitize-$sanitizer" --sanitize="$sanitizer")
    # Unoptimized code is five times as slow under AddressSanitizer. ThreadSanitizer needs unoptimized code: it would
    # instrument inlined accesses to arrays, but not the continuations that pass these on between threads.
    if [ "$sanitizer" = address ]; then arguments+=(-Xswiftc -O); fi
    swift build "${arguments[@]}" --build-tests
    run_tests "$(swift build "${arguments[@]}" --show-bin-path)/sanitizePackageTests.xctest" --testing-library swift-testing "${skipped[@]}" "$@"
done
