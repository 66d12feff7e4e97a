#!/usr/bin/env bash
# Puts a root tree together: tree.sh BASE.tar APP.tar VERSION TREE [KEYS]. Debian's part, the product, our units, settings
# and the keyring that updates are checked with.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
BASE=$1 APP=$2 VERSION=$3 TREE=$4 KEYS=${5:-$HERE/../../build/keys}
BOOT=$(dirname "$BASE")/esp # boot.sh's folders beside it
rm -rf "$TREE"
mkdir -p "$TREE"
tar -xf "$BASE" -C "$TREE" --numeric-owner --exclude=./dev/*
tar -xf "$APP" -C "$TREE" --numeric-owner
cp -r --no-preserve=ownership "$HERE/overlay/." "$TREE/"
install -m 644 "$HERE"/../../systemd/*.service "$HERE"/../../systemd/*.target "$HERE"/../../systemd/*.path \
  "$TREE/usr/lib/systemd/system/"
# what the installer and a replaced disk need of the boot loader, and the sizes of partitions
install -m 644 "$HERE/layout.sh" "$TREE/usr/lib/callbox/layout.sh"
for layout in disk mirror; do
  mkdir -p "$TREE/usr/lib/callbox/boot/$layout"
  install -m 644 "$BOOT-$layout"/{BOOTX64.EFI,grub.cfg,grubenv} "$TREE/usr/lib/callbox/boot/$layout/"
done
"$HERE/keys.sh" "$KEYS"
install -m 644 "$KEYS/keyring.pem" "$TREE/etc/rauc/keyring.pem"
mkdir -p "$TREE/data" "$TREE/etc/callbox" # the overlay cannot hold what is empty
ln -sf ../run/systemd/resolve/stub-resolv.conf "$TREE/etc/resolv.conf"
echo callbox >"$TREE/etc/hostname"
printf '127.0.0.1 localhost callbox\n::1 localhost\n' >"$TREE/etc/hosts"
printf 'NAME=Callbox\nID=callbox\nID_LIKE=debian\nVERSION_ID=%s\nPRETTY_NAME="Callbox %s"\n' "$VERSION" "$VERSION" \
  >"$TREE/usr/lib/os-release"
ln -sf ../usr/lib/os-release "$TREE/etc/os-release"
echo "$VERSION" >"$TREE/etc/callbox-release"
systemd-sysusers --root="$TREE"
chroot "$TREE" passwd -l root >/dev/null
rm -f "$TREE"/etc/systemd/system/multi-user.target.wants/* "$TREE"/etc/shadow- "$TREE"/etc/passwd- "$TREE"/etc/group- \
  "$TREE"/etc/gshadow- "$TREE"/etc/.pwd.lock
systemctl --root="$TREE" preset-all --preset-mode=full >/dev/null 2>&1
systemctl --root="$TREE" set-default callbox.target >/dev/null 2>&1
systemctl --root="$TREE" mask getty@tty1.service serial-getty@tty1.service serial-getty@ttyS0.service systemd-firstboot.service \
  openipmi.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer man-db.timer >/dev/null 2>&1
