#!/bin/bash
# Installs the packages of dist/ in fresh roots and uses them there (try-packages.sh, try-updates.sh). As root on Linux, with mmdebstrap:
#
#     npm run package -- deb rpm && sudo npm run package:try
set -euo pipefail
here=$(dirname "$(realpath "$0")")
repository=$(realpath "$here/../..")
cd "$repository"
work=$(mktemp -d -t larder-try-XXXXXX)
# What is to be shipped comes back to out/ and dist/, also when the trial ends early: the key of a trial is never pinned in it.
take_back() {
  [ -e "$work/shipped" ] || return 0
  rm -rf out dist/larder_*.deb
  cp -a "$work/shipped/out" .
  cp -a "$work"/shipped/dist/* dist/
  rm -rf "$work/shipped"
}
trap 'take_back; rm -rf --one-file-system "$work"' EXIT
base=$work/base.tar
mmdebstrap --quiet --variant=minbase --include=systemd,procps "${LARDER_TRY_SUITE:-bookworm}" "$base"
"$here/try-packages.sh" "$base" dist/larder_*.deb "$work/deb"
"$here/try-packages.sh" "$base" dist/larder-*.rpm "$work/rpm"
# A key of this trial alone, pinned in a package of its own.
node scripts/run.mjs scripts/release/release.ts key --out "$work/key.pem" > "$work/key.pub"
mkdir -p "$work/copy/dist" "$work/pinned"
cp -a out "$work/copy/" && cp -a dist/larder_*.deb dist/SHA256SUMS "$work/copy/dist/"
mv "$work/copy" "$work/shipped"
LARDER_RELEASE_KEYS=$(cat "$work/key.pub") node scripts/run.mjs scripts/package.ts deb > /dev/null
mv dist/larder_*.deb "$work/pinned/"
take_back
"$here/try-updates.sh" "$base" "$work"/pinned/larder_*.deb "$work/key.pem" "$work/updates"
