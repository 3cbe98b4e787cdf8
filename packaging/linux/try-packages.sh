#!/bin/bash
# Installs a package into fresh roots without Node and uses it there as two PCs of one site. As root on Linux:
#
#     packaging/linux/try-packages.sh <base.tar of a root with systemd> <deb or rpm> <folder for the roots>
set -euo pipefail
base=$1 package=$(realpath "$2") work=$3
here=$(dirname "$(realpath "$0")")
repository=$(realpath "$here/../..")
. "$here/roots.sh"

# What the packages' scripts would get from the system.
before=$(files a)
tar_name=$(basename "$package")
key=$(cd "$repository" && node --no-warnings src-main/cli/larder.ts fleet key new)
for pc in a b; do
  cp "$package" "$work/$pc/tmp/"
  printf '%s\n' "$key" > "$work/$pc/root/key" && chmod 600 "$work/$pc/root/key"
done
install_in() {
  local pc=$1; shift
  case "$tar_name" in
    *.deb) in_pc "$pc" env "$@" dpkg -i "/tmp/$tar_name" ;;
    *.rpm) env "$@" rpm --root "$work/$pc" --dbpath /var/lib/rpm -Uvh --force --nodeps "$package" ;;
  esac
}
say "installing, with the integration off and a site key on PC a"
install_in a LARDER_INTEGRATION=off LARDER_SITEKEYFILE=/root/key LARDER_BACKGROUNDCHANNELURL=http://10.77.0.1:8099/
install_in b LARDER_SITEKEYFILE=/root/key
is 'no Node in the root beside ours' "$(in_pc a sh -c 'command -v node || echo none')" none
is 'version' "$(in_pc a larder version --json | json 'v["version"]')" "$(cd "$repository" && node -p 'require("./package.json").version')"
is 'account of the service' "$(in_pc a id -un larder)" larder
is 'owner and mode of the site key' "$(in_pc a stat -c '%U:%G %a' /etc/larder/site-key)" 'root:larder 640'
verify=$(in_pc a systemd-analyze verify --man=no larder.service 2>&1 | grep -F larder.service || true)
is 'systemd-analyze verify says' "${verify:-nothing}" nothing
is 'the service starts with the PC' "$(in_pc a systemctl is-enabled larder.service)" enabled

say "the service runs as its own user, under systemd"
start a; start b
for pc in a b; do for user in anna ben; do in_pc "$pc" useradd -m "$user"; done; done
is 'process of the service' "$(in_pc a sh -c 'stat -c %U /proc/$(systemctl show -P MainPID larder.service)')" larder
is 'confined by the unit' "$(in_pc a sh -c 'grep -E "^(NoNewPrivs|Seccomp|CapBnd):" /proc/$(systemctl show -P MainPID larder.service)/status | tr -s "\t\n" " "')" 'CapBnd: 0000000000000000 NoNewPrivs: 1 Seccomp: 2 '
is 'integration as chosen at installation' "$(as a anna larder status --json | json '(v["integration"]["enabled"], v["integration"]["reason"])')" "(False, 'chosen at installation')"
is 'background channel as chosen' "$(as a anna larder config get backgroundChannel.url --json | json 'v["value"]')" 'http://10.77.0.1:8099/'
set +e; as a anna larder integration on > /dev/null 2>&1; code=$?; set -e
is 'a user may not turn it on: exit code' "$code" 100
in_pc a larder integration on > /dev/null
is 'root turns it on' "$(as a anna larder status --json | json 'v["integration"]["enabled"]')" True

