#!/bin/bash
# Uploads that are cut again and again: MEBIBYTES over CUTS cut connections, byte for byte; then over a link that loses
# 1 % of all packets, compared with the time without cuts. The link needs root, iproute2, nftables and Python.
#
#   scripts/soak-resume.sh [MEBIBYTES] [CUTS]        default: 4096 1000
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

[ "$(uname)" = Linux ] || fail "this needs Linux"
RESUME_MEBIBYTES=${1:-4096} RESUME_CUTS=${2:-1000} "$root/scripts/test.sh" --filter ServerResumptionTests/cuts
[ "$(id -u)" -eq 0 ] || fail "not root: the link that loses packets is not tried"
for tool in ip nft python3; do
    command -v "$tool" >/dev/null || fail "there is no $tool: the link that loses packets is not tried"
done
build_release
clean_up_at_end
make_temp
python3 "$root/scripts/soak-resume.py" --server "$bin/server" --example "$bin/example" --directory "$temp"
