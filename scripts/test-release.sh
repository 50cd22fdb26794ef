#!/bin/bash
# Tests scripts/release.sh in a new repository: that it tags what is ready, and refuses everything else. The test of a
# breaking change replaces `swift`, because a real comparison of the API takes a minute.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

clean_up_at_end
make_temp
repository=$temp/repository
mkdir -p "$repository/scripts" "$repository/Sources/HTTPStreaming" "$temp/bin"
cp "$root"/scripts/{lib,release,api-breakage}.sh "$repository/scripts"
cd "$repository"
export HOME=$temp GIT_CONFIG_NOSYSTEM=1 PATH=$temp/bin:$PATH
unset DRY_RUN CI GIT_DIR GIT_WORK_TREE

commit() {
    git add -A
    git commit -q -m "a change"
}
set_version() { printf '%s\n\npackage let libraryVersion = "%s"\n' '/// The version.' "$1" >Sources/HTTPStreaming/Version.swift; }
set_changelog() { printf '# Changelog\n\n## Unreleased\n\n%b' "$1" >CHANGELOG.md; }
# set_swift STATUS OUTPUT: what a comparison of the API exits with and prints.
set_swift() {
    printf '#!/bin/sh\necho "%s"\nexit %s\n' "$2" "$1" >"$temp/bin/swift"
    chmod +x "$temp/bin/swift"
}

tests=0
# refuses MESSAGE VERSION: the script exits with status 1 and this message, and makes no tag.
refuses() {
    local before status=0
    before=$(git tag)
    scripts/release.sh "${2-0.2.0}" >"$temp/output" 2>&1 || status=$?
    [ $status -eq 1 ] || fail "expected '$1', but the status is $status: $(cat "$temp/output")"
    grep -qF -- "$1" "$temp/output" || fail "expected '$1', but the output is: $(cat "$temp/output")"
    [ "$(git tag)" = "$before" ] || fail "expected '$1', but there is a new tag"
    tests=$((tests + 1))
}
# accepts OUTPUT VERSION: the script exits with status 0 and prints this.
accepts() {
    scripts/release.sh "$2" >"$temp/output" 2>&1 || fail "refused $2: $(cat "$temp/output")"
    grep -qF -- "$1" "$temp/output" || fail "expected '$1', but the output is: $(cat "$temp/output")"
    tests=$((tests + 1))
}

git init -q
git symbolic-ref HEAD refs/heads/main
git config user.name test
git config user.email test@localhost
set_version 0.1.0
set_changelog '## 0.1.0 - 2026-01-31\n\n### Added\n\n- One thing.\n\n'
printf 'bin/\n' >.gitignore
commit
set_swift 1 "API breakage: something"

refuses "'' is not a version" ''
refuses "'1.0' is not a version" 1.0
refuses "'v1.0.0' is not a version" v1.0.0
refuses "'01.0.0' is not a version" 01.0.0
refuses "the version in Sources/HTTPStreaming is '0.1.0', not 0.2.0" 0.2.0
git checkout -q -b other
refuses "the current branch is 'other'" 0.1.0
git checkout -q --detach
refuses "the current branch is ''" 0.1.0
git checkout -q main
touch untracked
refuses "uncommitted changes" 0.1.0
rm untracked
echo >>CHANGELOG.md
refuses "uncommitted changes" 0.1.0
git checkout -q CHANGELOG.md

# Without an earlier tag there is nothing to compare the API with, and `swift` does not run.
DRY_RUN=1 accepts "as 0.1.0" 0.1.0
[ -z "$(git tag)" ] || fail "DRY_RUN=1 made a tag"
accepts "tagged 0.1.0" 0.1.0
[ "$(git cat-file -t 0.1.0)" = tag ] || fail "the tag is not annotated"
[ "$(git tag -l --format='%(contents)' 0.1.0)" = "$(printf '0.1.0\n\n### Added\n\n- One thing.\n')" ] ||
    fail "the message of the tag is wrong: $(git tag -l --format='%(contents)' 0.1.0)"
refuses "the tag 0.1.0 exists already" 0.1.0
refuses "0.0.9 is not newer than the last version, 0.1.0" 0.0.9

set_version 0.1.1
commit
refuses "CHANGELOG.md has no heading '## 0.1.1 - YYYY-MM-DD'" 0.1.1
set_changelog '## 0.1.1 - soon\n\n- Another thing.\n'
commit
refuses "CHANGELOG.md has no heading" 0.1.1
set_changelog '## 0.1.1 - 2026-02-28\n\n## 0.1.0 - 2026-01-31\n\n- One thing.\n'
commit
refuses "the section 0.1.1 in CHANGELOG.md is empty" 0.1.1
set_changelog '- Not yet.\n\n## 0.1.1 - 2026-02-28\n\n- Another thing.\n\n## 0.1.0 - 2026-01-31\n\n- One thing.\n'
commit
refuses "CHANGELOG.md has unreleased changes" 0.1.1
set_changelog '## 0.1.1 - 2026-02-28\n\n- Another thing.\n\n## 0.1.0 - 2026-01-31\n\n- One thing.\n'
commit

# A breaking change needs a higher minor version below 1.0.0, and a higher major version from there.
refuses "the breaking changes need a higher version" 0.1.1
set_swift 1 "error: no such module"
refuses "the API could not be compared with 0.1.0" 0.1.1
set_swift 0 "No breaking changes detected in Multipart"
accepts "tagged 0.1.1" 0.1.1
set_swift 1 "API breakage: something"
release() { # VERSION
    set_version "$1"
    set_changelog "## $1 - 2026-03-31\n\n- A thing.\n"
    commit
}
release 0.10.0
accepts "allowed from 0.1.1 to 0.10.0" 0.10.0
refuses "0.9.0 is not newer than the last version, 0.10.0" 0.9.0
release 1.0.0
accepts "tagged 1.0.0" 1.0.0
release 1.1.0
refuses "the breaking changes need a higher version" 1.1.0
release 2.0.0
accepts "tagged 2.0.0" 2.0.0
say "release.sh: $tests cases passed"
