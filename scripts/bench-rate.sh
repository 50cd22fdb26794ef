#!/bin/bash
# Measures how closely uploads keep to a rate limit of 100 KiB/s and of 100 MiB/s. Fails if one deviates by more
# than 5 %.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

need_swift
build_benchmarks
"$tools/rate" 102400 10
"$tools/rate" 104857600 3
