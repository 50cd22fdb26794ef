#!/bin/bash
# Compares the public API of the libraries with that of the last tag, and fails if source code that uses them would no
# longer compile. Breaking changes are allowed where Semantic Versioning allows them: if the version in the source has a
# higher major number than the last tag, or a higher minor number below 1.0.0.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"
cd "$root"

last=$(last_version)
if [ -z "$last" ]; then
    say "there is no version tag to compare the API with"
    exit
fi
need_swift
status=0
swift package diagnose-api-breaking-changes "$last" || status=$?
[ $status -ne 0 ] || exit 0

IFS=. read -r major minor _ <<<"$last"
IFS=. read -r new_major new_minor _ <<<"$(library_version)"
if [ "$new_major" -gt "$major" ] || { [ "$major" = 0 ] && [ "$new_minor" -gt "$minor" ]; }; then
    say "the changes above are allowed from $last to $(library_version)"
    exit
fi
fail "the API differs from $last, or could not be compared; a breaking change needs a higher version, see above"
