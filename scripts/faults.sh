#!/bin/bash
# Kills the server at every system call of an upload, lets every one fail, fills and removes disks, and prints what clients
# see and what is stored after that, as a table. Fails if anything is wrong. Linux, as root, with strace.
#
#   scripts/faults.sh [--quick]
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

build_release server
python3 "$root/Tests/Faults/faults.py" "$bin/server" "$@"
