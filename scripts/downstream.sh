#!/bin/bash
# Builds Tests/Downstream against this package by URL and version, as a user would, and checks that SwiftPM fetches
# no other package for it.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

need_swift
"$root/scripts/install-deps.sh"
clean_up_at_end
make_temp

# Copy the work tree, with uncommitted changes, into a new repository with one commit.
copy=$temp/http-streaming
mkdir "$copy"
git -C "$root" ls-files -z --cached --others --exclude-standard |
    while IFS= read -r -d '' file; do
        # git also lists deleted files until the deletion is committed.
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

# With separate caches, so that the user's caches neither change nor hide a download.
options=(--cache-path "$temp/cache" --security-path "$temp/security")
swift package resolve "${options[@]}"
# The index is for editors, and takes a quarter of the time.
swift build "${options[@]}" --disable-index-store

# Look after the build: SwiftPM fetches some packages only then.
fetched=$(find .build/checkouts -mindepth 1 -maxdepth 1 -exec basename {} \; | paste -sd ' ' -)
pins=$(sed -n 's/.*"identity" : "\(.*\)".*/\1/p' Package.resolved | paste -sd ' ' -)
[ "$fetched" = http-streaming ] || fail "SwiftPM fetched other packages too: $fetched"
[ "$pins" = http-streaming ] || fail "SwiftPM resolved other packages too: $pins"
say "the downstream package builds, and SwiftPM fetched this package only"
