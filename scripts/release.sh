#!/bin/bash
# Checks that the work tree is ready to be released and makes an annotated tag. Does not push.
#
#   scripts/release.sh VERSION    such as 1.2.3
#   DRY_RUN=1 ...                 checks, but prints the tag instead of making it
#
# Before that, set the version in Sources/HTTPStreaming/Version.swift, and rename "Unreleased" in CHANGELOG.md to
# "VERSION - YYYY-MM-DD".
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"
cd "$root"

version=${1:-}
[[ $version =~ ^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)$ ]] ||
    fail "'$version' is not a version; run: make release VERSION=1.2.3"

branch=$(git symbolic-ref --quiet --short HEAD || true)
[ "$branch" = main ] || fail "the current branch is '$branch'; releases are made from main"
[ -z "$(git status --porcelain)" ] || fail "the work tree has uncommitted changes; commit or remove them"

if git rev-parse --quiet --verify "refs/tags/$version" >/dev/null; then fail "the tag $version exists already"; fi
last=$(last_version)
[ -z "$last" ] || is_newer "$version" "$last" || fail "$version is not newer than the last version, $last"

source_version=$(library_version)
[ "$source_version" = "$version" ] || fail "the version in Sources/HTTPStreaming is '$source_version', not $version"

# The lines below the heading of a version, without empty lines at both ends. $(…) removes the last ones.
section() {
    awk -v heading="$1" '
        /^## / { inside = $2 == heading; next }
        inside && (NF || started) { started = 1; print }
    ' CHANGELOG.md
}
grep -qE "^## ${version//./\\.} - [0-9]{4}-[0-9]{2}-[0-9]{2}\$" CHANGELOG.md ||
    fail "CHANGELOG.md has no heading '## $version - YYYY-MM-DD'"
changes=$(section "$version")
[ -n "$changes" ] || fail "the section $version in CHANGELOG.md is empty"
[ -z "$(section Unreleased)" ] || fail "CHANGELOG.md has unreleased changes; move them to the section $version"

scripts/api-breakage.sh

if [ -n "${DRY_RUN:-}" ]; then
    printf 'would tag %s as %s:\n\n%s\n' "$(git rev-parse --short HEAD)" "$version" "$changes"
    exit
fi
# Headings of the changelog begin with #, which git would remove as comments.
printf '%s\n\n%s\n' "$version" "$changes" | git tag --annotate --cleanup=whitespace --file=- "$version"
say "tagged $version; publish it with: git push origin main $version"
