#!/bin/bash
# Builds and runs the tests. SWIFT_FLAGS holds flags for `swift build`.
#
#   scripts/test.sh [ARGUMENTS OF swift test, such as --filter Multipart]
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

need_swift
cd "$root"
clean_up_at_end
make_temp
scripts/install-deps.sh --tests
swift build --build-tests ${swift_flags[@]+"${swift_flags[@]}"}
test=(swift test --skip-build ${swift_flags[@]+"${swift_flags[@]}"})
if [ $# -gt 0 ]; then
    run_tests "${test[@]}" "$@"
    exit
fi
# First the tests that compute. All tests share as many threads as there are processors: beside these, tests of connections
# would not get one for so long that their deadlines pass.
computing='^(ContentCodingTests|FuzzTests|MultipartTests)\.'
status=0
run_tests "${test[@]}" --filter "$computing" || status=$?
run_tests "${test[@]}" --skip "$computing" || status=$?
exit $status
