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
run_tests swift test --skip-build ${swift_flags[@]+"${swift_flags[@]}"} "$@"
