#!/bin/bash
# Builds and runs all tests, with the arguments of `swift build` in SWIFT_FLAGS and further ones of
# `swift test`, such as --filter Multipart.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

clean_up() {
    if [ -n "$temp" ]; then rm -rf -- "$temp"; fi
}

need_swift
cd "$root"
read -ra flags <<<"${SWIFT_FLAGS:-}"
clean_up_at_end
make_temp
scripts/install-deps.sh --tests
swift build --build-tests "${flags[@]+"${flags[@]}"}"
# A few at a time: with all of them begun at once, those that compute keep the others, which have
# deadlines, from the few threads that all share.
export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=8
run_tests swift test --skip-build "${flags[@]+"${flags[@]}"}" "$@"
