#!/bin/bash
# Installs libcurl and zlib, with their headers, unless they are installed.
#
#   scripts/install-deps.sh            the C libraries
#   scripts/install-deps.sh --tests    also the tools and languages that tests use. It is no error if these cannot be
#                                      installed: the tests that need them are skipped.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

for_tests=
case ${1:-} in
    '') ;;
    --tests) for_tests=1 ;;
    *) fail "usage: $0 [--tests]" ;;
esac

# Whether pkg-config finds both, as SwiftPM does, or a program that uses both can be built: the SDK of macOS has them
# without files for pkg-config.
have_libraries() {
    if command -v pkg-config >/dev/null && pkg-config --exists libcurl zlib; then return 0; fi
    local compiler
    for compiler in cc clang; do
        command -v "$compiler" >/dev/null || continue
        printf '%s\n' '#include <curl/curl.h>' '#include <zlib.h>' \
            'int main(void) { return curl_version() == 0 || zlibVersion() == 0; }' |
            "$compiler" -x c - -o /dev/null -lcurl -lz 2>/dev/null && return 0
    done
    return 1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif ! command -v sudo >/dev/null; then
        say "this needs root, and sudo is not installed; run as root: $*" >&2
        return 1
    elif [ -n "${CI:-}" ]; then
        sudo -n "$@"
    else
        sudo "$@"
    fi
}

apt_updated=
apt_install() {
    if [ -z "$apt_updated" ]; then
        as_root apt-get update -qq || say "apt-get update failed; continuing with the existing package lists"
        apt_updated=1
    fi
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 "$@" >/dev/null
}

install_libraries() {
    if command -v apt-get >/dev/null; then
        say "installing with apt-get: libcurl4-openssl-dev zlib1g-dev pkg-config"
        apt_install libcurl4-openssl-dev zlib1g-dev pkg-config
    elif command -v dnf >/dev/null; then
        say "installing with dnf: libcurl-devel zlib-devel pkgconf-pkg-config"
        as_root dnf install -y -q libcurl-devel zlib-devel pkgconf-pkg-config
    elif command -v brew >/dev/null; then
        say "installing with brew: curl zlib pkgconf"
        brew install --quiet curl zlib pkgconf
    else
        fail "libcurl or zlib, with headers, is missing, and there is no apt-get, dnf or brew to install it"
    fi
    have_libraries || fail "libcurl or zlib was installed but cannot be found"
}

# Keeps Debian's packages from starting their services: tests start servers themselves.
# https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt
policy=/usr/sbin/policy-rc.d
forbid_services() {
    if [ -e "$policy" ]; then return 0; fi
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null || return 0
    as_root chmod 755 "$policy"
    trap 'as_root rm -f "$policy"' EXIT
}

# Pairs of a tool, or a file, and the Debian package that contains it.
test_tools="chromedriver:chromium-driver chromium:chromium curl:curl cmp:diffutils fish:fish go:golang-go groff:groff-base man:man-db
    microsocks:microsocks openssl:openssl pigz:pigz python3:python3 strace:strace tinyproxy:tinyproxy-bin zsh:zsh /usr/sbin/nginx:nginx-light /usr/sbin/mkfs.vfat:dosfstools /usr/sbin/mkfs.ext4:e2fsprogs
    /usr/sbin/apache2:apache2-bin /usr/share/gocode/src/golang.org/x/net/http2/h2c:golang-golang-x-net-dev"

install_test_tools() {
    local entry missing=''
    for entry in $test_tools; do
        command -v "${entry%%:*}" >/dev/null || [ -e "${entry%%:*}" ] || missing="$missing ${entry##*:}"
    done
    # In Debian, python3 alone cannot make a venv.
    python3 -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
    [ -n "$missing" ] || return 0
    if command -v apt-get >/dev/null; then
        say "installing for the tests with apt-get:$missing"
        forbid_services
        # shellcheck disable=SC2086
        apt_install $missing || say "the installation failed; tests that need these are skipped"
    else
        say "some tests are skipped because these are not installed:$missing"
    fi
}

if have_libraries; then
    say "libcurl and zlib are installed"
else
    install_libraries
fi
if [ -n "$for_tests" ]; then install_test_tools; fi
