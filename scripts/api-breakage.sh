#!/bin/bash
# Compares the public API of the libraries with that of the last tag, and fails if code that uses it would no longer
# compile. Breaking changes are allowed where Semantic Versioning allows them: if the version in the source has a higher
# major number than the last tag, or a higher minor number below 1.0.0.
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
clean_up_at_end
make_temp
status=0
swift package diagnose-api-breaking-changes "$last" | tee "$temp/output" || status=$?
[ $status -ne 0 ] || exit 0
grep -q 'API breakage:' "$temp/output" || fail "the API could not be compared with $last"

version=$(library_version)
IFS=. read -r major minor _ <<<"$last"
IFS=. read -r new_major new_minor _ <<<"$version"
if [ "$new_major" -gt "$major" ] || { [ "$major" = 0 ] && [ "$new_minor" -gt "$minor" ]; }; then
    say "the breaking changes are allowed from $last to $version"
    exit
fi
fail "the breaking changes need a higher version than $version, because the last one is $last"
