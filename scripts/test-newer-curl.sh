#!/bin/bash
# Runs the client's tests with a newer libcurl than the system's, from the Python package pycurl, which resumes also over
# HTTP/2. The tests must have been built. Exits with status 3 if it cannot get that libcurl. Linux only.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

skip() {
    say "skipped: $*"
    exit 3
}

[ "$(uname)" = Linux ] || skip "this needs Linux"
need_swift
tests=$(cd "$root" && swift build --show-bin-path)/http-streamingPackageTests.xctest
[ -x "$tests" ] || fail "the tests are not built; run: make test"
clean_up_at_end
make_temp
fetch_newer_curl || skip "$newer_curl_error"
LD_LIBRARY_PATH=$newer_curl run_tests "$tests" --testing-library swift-testing \
    --filter HTTPStreamingTests --filter TransportTests --filter ServerResumptionTests/cuts --filter DownloadResumptionTests
