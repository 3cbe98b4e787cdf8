#!/bin/bash
# Installs a package into fresh roots without Node and uses it there as two PCs of one site. As root on Linux:
#
#     packaging/linux/try-packages.sh <base.tar of a root with systemd> <deb or rpm> <folder for the roots>
#
# No systemd runs in these roots: the ExecStart of the installed unit is started by hand, as the unit's user.
set -euo pipefail
base=$1 package=$(realpath "$2") work=$3
here=$(dirname "$(realpath "$0")")
repository=$(realpath "$here/../..")
export PATH="$repository/node_modules/.bin:$PATH"
mkdir -p "$work"
pids=()
finish() {
  set +e
  for pc in a b; do
    [ -e "$work/$pc/run/larder/agent.json" ] && kill "$(json 'v["pid"]' < "$work/$pc/run/larder/agent.json")"
  done
  for pid in "${pids[@]}"; do kill "$pid" 2> /dev/null; done
  for pid in "${pids[@]}"; do wait "$pid" 2> /dev/null; done
  for pc in a b; do
    for at in proc dev; do mountpoint -q "$work/$pc/$at" && umount -l "$work/$pc/$at"; done
    ip netns del "larder-$pc" 2> /dev/null
    # Never below something that is still mounted.
    mountpoint -q "$work/$pc/proc" || rm -rf --one-file-system "${work:?}/$pc"
  done
  ip link del larder-br 2> /dev/null
}
trap finish EXIT
say() { printf '\n== %s\n' "$*"; }
is() { if [ "$2" = "$3" ]; then echo "ok: $1: $2"; else echo "WRONG: $1: $2, expected $3"; exit 1; fi; }
in_pc() { local pc=$1; shift; ip netns exec "larder-$pc" chroot "$work/$pc" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 "$@"; }
as() { local pc=$1 user=$2; shift 2; in_pc "$pc" setpriv --reuid "$user" --regid "$user" --init-groups env HOME="/home/$user" "$@"; }
files() { (cd "$work/$1" && find etc usr var opt run root home -xdev \( -path run/systemd -o -path var/cache -o -path var/log -o -path var/lib/dpkg -o -path var/lib/rpm -o -path usr/lib/sysimage \) -prune -o -print | sort); }
json() { python3 -c "import json,sys; v=json.load(sys.stdin); print($1)"; }

# A bridge on which the two PCs and the origin are.
ip link add larder-br type bridge && ip addr add 10.77.0.1/24 dev larder-br && ip link set larder-br up
n=2
for pc in a b; do
  mkdir -p "$work/$pc" && tar -C "$work/$pc" -xf "$base" 2> /dev/null
  mount -t proc proc "$work/$pc/proc" && mount -t tmpfs dev "$work/$pc/dev"
  for name in null zero random urandom; do cp -a "/dev/$name" "$work/$pc/dev/"; done
  ip netns add "larder-$pc"
  ip link add "larder-v$pc" type veth peer name eth0 netns "larder-$pc"
  ip link set "larder-v$pc" master larder-br up
  ip -n "larder-$pc" addr add "10.77.0.$n/24" dev eth0 && ip -n "larder-$pc" link set eth0 up && ip -n "larder-$pc" link set lo up
  n=$((n + 1))
done

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

# As systemd would: RuntimeDirectory, StateDirectory, User, Environment and ExecStart of the unit.
start() {
  local pc=$1 line
  line=$(sed -n 's/^ExecStart=//p' "$work/$pc/usr/lib/systemd/system/larder.service")
  in_pc "$pc" sh -c 'mkdir -p -m 0755 /run/larder /var/lib/larder; chown larder:larder /run/larder /var/lib/larder; chmod 0711 /var/lib/larder'
  in_pc "$pc" setpriv --reuid larder --regid larder --init-groups --no-new-privs --bounding-set=-all \
    env LARDER_DATA_DIR=/var/lib/larder LARDER_ARGS= sh -c "umask 077; exec $line" > "$work/$pc.log" 2>&1 &
  pids+=($!)
  for _ in $(seq 300); do [ -e "$work/$pc/run/larder/agent.json" ] && return; sleep 0.1; done
  cat "$work/$pc.log"; exit 1
}
stop() {
  local pid; pid=$(json 'v["pid"]' < "$work/$1/run/larder/agent.json"); kill "$pid"
  for _ in $(seq 100); do [ -e "$work/$1/run/larder/agent.json" ] || return 0; sleep 0.1; done
}
say "the service runs as its own user"
start a; start b
for pc in a b; do for user in anna ben; do in_pc "$pc" useradd -m "$user"; done; done
is 'process of the service' "$(ps -o uid= -p "$(json 'v["pid"]' < "$work/a/run/larder/agent.json")" | tr -d ' ')" "$(in_pc a id -u larder)"
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
    in_pc a sh -c 'rm -rf /var/lib/larder /etc/larder; userdel larder'
    ;;
esac
in_pc a sh -c 'userdel -r anna; userdel -r ben' 2> /dev/null
in_pc a rmdir /run/larder 2> /dev/null || true
rm -f "$work/a/root/key"
left=$(diff <(echo "$before") <(files a) | grep -E '^[<>]' | grep -vE 'etc/(passwd|group|shadow|gshadow|subuid|subgid)-?$|/\.pwd\.lock$|var/lib/systemd' || true)
is 'files that are left or missing' "${left:-none}" none
say "all right"
