#!/bin/bash
# Runs scripts/soak.py with a release build for MINUTES. Writes the samples to .build/soak.csv and the plot to docs/soak.svg.
#
#   scripts/soak.sh [MINUTES]        default: 10
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

minutes=${1:-10}
case $minutes in '' | *[!0-9]*) fail "'$minutes' is not a number of minutes" ;; esac
[ "$(uname)" = Linux ] || fail "this needs Linux, to measure memory"
build_release
python3 scripts/soak.py --server "$bin/server" --example "$bin/example" --seconds $((minutes * 60)) --output .build/soak
cp .build/soak.svg docs/soak.svg
