#!/usr/bin/env bash
# The signed update of one slot: bundle.sh SLOTDIR VERSION KEYS OUT.raucb. What RAUC writes to the slot that does not run.
set -euo pipefail
SLOT=$1 VERSION=$2 KEYS=$3 OUT=$4
PATH=$PATH:/usr/sbin:/sbin
content=$(mktemp -d)
trap 'rm -rf "$content"' EXIT
for part in root kernel verity; do cp --reflink=auto "$SLOT/$part.img" "$content/$part.img"; done
cat >"$content/manifest.raucm" <<M
[update]
compatible=callbox-x86-64
version=$VERSION
[bundle]
format=verity
[image.rootfs]
filename=root.img
[image.kernel]
filename=kernel.img
[image.verity]
filename=verity.img
M
rm -f "$OUT"
# mksquashfs, which rauc runs, refuses its time options beside this variable
env -u SOURCE_DATE_EPOCH rauc bundle --cert="$KEYS/release.pem" --key="$KEYS/release.key" --keyring="$KEYS/keyring.pem" \
  --mksquashfs-args="-comp zstd -Xcompression-level 1 -no-progress" "$content" "$OUT" >/dev/null
rauc --keyring="$KEYS/keyring.pem" info "$OUT" >/dev/null
