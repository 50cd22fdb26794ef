#!/bin/bash
# Measures MultipartSequence against the parser that it drives, on a form in memory, and counts its allocations.
#
#   scripts/bench-multipart.sh [MEBIBYTES [ROUNDS]]    default: 1,024 MiB, 9 rounds
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

need_swift
build_benchmarks
"$tools/parts" "${1:-1024}" "${2:-9}"
