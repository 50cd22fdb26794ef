#!/bin/bash
# Takes the screenshots of the web page in docs/page: light, dark, and narrow. Needs chromium, chromedriver and
# python3, and installs selenium from PyPI.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

command -v chromedriver >/dev/null || fail "chromedriver is not installed; install it: apt-get install chromium chromium-driver"
build_release
clean_up_at_end
make_temp
python3 -m venv "$temp/python"
"$temp/python/bin/pip" install --quiet --disable-pip-version-check selenium
mkdir -p "$temp/work" "$root/docs/page"
start_server "$temp/files" "$bin/server"
"$temp/python/bin/python" "$root/Tests/InteropTests/Peers/page.py" "$server_url" "$temp/work" --dir "$temp/files" \
    --screenshots "$root/docs/page"
ls -l "$root/docs/page"
