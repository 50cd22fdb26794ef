#!/bin/bash
# Builds the documentation of the three libraries with DocC. Fails on undocumented public symbols, on warnings of DocC,
# and on examples in the libraries' landing pages that do not compile. Needs docc, which comes with Swift, and python3.
#
#   scripts/docs.sh [FOLDER]     default: .build/docs
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

cd -- "$root"
output=${1:-.build/docs}
need_swift
docc=$(command -v docc || xcrun --find docc 2>/dev/null) || fail "docc is missing; it comes with Swift"
clean_up_at_end
make_temp

# HTTPStreaming depends on the other two. With the flags of the tests, this reuses what they have built.
swift build ${swift_flags[@]+"${swift_flags[@]}"} --target HTTPStreaming
modules=$(swift build --show-bin-path)/Modules
target=$(swift -print-target-info | sed -n 's/.*"unversionedTriple": "\(.*\)",*/\1/p' | head -n 1)
search=(-I "$modules" -target "$target")
for map in Sources/*/module.modulemap; do search+=(-Xcc "-fmodule-map-file=$root/$map"); done

archives=()
for library in Multipart ContentCoding HTTPStreaming; do
    graph=$temp/$library
    mkdir "$graph"
    # SystemError is public in HTTPStreaming, but defined in Platform.
    swift symbolgraph-extract -module-name "$library" -minimum-access-level public -skip-synthesized-members \
        -experimental-allowed-reexported-modules=Platform "${search[@]}" -output-dir "$graph"
    python3 - "$graph/$library.symbols.json" <<'PYTHON'
import json, os, sys
symbols = json.load(open(sys.argv[1]))["symbols"]
bare = [s for s in symbols if "docComment" not in s]
for symbol in bare:
    print("not documented:", ".".join(symbol["pathComponents"]), file=sys.stderr)
name = os.path.basename(sys.argv[1]).split(".")[0]
print(f"{name}: {len(symbols)} public symbols, {len(symbols) - len(bare)} documented")
sys.exit(bool(bare))
PYTHON
    # Each example on a landing page is a whole program.
    awk -v folder="$graph" '
        /^```swift$/ { count++; file = folder "/example-" count ".swift"; next }
        /^```/ { file = "" }
        file { print >file }
    ' "Sources/$library/$library.docc/$library.md"
    [ -e "$graph/example-1.swift" ] || fail "the landing page of $library has no example in Swift"
    for example in "$graph"/example-*.swift; do
        mv "$example" "$graph/main.swift"
        swiftc -typecheck -swift-version 6 -warnings-as-errors "${search[@]}" "$graph/main.swift"
    done
    archives+=("$temp/$library.doccarchive")
    "$docc" convert "Sources/$library/$library.docc" --additional-symbol-graph-dir "$graph" \
        --output-path "$temp/$library.doccarchive" --fallback-display-name "$library" \
        --fallback-bundle-identifier "http-streaming.$library" --warnings-as-errors
done
rm -rf -- "$output"
"$docc" merge "${archives[@]}" --synthesized-landing-page-name http-streaming --output-path "$output"
say "wrote $output; any web server can show it"
