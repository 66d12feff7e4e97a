#!/usr/bin/env bash
# The boot loader of one layout: boot.sh disk|mirror OUTDIR -> esp.img (GRUB, its configuration, try counters). UEFI.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
LAYOUT=$1 OUT=$2
PATH=$PATH:/usr/sbin:/sbin
# shellcheck source=image_build/image/layout.sh
. "$HERE/layout.sh"
mkdir -p "$OUT"
modules="part_gpt fat squash4 normal linux configfile loadenv test regexp serial terminal search echo sleep minicmd ls cat halt reboot gzio"
if [ "$LAYOUT" = mirror ]; then
  modules="$modules mdraid1x diskfilter"
  place=md/callbox device=/dev/md/callbox first=1 args="callbox.mirror"
else
  place='$hd' device=PARTNUM first=2 args="callbox.root=disk"
fi
number() { echo $((first + $1)); }
sed -e "s#@PLACE@#$place#g; s#@PLACE_ARGS@#$args#g" \
  -e "s#@KERNEL_A@#$(number 0)#g; s#@KERNEL_B@#$(number 3)#g" "$HERE/grub.cfg" >"$OUT/grub.cfg"
if [ "$device" = PARTNUM ]; then
  for slot in A B; do
    sed -i "s#@DEVICE@@ROOT_$slot@#PARTLABEL=root$slot#g; s#@DEVICE@@VERITY_$slot@#PARTLABEL=verity$slot#g" "$OUT/grub.cfg"
  done
else
  sed -i "s#@DEVICE@@ROOT_A@#$device$(number 1)#g; s#@DEVICE@@VERITY_A@#$device$(number 2)#g" "$OUT/grub.cfg"
  sed -i "s#@DEVICE@@ROOT_B@#$device$(number 4)#g; s#@DEVICE@@VERITY_B@#$device$(number 5)#g" "$OUT/grub.cfg"
fi
# shellcheck disable=SC2086  # a list of modules
grub-mkimage -O x86_64-efi -o "$OUT/BOOTX64.EFI" -p /EFI/BOOT $modules
rm -f "$OUT/grubenv" "$OUT/esp.img"
grub-editenv "$OUT/grubenv" create
grub-editenv "$OUT/grubenv" set ORDER="A B" A_OK=1 B_OK=0 A_TRY=0 B_TRY=0
truncate -s "${ESP_MB}M" "$OUT/esp.img"
mkfs.vfat -F 32 -n ESP -i CA11B0C5 --invariant "$OUT/esp.img" >/dev/null
touch -d "@${SOURCE_DATE_EPOCH:?}" "$OUT/BOOTX64.EFI" "$OUT/grub.cfg" "$OUT/grubenv"
export MTOOLS_SKIP_CHECK=1 TZ=UTC
mmd -i "$OUT/esp.img" ::/EFI ::/EFI/BOOT
mcopy -m -i "$OUT/esp.img" "$OUT/BOOTX64.EFI" "$OUT/grub.cfg" "$OUT/grubenv" ::/EFI/BOOT/
