#!/bin/bash
# Checks rules on the structure of the code that the compiler does not check: sizes of files and folders, what a folder
# may import or mention, unique names of test suites, and configurations in docs. Prints every violation and fails if there
# is one.
#
#   scripts/lint-structure.sh [FOLDER]    default: this repository
set -euo pipefail
cd -- "${1:-"$(dirname -- "$0")/.."}"

failures=0
# report RULE LINES: prints these lines as violations of the rule.
report() {
    local line
    [ -n "$2" ] || return 0
    while IFS= read -r line; do
        printf '%s: %s\n' "$1" "$line" >&2
        failures=$((failures + 1))
    done <<<"$2"
}

# swift_files FOLDER...: the Swift files below these folders, ended by NUL. Ignores folders that do not exist.
swift_files() {
    local folder
    for folder in "$@"; do
        [ ! -d "$folder" ] || find "$folder" -name .build -prune -o -name '*.swift' -print0 || return
    done
}

# matches REGEX FOLDER...: prints "file:line: match" for every match in code, which excludes comments and string
# literals. REGEX is an extended one of awk. A match must not start in the middle of a name.
matches() {
    local regex="[^A-Za-z0-9_]($1)"
    shift
    # shellcheck disable=SC2016
    swift_files "$@" | xargs -0 awk -v regex="$regex" '
        {
            line = " " $0
            gsub(/"[^"]*"/, "\"\"", line)
            sub(/[ \t]\/\/.*/, "", line)
            while (match(line, regex)) {
                print FILENAME ":" FNR ": " substr(line, RSTART + 1, RLENGTH - 1)
                line = substr(line, RSTART + RLENGTH)
            }
        }' /dev/null | sort
}

# except REGEX: prints the lines of standard input that do not match.
except() {
    grep -vE "$1" || [ $? -eq 1 ]
}

# imports_only "MODULE|..." FOLDER: prints imports of other modules in this folder.
imports_only() {
    local kind='((struct|class|enum|protocol|typealias|func|var|let) +)?'
    matches "import +${kind}[A-Za-z0-9_]+" "$2" | except "import +${kind}($1)\$"
}

all=(Sources server Tests Benchmarks Examples)
client=Sources/HTTPStreaming
c_library='Darwin|Glibc|Musl'
name='[A-Za-z0-9_]*'

# No file has more than 300 lines, no folder more than 15 Swift files.
found=$(swift_files "${all[@]}" | xargs -0 awk 'FNR == 301 { print FILENAME ": more than 300 lines" }' /dev/null)
report file-length "$found"
found=$(swift_files "${all[@]}" | tr '\0' '\n' | sed 's|/[^/]*$||' | sort | uniq -c |
    awk '$1 > 15 { print $2 ": " $1 " Swift files" }')
report folder-size "$found"

# Only one file uses unmanaged references.
found=$(matches Unmanaged Sources server | cut -d: -f1 | uniq)
if [ "$(wc -l <<<"$found")" -gt 1 ]; then report unmanaged "$found"; fi

found=$(matches '@unchecked +Sendable' "${all[@]}")
report unchecked-sendable "$found"

# Platform is the only library that distinguishes platforms. The programs that do not depend on it may do so too.
found=$(matches 'canImport[(]Musl' Sources server | except '^Sources/(Platform|example|upload)/')
report platform-check "$found"

# A target imports only targets below it, and no library imports Foundation.
found=$(
    matches "import +Foundation$name" Sources &&
        imports_only "$c_library|CSystemCalls|Synchronization" Sources/Platform &&
        imports_only "$c_library|Platform" Sources/Multipart &&
        imports_only "$c_library|CZlib|Platform|Synchronization" Sources/ContentCoding &&
        imports_only "$c_library|CCurl|CSystemCalls|ContentCoding|Multipart|Platform|Synchronization" $client &&
        matches 'import +CCurl' server &&
        # An object store is the only thing that the server is a client of.
        matches 'import +HTTPStreaming' server | except '^server/Receiver/Storage/S3/'
)
report import "$found"

# No folder of the client mentions a type of a folder above it.
high="Client[(]|Exchange$name"
found=$(
    matches "$high|Agent$name|Transfer$name" $client/Curl | except ': TransferCallbacks$' &&
        matches "$high|Agent$name|Transfer$name" $client/Limits $client/Sources &&
        matches "$high|Agent$name" $client/Content $client/Configuration &&
        matches "$high" $client/Agent $client/Transfer
)
report higher-layer "$found"

# The name of a test suite is unique. Otherwise `swift test --filter` runs several.
found=$(matches "(struct|class|actor|enum) +$name" Tests | awk '$NF ~ /Tests$/ { print $NF }' | sort | uniq -d)
report suite-name "$found"

# What docs/SCALING.md shows of configurations, but addresses, is in the files that were tried.
found=$(
    [ ! -f docs/SCALING.md ] || sed -n '/^## nginx/,/^## HTTP/p' docs/SCALING.md | awk '/^```/ { shown = !shown; next } shown' |
        except '10[.]0[.]0[.]' | sed 's/^[[:space:]]*//' |
        while IFS= read -r line; do grep -qF -- "$line" scripts/load-balancers/*.in || printf '%s\n' "$line"; done
)
report load-balancer "$found"

if [ $failures -gt 0 ]; then
    printf 'lint-structure: violations: %s\n' $failures >&2
    exit 1
fi
