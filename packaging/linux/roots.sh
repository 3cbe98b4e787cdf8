# Two PCs of one site as fresh roots in network namespaces: `a` is 10.77.0.2, `b` 10.77.0.3, this machine 10.77.0.1. Sourced by scripts that
# have set `base`, `work` and `repository`; as root on Linux. No systemd runs in these roots: what a unit says is done by hand.
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
