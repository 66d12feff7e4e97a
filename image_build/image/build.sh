#!/usr/bin/env bash
# `make image`: the device's image from this checkout (after `make setup`), into build/image/. Each step is skipped while
# what it is made of is the same. build.sh [--version V] [--source CHECKOUT] [--out DIR]
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
SOURCE=$TOP OUT=$TOP/build/image VERSION="" KEYS=${CALLBOX_KEYS:-$TOP/build/keys}
while [ $# -gt 0 ]; do
  case "$1" in
    --version) VERSION=$2; shift 2 ;;
    --source) SOURCE=$(cd "$2" && pwd); shift 2 ;;
    --out) OUT=$2; shift 2 ;;
    *) echo "usage: build.sh [--version V] [--source CHECKOUT] [--out DIR]" >&2; exit 2 ;;
  esac
done
mkdir -p "$OUT"
OUT=$(cd "$OUT" && pwd)
[ "$(id -u)" -eq 0 ] || { echo "the image's root tree needs root: sudo make image" >&2; exit 1; }
# every time in the image is the time of the commit it is made of
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$SOURCE" log -1 --format=%ct)} LC_ALL=C.UTF-8 TZ=UTC
# shellcheck source=image_build/image/releases.sh
. "$HERE/releases.sh"
[ -n "$VERSION" ] || VERSION=$(version_of "$SOURCE")
echo "callbox $VERSION"

fresh() { # file digest: whether `file` was made of what `digest` stands for
  [ -e "$1" ] && [ "$(cat "$1.made-of" 2>/dev/null)" = "$2" ]
}
digest_of() { cat "$@" | sha256sum | cut -c1-64; }
step() { printf '  %-44s' "$1"; started=$SECONDS; }
done_step() { printf '%4d s  %s\n' $((SECONDS - started)) "${1:-}"; }

# Debian's part and Python's have a time of their own, so that a commit to the product does not make them anew
base_made_of=$(digest_of "$HERE"/base.sh "$HERE"/prune.sh "$HERE"/packages.txt "$HERE"/initrd/*)
step "Debian packages"
if ! fresh "$OUT/base.tar" "$base_made_of"; then
  SOURCE_DATE_EPOCH=1764028800 "$HERE/base.sh" "$OUT/base.tar" >"$OUT/base.log" 2>&1 ||
    { echo "failed; see $OUT/base.log"; exit 1; }
  echo "$base_made_of" >"$OUT/base.tar.made-of"
fi
done_step "$(du -m "$OUT/base.tar" | cut -f1) MB"
deps_made_of=$(digest_of "$HERE"/deps.sh "$HERE"/runtime_lock.py "$SOURCE"/requirements.lock "$SOURCE"/pyproject.toml)
step "Python packages"
if ! fresh "$OUT/deps.tar" "$deps_made_of"; then
  SOURCE_DATE_EPOCH=1764028800 "$HERE/deps.sh" "$SOURCE" "$OUT/deps.tar" >"$OUT/deps.log" 2>&1 ||
    { echo "failed; see $OUT/deps.log"; exit 1; }
  echo "$deps_made_of" >"$OUT/deps.tar.made-of"
fi
done_step "$(du -m "$OUT/deps.tar" | cut -f1) MB"
step "the product"
"$HERE/app.sh" "$SOURCE" "$OUT/deps.tar" "$OUT/app.tar" >"$OUT/app.log" 2>&1 || { echo "failed; see $OUT/app.log"; exit 1; }
done_step "$(du -m "$OUT/app.tar" | cut -f1) MB"
step "boot loaders"
"$HERE/boot.sh" disk "$OUT/esp-disk"
"$HERE/boot.sh" mirror "$OUT/esp-mirror"
done_step
step "root tree"
"$HERE/tree.sh" "$OUT/base.tar" "$OUT/app.tar" "$VERSION" "$OUT/tree" "$KEYS" >"$OUT/tree.log" 2>&1 ||
  { echo "failed; see $OUT/tree.log"; exit 1; }
done_step
step "slot: squashfs, verity, kernel"
"$HERE/slot.sh" "$OUT/tree" "$VERSION" "$OUT/slot" 2>"$OUT/slot.log" || { echo "failed; see $OUT/slot.log"; exit 1; }
done_step "$(du -m "$OUT/slot/root.img" | cut -f1) MB"
step "disk of a one-disk machine"
"$HERE/disk.sh" "$OUT/slot" "$OUT/esp-disk" "$OUT/callbox.img"
done_step "$(du -m "$OUT/callbox.img" | cut -f1) MB"
step "installer's USB stick"
"$HERE/usb.sh" "$OUT/slot" "$OUT/callbox-usb.img"
done_step "$(du -m "$OUT/callbox-usb.img" | cut -f1) MB"
step "signed bundle"
"$HERE/bundle.sh" "$OUT/slot" "$VERSION" "$KEYS" "$OUT/callbox.raucb" >"$OUT/bundle.log" 2>&1 ||
  { echo "failed; see $OUT/bundle.log"; exit 1; }
done_step "$(du -m "$OUT/callbox.raucb" | cut -f1) MB"
step "bill of materials, licences"
"$HERE/sbom.py" "$OUT/tree" "$VERSION" "$OUT/callbox.cdx.json" "$OUT/licences.txt"
done_step "$(grep -c '"bom-ref"' "$OUT/callbox.cdx.json") parts"
# known weaknesses: Debian's security tracker, as a file or a URL; what it says changes daily, so it is no part of the digests
if [ -n "${CALLBOX_TRACKER:-}" ]; then
  step "known weaknesses"
  "$HERE/cves.py" "$OUT/callbox.cdx.json" "$CALLBOX_TRACKER" "$OUT/cves.txt" >/dev/null || { echo failed; exit 1; }
  done_step "$(head -1 "$OUT/cves.txt")"
fi
rm -rf "$OUT/tree"
(cd "$OUT" && sha256sum slot/root.img slot/verity.img slot/kernel.img callbox.img callbox-usb.img callbox.cdx.json) | tee "$OUT/SHA256SUMS"
