#!/bin/bash
# Two PCs of one site get new releases of Larder: first by apt through the gateway, then by themselves. One of them goes back, because the doctor of
# the new release fails there. As root on Linux:
#
#     LARDER_RELEASE_KEYS=PUBLIC npm run package -- deb
#     packaging/linux/try-updates.sh <base.tar of a root with systemd> <that deb> <private key> <folder for the roots>
set -euo pipefail
base=$1 package=$(realpath "$2") key=$(realpath "$3") work=$(realpath -m "$4")
here=$(dirname "$(realpath "$0")")
repository=$(realpath "$here/../..")
. "$here/roots.sh"
site=$work/origin
arch=$(dpkg-deb --field "$package" Architecture)
rm -rf "$site/repo" "$site"/updates/*.json "$work/gnupg" "$work/other.pem"
mkdir -p "$site/repo" "$site/updates"
sign() { (cd "$repository" && node --no-warnings scripts/release/release.ts sign "$@" > /dev/null); }
version() { in_pc "$1" larder version --json | json 'v["version"]'; }
running() { in_pc "$1" larder status --json 2> /dev/null | json 'v["version"]' 2> /dev/null || echo none; }
# Bytes of a file that crossed the line from the origin.
crossed() { curl -s "http://10.77.0.1:8099/count?$1" | json 'v["bytes"]'; }

# The same package as another release; with `defect`, its doctor fails on PCs that have /etc/larder/defect.
release() {
  local to=$1 dir=$work/repack made=$site/updates/larder_$1_$arch.deb
  [ "$made" -nt "$package" ] && return
  rm -rf "$dir" && dpkg-deb -R "$package" "$dir"
  sed -i "s/^Version: .*/Version: $to/" "$dir/DEBIAN/control"
  python3 - "$dir/usr/lib/larder/cli" "$to" "${2-}" << 'END'
import pathlib, re, sys
folder, version, defect = sys.argv[1:]
changes = [(r'(LARDER_VERSION ?= ?["\'`])[0-9.]+', version)]
if defect: changes.append((r'(id: ?["\'`]process["\'`],.*?verdict: ?)[^,]*', 'globalThis.process.getBuiltinModule("fs").existsSync("/etc/larder/defect")?"fail":"ok"'))
files = {file: file.read_text() for file in pathlib.Path(folder).glob("*.js")}
for pattern, put in changes:
  hits = [file for file, text in files.items() if re.search(pattern, text, re.S)]
  if len(hits) != 1: sys.exit(f"WRONG: {pattern} is in {len(hits)} files of the package")
  files[hits[0]] = re.sub(pattern, lambda found: found[1] + put, files[hits[0]], flags=re.S)
  hits[0].write_text(files[hits[0]])
END
  dpkg-deb --root-owner-group -Zgzip -z1 --build "$dir" "$made" > /dev/null
  rm -rf "$dir"
}

