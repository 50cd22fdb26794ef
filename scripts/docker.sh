#!/bin/bash
# Runs the server and the example in containers, as docker-compose.yml says.
#
#   scripts/docker.sh up      builds, starts the server, runs the example; its status is the result
#   scripts/docker.sh down    ends and removes both, with what was uploaded
#
# With docker compose, or else podman-compose. COMPOSE='...' uses another command.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"
cd "$root"

# An engine has to answer: the docker client is often there without one.
if [ -n "${COMPOSE:-}" ]; then
    read -r -a compose <<<"$COMPOSE"
elif docker info >/dev/null 2>&1 && docker compose version >/dev/null 2>&1; then
    compose=(docker compose)
elif command -v podman-compose >/dev/null; then
    compose=(podman-compose)
else
    fail "needs docker with compose, or podman-compose, and neither works here; 'make memcap' needs no containers"
fi

case ${1:-} in
    up)
        say "with ${compose[*]}"
        # podman-compose 1.0.3, Debian 12's, reads mem_limit but not memswap_limit.
        if [ "${compose[0]}" = podman-compose ] && ! grep -q '^SwapTotal: *0 kB' /proc/meminfo; then
            say "podman-compose may leave swap unlimited; 'make memcap' checks that it is not"
        fi
        "${compose[@]}" build
        # A container of an earlier build would be started again as it is by some.
        "${compose[@]}" down >/dev/null 2>&1 || true
        "${compose[@]}" up -d server
        # Not every compose waits for the health of what a service depends on.
        end=$((SECONDS + 60))
        until "${compose[@]}" exec -T server bash -c ': </dev/tcp/127.0.0.1/3000' >/dev/null 2>&1; do
            if [ $SECONDS -ge $end ]; then
                "${compose[@]}" logs server >&2 || true
                fail "the server in its container did not answer within 60 s"
            fi
        done
        status=0
        "${compose[@]}" run --rm -T example || status=$?
        "${compose[@]}" logs server || true
        [ "$status" = 0 ] || fail "the upload from the container failed with status $status"
        say "uploaded under 20 MB; the server goes on running until 'make stop'"
        ;;
    down)
        "${compose[@]}" down -v
        ;;
    *) fail "usage: $0 up | down" ;;
esac
