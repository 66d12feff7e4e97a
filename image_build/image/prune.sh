#!/usr/bin/env bash
# Takes out of a root file system what a box in a rack has no use for, and what would differ from build to build.
set -euo pipefail
ROOT=$1
modules=$(echo "$ROOT"/lib/modules/*)
for part in sound drivers/gpu drivers/media drivers/staging drivers/infiniband drivers/iio drivers/bluetooth \
  net/bluetooth drivers/net/wireless net/wireless net/mac80211 drivers/isdn drivers/nfc drivers/comedi drivers/video \
  drivers/input/touchscreen drivers/input/joystick drivers/platform/surface drivers/gnss drivers/thunderbolt \
  drivers/rpmsg fs/ocfs2 fs/gfs2 fs/ceph fs/afs fs/nfs fs/nfsd fs/btrfs fs/xfs fs/jfs fs/reiserfs fs/ubifs fs/nilfs2 \
  fs/f2fs fs/orangefs fs/coda fs/9p fs/hfs fs/hfsplus net/can drivers/net/can drivers/net/hamradio net/ax25 \
  net/netrom net/rose net/batman-adv net/sctp net/tipc net/rds net/dccp drivers/scsi/lpfc drivers/scsi/qla2xxx; do
  rm -rf "${modules:?}/kernel/$part"
done
chroot "$ROOT" depmod -a "$(basename "$modules")"
rm -rf "$ROOT"/var/cache/apt/* "$ROOT"/var/lib/apt/lists/* "$ROOT"/var/log/* "$ROOT"/var/cache/ldconfig/aux-cache \
  "$ROOT"/var/cache/debconf/*-old "$ROOT"/var/lib/dpkg/*-old "$ROOT"/var/lib/systemd/random-seed \
  "$ROOT"/etc/machine-id "$ROOT"/var/lib/dbus/machine-id "$ROOT"/etc/resolv.conf "$ROOT"/etc/ssl/private/ssl-cert-snakeoil.key \
  "$ROOT"/etc/hostname "$ROOT"/tmp/* "$ROOT"/run/*
: >"$ROOT/etc/machine-id" # made at first boot