say "four releases: 1.0.0 as installed, 1.1.0 for apt, 1.2.0 with a defect, 1.3.0"
release 1.0.0; release 1.1.0; release 1.2.0 defect; release 1.3.0
cp "$site/updates/larder_1.1.0_$arch.deb" "$site/repo/"
(
  cd "$site/repo"
  dpkg-scanpackages -m . 2> /dev/null > Packages
  gpg() { GNUPGHOME=$work/gnupg command gpg --batch --quiet "$@"; }
  mkdir -p -m 0700 "$work/gnupg"
  gpg --passphrase '' --quick-generate-key larder-trial default default never
  printf 'Suite: stable\nDate: %s\nSHA256:\n %s %s Packages\n' "$(date -Ru)" "$(sha256sum < Packages | cut -d' ' -f1)" "$(stat -c %s Packages)" > Release
  gpg --clearsign -o InRelease Release
  gpg --export > "$work/repo.gpg"
  GNUPGHOME=$work/gnupg gpgconf --kill all
)
(cd "$repository" && exec node --no-warnings -e '
  const http = require("node:http"), fs = require("node:fs"), path = require("node:path"), bytes = new Map()
  http.createServer((q, r) => {
    const { pathname, search } = new URL(q.url, "http://x")
    if (pathname === "/count") return r.end(JSON.stringify({ bytes: bytes.get(search.slice(1)) ?? 0 }))
    const file = path.join(process.argv[1], pathname)
    if (!fs.existsSync(file)) return r.writeHead(404).end()
    const data = fs.readFileSync(file), range = /bytes=(\d+)-(\d*)/.exec(q.headers.range ?? "")
    const etag = JSON.stringify(require("node:crypto").hash("sha256", data).slice(0, 16))
    if (q.headers["if-none-match"] === etag) return r.writeHead(304, { etag }).end()
    const from = range ? Number(range[1]) : 0, to = range && range[2] ? Number(range[2]) + 1 : data.length
    r.writeHead(range ? 206 : 200, { etag, "accept-ranges": "bytes", "content-length": to - from, ...(range && { "content-range": `bytes ${from}-${to - 1}/${data.length}` }) })
    if (q.method === "HEAD") return r.end()
    bytes.set(pathname, (bytes.get(pathname) ?? 0) + to - from)
    r.end(data.subarray(from, to))
  }).listen(8099, "10.77.0.1")' "$site") &
pids+=($!)

fleet=$(cd "$repository" && node --no-warnings src-main/cli/larder.ts fleet key new)
for pc in a b; do
  cp "$site/updates/larder_1.0.0_$arch.deb" "$work/$pc/tmp/"
  mkdir -p "$work/$pc/etc/larder" "$work/$pc/etc/apt/keyrings"
  cp "$work/repo.gpg" "$work/$pc/etc/apt/keyrings/larder.gpg"
  printf 'deb [signed-by=/etc/apt/keyrings/larder.gpg] http://10.77.0.1:8099/repo ./\n' > "$work/$pc/etc/apt/sources.list"
  rm -rf "$work/$pc"/etc/apt/sources.list.d/*
  printf '%s\n' "$fleet" > "$work/$pc/root/key" && chmod 600 "$work/$pc/root/key"
  printf '{ "settings": { "gateway": { "enabled": true, "hosts": ["10.77.0.1"] }, "updates": { "enabled": true, "manifestUrl": "http://10.77.0.1:8099/updates/stable.json", "spreadHours": 0 } } }\n' > "$work/$pc/root/policy.json"
  in_pc "$pc" env LARDER_SITEKEYFILE=/root/key LARDER_POLICYFILE=/root/policy.json dpkg -i /tmp/larder_1.0.0_$arch.deb > /dev/null
  start "$pc"
done
peers() { in_pc "$1" larder status --json 2> /dev/null | json 'v["peersConnected"]' 2> /dev/null || echo none; }
events() { in_pc "$1" larder events --json | python3 -c 'import json,sys
for event in map(json.loads, sys.stdin):
  if event["type"].startswith("update"): print("   ", event["type"], event.get("code", ""), event["text"])'; }
# A unit that went back has failed, one that stayed is inactive.
is_over() { case $(in_pc "$1" systemctl is-active larder-update.service) in inactive | failed) echo yes ;; *) echo no ;; esac; }
last() { in_pc "$1" larder update status --json | json '((v["last"] or {}).get("result", "none"), (v["last"] or {}).get("version", ""))'; }
until_is 1 peers a

say "apt through the gateway: one copy of the package for two PCs"
for pc in a b; do in_pc "$pc" larder integrate apt > /dev/null; done
upgrade() { in_pc "$1" sh -c 'apt-get update -qq && apt-get install -y -qq larder' > "$work/$1-apt.log" 2>&1; }
upgrade a & one=$!; upgrade b & two=$!; wait $one $two
until_is 1.1.0 running a; until_is 1.1.0 running b
size=$(stat -c %s "$site/repo/larder_1.1.0_$arch.deb")
# No digest comes with it that Larder knows of, so that parts are compared with the origin: 5 % at most.
echo "bytes of the package from the origin: $(crossed /repo/larder_1.1.0_$arch.deb) of $size"
is 'one copy for both' "$(python3 -c "print(1 <= $(crossed /repo/larder_1.1.0_$arch.deb) / $size <= 1.05)")" True
until_is 1 peers a

say "by themselves: 1.2.0, whose doctor fails on PC b"
touch "$work/b/etc/larder/defect"
sign --key "$key" --version 1.1.0 --min-version 1.0.0 --out "$site/updates/before.json" "$site/updates/larder_1.1.0_$arch.deb"
sign --key "$key" --version 1.2.0 --min-version 1.0.0 --after "$site/updates/before.json" --out "$site/updates/stable.json" "$site/updates/larder_1.2.0_$arch.deb"
for pc in a b; do in_pc "$pc" larder update check > /dev/null; done
# Another installation begins on PC b just when it is to go back.
has() { in_pc "$1" dpkg-query -Wf '${db:Status-Status} ${Version}' larder; }
until_is 'installed 1.2.0' has b
python3 - "$work/b/var/lib/dpkg/lock-frontend" << 'END' &
import fcntl, sys, time
with open(sys.argv[1], "r+") as file:
  fcntl.lockf(file, fcntl.LOCK_EX)
  time.sleep(1000)
END
lock=$!
pids+=($lock)
held() { in_pc b journalctl -u larder-update -o cat | grep -c 'not yet back at 1.1.0.*lock'; }
until_is 2 held
is 'PC b while the lock is held' "$(has b)" 'installed 1.2.0'
kill $lock
until_is "('installed', '1.2.0')" last a
until_is "('rolled-back', '1.2.0')" last b
is 'release of PC a' "$(version a), running $(running a)" '1.2.0, running 1.2.0'
is 'release of PC b' "$(version b), running $(running b)" '1.1.0, running 1.1.0'
size=$(stat -c %s "$site/updates/larder_1.2.0_$arch.deb")
is 'bytes of the package from the origin' "$(crossed /updates/larder_1.2.0_$arch.deb)" "$size"
is 'bytes of the way back from the origin, which both had' "$(crossed /updates/larder_1.1.0_$arch.deb)" 0
for pc in a b; do until_is yes is_over "$pc"; done
in_pc b larder update check > /dev/null; sleep 2
is 'PC b does not try it again' "$(version b)" 1.1.0

say "what is not to be believed"
refused() {
  local text=$1 code=$2
  in_pc a larder update check > /dev/null
  for _ in $(seq 100); do events a | grep -q "updateRefused $code" && break; sleep 0.1; done
  is "$text" "$(events a | tail -n 1 | awk '{ print $1, $2 }')" "updateRefused $code"
}
until_is 1.2.0 running a
(cd "$repository" && node --no-warnings scripts/release/release.ts key --out "$work/other.pem" > /dev/null)
good=$(cat "$site/updates/stable.json")
sign --key "$work/other.pem" --version 1.3.0 --min-version 1.0.0 --out "$site/updates/stable.json" "$site/updates/larder_1.3.0_$arch.deb"
refused 'signed with another key' UPDATE_SIGNATURE_INVALID
sign --key "$key" --version 1.1.0 --min-version 1.0.0 --out "$site/updates/stable.json" "$site/updates/larder_1.1.0_$arch.deb"
refused 'an older release' UPDATE_MANIFEST_OLDER
printf '%s' "${good:0:300}" > "$site/updates/stable.json"
refused 'cut off' UPDATE_MANIFEST_INVALID
sign --key "$key" --version 1.3.0 --min-version 1.0.0 --after "$site/updates/before.json" --out "$site/updates/stable.json" "$site/updates/larder_1.3.0_$arch.deb"
cp "$site/updates/larder_1.3.0_$arch.deb" "$work/good.deb" && printf 'x' >> "$site/updates/larder_1.3.0_$arch.deb"
refused 'a package with another digest' DIGEST_MISMATCH

say "and then the next release, on both"
cp "$work/good.deb" "$site/updates/larder_1.3.0_$arch.deb"
for pc in a b; do in_pc "$pc" larder update check > /dev/null; done
until_is "('installed', '1.3.0')" last a
until_is "('installed', '1.3.0')" last b
for pc in a b; do echo "events of PC $pc:"; events "$pc"; done
say "all right"