say "one download for two users of PC a and one of PC b"
(cd "$repository" && exec node --no-warnings -e '
  const http = require("node:http"), data = require("node:crypto").randomBytes(8 << 20)
  let gets = 0, bytes = 0
  http.createServer((q, r) => {
    if (q.url === "/count") return r.end(JSON.stringify({ gets, bytes }))
    const range = /bytes=(\d+)-(\d*)/.exec(q.headers.range ?? "")
    const from = range ? Number(range[1]) : 0, to = range && range[2] ? Number(range[2]) + 1 : data.length
    if (q.method === "GET") { if (to - from > 65536) gets++; bytes += to - from }
    r.writeHead(range ? 206 : 200, { etag: "\"v1\"", "accept-ranges": "bytes", "content-length": to - from, "repr-digest": "sha-256=:" + require("node:crypto").hash("sha256", data, "base64") + ":", ...(range && { "content-range": `bytes ${from}-${to - 1}/${data.length}` }) })
    q.method === "HEAD" ? r.end() : r.end(data.subarray(from, to))
  }).listen(8099, "10.77.0.1")') &
pids+=($!)
for _ in $(seq 100); do curl -sf http://10.77.0.1:8099/count > /dev/null && break; sleep 0.1; done
for _ in $(seq 300); do [ "$(as a anna larder status --json | json 'v["peersConnected"]')" = 1 ] && break; sleep 0.2; done
is 'peers of PC a' "$(as a anna larder status --json | json 'v["peersConnected"]')" 1
get() { as "$1" "$2" larder get http://10.77.0.1:8099/setup.bin -o "/home/$2/setup.bin" --json | json '(v["source"], v["split"])'; }
get a anna & one=$!; get b anna & two=$!; wait $one $two
echo "ben, afterwards: $(get a ben)"
is 'who owns the file' "$(in_pc a stat -c '%U' /home/ben/setup.bin)" ben
is 'files alike' "$(sha256sum "$work"/{a,b}/home/*/setup.bin | cut -d' ' -f1 | sort -u | wc -l)" 1
is 'downloads from the origin' "$(curl -s http://10.77.0.1:8099/count | json '(v["gets"], v["bytes"])')" '(1, 8388608)'
is 'what ben sees of anna' "$(as a ben larder status --json > /dev/null; as a ben larder why setup.bin --json | json 'len(v["downloads"])')" 1
as a anna larder doctor --json > "$work/doctor.json" || true
is 'checks of the doctor that failed' "$(json '[c["id"] for c in v["checks"] if c["verdict"] == "fail"]' < "$work/doctor.json")" '[]'

say "the agent restarted, and the package installed over itself: the cache stays"
stop a; start a
install_in a LARDER_INTEGRATION=off > /dev/null
# The service is begun anew by the package.
until_runs a
is 'integration after an upgrade' "$(as a anna larder status --json | json 'v["integration"]["enabled"]')" True
is 'contents in the cache' "$(in_pc a larder status --json | json 'v["cache"]["entries"]')" 1
echo "anna again: $(get a anna)"
is 'downloads from the origin' "$(curl -s http://10.77.0.1:8099/count | json 'v["gets"]')" 1

say "removed, then purged"
stop a
case "$tar_name" in
  *.deb)
    in_pc a dpkg -r larder > /dev/null
    is 'cache after remove' "$(in_pc a sh -c 'test -d /var/lib/larder && echo kept')" kept
    in_pc a dpkg -P larder > /dev/null
    ;;
  *.rpm)
    rpm --root "$work/a" --dbpath /var/lib/rpm -e larder
    is 'cache after erase' "$(in_pc a sh -c 'test -d /var/lib/larder && echo kept')" kept
    in_pc a sh -c 'rm -rf /var/lib/larder /var/lib/larder-update /etc/larder; userdel larder'
    ;;
esac
in_pc a sh -c 'userdel -r anna; userdel -r ben' 2> /dev/null
rm -f "$work/a/root/key"
left=$(diff <(echo "$before") <(files a) | grep -E '^[<>]' | grep -vE 'etc/(passwd|group|shadow|gshadow|subuid|subgid)-?$|/\.pwd\.lock$|var/lib/systemd' || true)
is 'files that are left or missing' "${left:-none}" none
say "all right"
