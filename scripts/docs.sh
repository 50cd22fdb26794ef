#!/bin/bash
# Makes the documentation of the client library with DocC, and fails on whatever it warns of, and on public symbols
# that are not documented. Needs docc, which comes with Swift, and python3.
#
#   scripts/docs.sh [FOLDER]     .build/docs unless given
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

cd -- "$root"
output=${1:-.build/docs}
need_swift
docc=$(command -v docc || xcrun --find docc 2>/dev/null) || fail "there is no docc, which comes with Swift"
clean_up() {
    if [ -n "$temp" ]; then rm -rf -- "$temp"; fi
}
clean_up_at_end
make_temp

swift build --target HTTPStreaming
modules=$(swift build --show-bin-path)/Modules
target=$(swift -print-target-info | sed -n 's/.*"unversionedTriple": "\(.*\)",*/\1/p' | head -n 1)
maps=()
for module in CCurl CSystemCalls CZlib; do maps+=(-Xcc "-fmodule-map-file=$root/Sources/$module/module.modulemap"); done
swift symbolgraph-extract -module-name HTTPStreaming -minimum-access-level public -skip-synthesized-members \
    -I "$modules" "${maps[@]}" -target "$target" -output-dir "$temp"

python3 - "$temp/HTTPStreaming.symbols.json" <<'PYTHON'
import json, sys
symbols = json.load(open(sys.argv[1]))["symbols"]
bare = [s for s in symbols if "docComment" not in s]
for symbol in bare:
    print("not documented:", ".".join(symbol["pathComponents"]), file=sys.stderr)
print(len(symbols), "public symbols,", len(symbols) - len(bare), "documented")
sys.exit(bool(bare))
PYTHON

"$docc" convert Sources/HTTPStreaming/HTTPStreaming.docc --additional-symbol-graph-dir "$temp" --output-path "$output" \
    --fallback-display-name HTTPStreaming --fallback-bundle-identifier http-streaming.HTTPStreaming --warnings-as-errors
say "made $output; docc preview or any web server shows it"
