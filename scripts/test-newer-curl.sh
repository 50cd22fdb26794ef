#!/bin/bash
# Runs the client's tests with a newer libcurl than the system's: the one that the Python package
# pycurl brings along. The tests must have been built. Linux only.
#
# Its exit status is 3 when that package, or a libcurl in it, is not to be had here.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

clean_up() {
    if [ -n "$temp" ]; then rm -rf -- "$temp"; fi
}

skip() {
    say "skipped: $*"
    exit 3
}

[ "$(uname)" = Linux ] || skip "this needs Linux"
need_swift
tests=$(cd "$root" && swift build --show-bin-path)/http-streamingPackageTests.xctest
[ -x "$tests" ] || fail "the tests have not been built; run: make test"
clean_up_at_end
make_temp
fetch_newer_curl || skip "$newer_curl_error"
LD_LIBRARY_PATH=$newer_curl run_tests "$tests" --testing-library swift-testing \
    --filter HTTPStreamingTests --filter TransportTests
