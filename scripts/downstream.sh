#!/bin/bash
# Builds Tests/Downstream as its author would, against this package by URL and version, and checks
# that SwiftPM fetches this package and no other for it.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

clean_up() {
    if [ -n "$temp" ]; then rm -rf -- "$temp"; fi
}

need_swift
"$root/scripts/install-deps.sh"
clean_up_at_end
make_temp

# The work tree as it is, uncommitted changes too, as the only commit of a repository of its own.
copy=$temp/http-streaming
mkdir "$copy"
git -C "$root" ls-files -z --cached --others --exclude-standard |
    while IFS= read -r -d '' file; do
        # What is deleted but not committed is listed too.
        if [ -e "$root/$file" ]; then printf '%s\0' "$file"; fi
    done | tar -C "$root" --null -T - -cf - | tar -C "$copy" -xf -
git -C "$copy" init -q
git -C "$copy" add -A
git -C "$copy" -c user.name=downstream -c user.email=downstream@localhost -c commit.gpgsign=false \
    commit -q -m "the work tree"
git -C "$copy" -c tag.gpgsign=false tag 1.0.0

cp -R "$root/Tests/Downstream" "$temp/Downstream"
rm -rf "$temp/Downstream/.build"
cd "$temp/Downstream"
export HTTP_STREAMING_URL="file://$copy"

# The user's own caches are left out of it: they are to stay as they are, and to hide nothing.
options=(--cache-path "$temp/cache" --security-path "$temp/security")
swift package resolve "${options[@]}"
swift build "${options[@]}"

# After the build, which is when SwiftPM fetches what it has put off.
fetched=$(find .build/checkouts -mindepth 1 -maxdepth 1 -exec basename {} \; | paste -sd ' ' -)
pins=$(sed -n 's/.*"identity" : "\(.*\)".*/\1/p' Package.resolved | paste -sd ' ' -)
[ "$fetched" = http-streaming ] || fail "more than this package was fetched: $fetched"
[ "$pins" = http-streaming ] || fail "more than this package was resolved: $pins"
say "a downstream package builds; it fetches this package and no other"
