#!/bin/bash
# Starts a Ceph cluster on the loopback interface (one monitor, one OSD in memory, one RADOS gateway) in a folder of its
# own, runs the tests of storages against it, and takes it down.
#
#   scripts/test-ceph.sh [COMMAND...]
#
# With a command, runs that one instead, with the cluster's address and credentials in the environment variables CEPH_ENDPOINT,
# AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Installs Debian's packages if they are missing, which takes root. The exit status 3
# means that there are none.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

pids=()
clean_up() {
    if [ ${#pids[@]} -gt 0 ]; then kill -KILL "${pids[@]}" 2>/dev/null || true; fi
    if [ -n "$temp" ]; then rm -rf -- "$temp"; fi
}
clean_up_at_end
make_temp

if ! command -v ceph-mon ceph-osd radosgw ceph >/dev/null; then
    apt-get install -y -qq --no-install-recommends ceph-mon ceph-osd ceph-common radosgw >/dev/null || {
        say "no Ceph: install ceph-mon, ceph-osd, ceph-common and radosgw"
        exit 3
    }
fi

mon_port=$(free_port)
port=$(free_port)
id=$(cat /proc/sys/kernel/random/uuid)
mkdir "$temp"/{mon,osd,run,gateway}
# Names of sockets have 107 bytes at most.
run=$(mktemp -d /tmp/ceph.XXXXXX)
rmdir "$temp/run" && ln -s "$run" "$temp/run"
cat >"$temp/ceph.conf" <<END
[global]
fsid = $id
mon host = v2:127.0.0.1:$mon_port
public network = 127.0.0.0/8
ms bind msgr1 = false
keyring = $temp/keyring
run dir = $run
admin socket = $run/\$name.sock
log file = $temp/\$name.log
mon data = $temp/mon
osd data = $temp/osd
# As long as the machine has memory for it.
osd objectstore = memstore
memstore device bytes = 17179869184
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd crush chooseleaf type = 0
mon allow pool size one = true
rgw data = $temp/gateway
rgw frontends = beast endpoint=127.0.0.1:$port
END
export CEPH_CONF=$temp/ceph.conf

# start PROGRAM ARGUMENTS...: in the background.
start() {
    "$@" -f >"$temp/$(basename -- "$1").out" 2>&1 &
    pids+=($!)
}
# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
    local seconds=$1
    shift
    for _ in $(seq "$((seconds * 4))"); do
        if timeout 20 "$@" >/dev/null 2>&1; then return 0; fi
        sleep 0.25
    done
    tail -n 20 "$temp"/*.log "$temp"/*.out >&2
    fail "no success within $seconds s: $*"
}

ceph-authtool --create-keyring "$temp/keyring" --gen-key -n mon. --cap mon 'allow *' >/dev/null
ceph-authtool "$temp/keyring" --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *'
ceph-authtool "$temp/keyring" --gen-key -n osd.0 --cap mon 'allow profile osd' --cap osd 'allow *'
monmaptool --create --fsid "$id" --addv a "[v2:127.0.0.1:$mon_port]" "$temp/monmap" >/dev/null
ceph-mon --mkfs -i a --monmap "$temp/monmap" --keyring "$temp/keyring" >/dev/null
start ceph-mon -i a
wait_for 60 ceph -s
osd_id=$(cat /proc/sys/kernel/random/uuid)
ceph osd new "$osd_id" >/dev/null
ceph auth import -i "$temp/keyring" 2>/dev/null
ceph-osd -i 0 --mkfs --osd-uuid "$osd_id" >/dev/null 2>&1
start ceph-osd -i 0
wait_for 60 sh -c 'ceph osd stat | grep -q "1 up"'
export AWS_ACCESS_KEY_ID=AKIDEXAMPLE000000001 AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY01
wait_for 120 radosgw-admin user create --uid=test --display-name=test \
    "--access-key=$AWS_ACCESS_KEY_ID" "--secret-key=$AWS_SECRET_ACCESS_KEY"
start radosgw -n client.admin
export CEPH_ENDPOINT=http://127.0.0.1:$port
wait_for 120 curl -sS "$CEPH_ENDPOINT"
ceph --version
say "the gateway listens on $CEPH_ENDPOINT"
if [ $# -gt 0 ]; then "$@"; else scripts/test.sh --filter 'StorageContractTests|S3ResumptionTests'; fi
