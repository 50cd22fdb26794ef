#!/bin/bash
# Runs the server and the example in the containers of docker-compose.yml.
#
#   scripts/docker.sh up      builds both, starts the server, runs the example and exits with its status
#   scripts/docker.sh down    stops and removes both, and what was uploaded
#
# Uses docker compose or podman-compose. COMPOSE='...' sets another command.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"
cd "$root"

# The docker client is often installed without an engine: check that one responds.
if [ -n "${COMPOSE:-}" ]; then
    read -r -a compose <<<"$COMPOSE"
elif docker info >/dev/null 2>&1 && docker compose version >/dev/null 2>&1; then
    compose=(docker compose)
elif command -v podman-compose >/dev/null; then
    compose=(podman-compose)
else
    fail "neither docker with compose nor podman-compose works here; 'make test-memory' needs no containers"
fi

case ${1:-} in
    up)
        say "using ${compose[*]}"
        # podman-compose 1.0.3, in Debian 12, applies mem_limit but not memswap_limit.
        if [ "${compose[0]}" = podman-compose ] && ! grep -q '^SwapTotal: *0 kB' /proc/meminfo; then
            say "podman-compose may not limit swap; 'make test-memory' checks that it is limited"
        fi
        "${compose[@]}" build
        # Some versions would start the container of an earlier build again.
        "${compose[@]}" down >/dev/null 2>&1 || true
        "${compose[@]}" up -d server
        # Some versions do not wait for the health check of a dependency.
        end=$((SECONDS + 60))
        until "${compose[@]}" exec -T server bash -c ': </dev/tcp/127.0.0.1/3000' >/dev/null 2>&1; do
            if [ $SECONDS -ge $end ]; then
                "${compose[@]}" logs server >&2 || true
                fail "the server in the container did not accept a connection within 60 s"
            fi
        done
        status=0
        "${compose[@]}" run --rm -T example || status=$?
        "${compose[@]}" logs server || true
        [ "$status" = 0 ] || fail "the upload from the container failed with status $status"
        say "uploaded with at most 20 MB of memory; the server runs until 'make docker-stop'"
        ;;
    down)
        "${compose[@]}" down -v
        ;;
    *) fail "usage: $0 up | down" ;;
esac
