#!/bin/bash
# Makes a self-signed certificate for localhost, 127.0.0.1 and ::1, to try HTTPS: FOLDER/cert.pem and FOLDER/key.pem.
# Keeps an existing one that is valid for another week.
#
#   scripts/cert.sh [FOLDER]    default: .cert
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

folder=${1:-"$root/.cert"}
command -v openssl >/dev/null || fail "openssl is not installed"
mkdir -p "$folder"
if [ -s "$folder/key.pem" ] && openssl x509 -checkend 604800 -noout -in "$folder/cert.pem" >/dev/null 2>&1; then
    say "$folder/cert.pem exists and is valid"
else
    umask 077
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 90 -subj /CN=localhost \
        -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1' -addext 'basicConstraints=critical,CA:FALSE' \
        -keyout "$folder/key.pem" -out "$folder/cert.pem" 2>/dev/null
    say "made $folder/cert.pem and $folder/key.pem"
fi
cat <<END
swift run server --tls-cert $folder/cert.pem --tls-key $folder/key.pem
curl --cacert $folder/cert.pem https://localhost:3000/echo/hello
END
