#!/usr/bin/env bash
# Debian's part of the device's root file system: base.sh OUT.tar. The same packages give the same bytes: run it twice.
# The host's own apt sources are used; no mirror is named here. Needs root (mmdebstrap --mode=root); mounts no image.
set -euo pipefail
cd "$(dirname "$0")"
OUT=$1
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:?set by build.sh} LC_ALL=C.UTF-8
packages=$(sed -e 's/#.*//' packages.txt | awk 'NF {print $1}' | paste -sd,)
sources=()
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
  [ -s "$file" ] && sources+=("$file")
done
# the initrd is made by the kernel package's own hook, from this configuration
dracut_conf='hostonly=no
reproducible=yes
compress=zstd
mdadmconf=no
dracutmodules=" base systemd systemd-initrd systemd-udevd udev-rules dm kernel-modules rootfs-block fs-lib systemd-veritysetup mdraid shutdown callbox "
drivers=" virtio_pci virtio_blk virtio_scsi sd_mod ahci libahci nvme mpt3sas megaraid_sas usb_storage uas xhci_pci ehci_pci raid1 md_mod dm_mod dm_verity dm_crypt dm_bufio sha256_generic aesni_intel squashfs overlay ext4 vfat nls_cp437 nls_ascii loop efivarfs "
'
mmdebstrap --variant=apt --mode=root --format=tar \
  --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/info/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
  --include="$packages" \
  --essential-hook="mkdir -p \"\$1/etc/dracut.conf.d\" \"\$1/usr/lib/dracut/modules.d/95callbox\"" \
  --essential-hook="printf '%s' '$dracut_conf' >\"\$1/etc/dracut.conf.d/callbox.conf\"" \
  --essential-hook="cp initrd/* \"\$1/usr/lib/dracut/modules.d/95callbox/\"" \
  --customize-hook='./prune.sh "$1"' \
  bookworm - "${sources[@]}" >"$OUT.new"
mv "$OUT.new" "$OUT"
