# Two PCs of one site as fresh roots, each with its own systemd, in namespaces: `a` is 10.77.0.2, `b` 10.77.0.3, this machine 10.77.0.1. Sourced by
# scripts that have set `base`, `work`, `here` and `repository`; as root on Linux.
export PATH="$repository/node_modules/.bin:$PATH"
mkdir -p "$work/cgroup"
mount -t cgroup2 cgroup2 "$work/cgroup"
pids=()
declare -A boots inits
finish() {
  set +e
  for pc in a b; do [ -n "${boots[$pc]-}" ] && kill -9 "${boots[$pc]}" 2> /dev/null; done
  for pid in "${pids[@]}"; do kill "$pid" 2> /dev/null; done
  wait 2> /dev/null
  for pc in a b; do
    ip netns del "larder-$pc" 2> /dev/null
    for _ in $(seq 50); do find "$work/cgroup/larder-try-$pc" -depth -type d -exec rmdir {} + 2> /dev/null; [ -e "$work/cgroup/larder-try-$pc" ] || break; sleep 0.1; done
    rm -rf --one-file-system "${work:?}/$pc"
  done
  umount -l "$work/cgroup"
  ip link del larder-br 2> /dev/null
}
trap finish EXIT
say() { printf '\n== %s\n' "$*"; }
is() { if [ "$2" = "$3" ]; then echo "ok: $1: $2"; else echo "WRONG: $1: $2, expected $3"; exit 1; fi; }
in_pc() { local pc=$1; shift; nsenter -t "${inits[$pc]}" -a env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 "$@"; }
as() { local pc=$1 user=$2; shift 2; in_pc "$pc" setpriv --reuid "$user" --regid "$user" --init-groups env HOME="/home/$user" "$@"; }
# What is there beside what the system itself writes while it runs.
files() { (cd "$work/$1" && find etc usr var opt root home -xdev \( -path var/cache -o -path var/log -o -path var/tmp -o -path var/lib/dpkg -o -path var/lib/rpm -o -path var/lib/apt -o -path usr/lib/sysimage \) -prune -o -print | sort); }
json() {
  python3 -c "import json,sys
text=sys.stdin.read()
try: v=json.loads(text); print($1)
except Exception as error: sys.exit(f'{error!r} in: {text[:600]}')"
}
# Until a command says what is expected.
until_is() {
  local seen
  for _ in $(seq 600); do seen=$("${@:2}" 2> /dev/null) || true; [ "$seen" = "$1" ] && return; sleep 0.2; done
  echo "WRONG: ${*:2} is not $1 but $seen"; exit 1
}
boot() {
  local pc=$1
  mkdir "$work/cgroup/larder-try-$pc"
  (
    echo "$BASHPID" > "$work/cgroup/larder-try-$pc/cgroup.procs"
    exec ip netns exec "larder-$pc" unshare --pid --mount --uts --ipc --cgroup --fork --kill-child bash "$here/boot-root.sh" "$work/$pc"
  ) > "$work/$pc-boot.log" 2>&1 < /dev/null &
  boots[$pc]=$!
  until_is 1 pgrep -c -P "${boots[$pc]}"
  inits[$pc]=$(pgrep -P "${boots[$pc]}")
  until_is running in_pc "$pc" systemctl is-system-running
}
# The service as the packages leave it; until its users find it.
start() { in_pc "$1" systemctl daemon-reload; in_pc "$1" systemctl start larder.service; until_runs "$1"; }
until_runs() { until_is yes in_pc "$1" sh -c 'test -e /run/larder/agent.json && larder status > /dev/null 2>&1 && echo yes'; }
stop() { in_pc "$1" systemctl stop larder.service; }

# A bridge on which the two PCs and the origin are.
ip link add larder-br type bridge && ip addr add 10.77.0.1/24 dev larder-br && ip link set larder-br up
n=2
for pc in a b; do
  mkdir -p "$work/$pc" && tar -C "$work/$pc" -xf "$base" 2> /dev/null
  ip netns add "larder-$pc"
  ip link add "larder-v$pc" type veth peer name eth0 netns "larder-$pc"
  ip link set "larder-v$pc" master larder-br up
  ip -n "larder-$pc" addr add "10.77.0.$n/24" dev eth0 && ip -n "larder-$pc" link set eth0 up && ip -n "larder-$pc" link set lo up
  boot "$pc"
  n=$((n + 1))
done
