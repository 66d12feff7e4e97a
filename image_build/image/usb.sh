#!/usr/bin/env bash
# The installer's USB stick: usb.sh SLOTDIR OUT.img. The very slot that is installed is what the stick boots.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
SLOT=$1 OUT=$2
PATH=$PATH:/usr/sbin:/sbin
# shellcheck source=image_build/image/layout.sh
. "$HERE/layout.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
grub-mkimage -O x86_64-efi -o "$work/BOOTX64.EFI" -p /EFI/BOOT part_gpt fat squash4 normal linux configfile test regexp \
  serial terminal echo ls gzio
cp "$HERE/grub-usb.cfg" "$work/grub.cfg"
truncate -s 40M "$work/esp.img"
mkfs.vfat -F 32 -n INSTALL -i CA11B0C6 --invariant "$work/esp.img" >/dev/null
touch -d "@${SOURCE_DATE_EPOCH:?}" "$work/BOOTX64.EFI" "$work/grub.cfg"
export MTOOLS_SKIP_CHECK=1 TZ=UTC
mmd -i "$work/esp.img" ::/EFI ::/EFI/BOOT
mcopy -m -i "$work/esp.img" "$work/BOOTX64.EFI" "$work/grub.cfg" ::/EFI/BOOT/
megabytes() { echo $((($(stat -c %s "$1") + 1048575) / 1048576)); }
k=$(megabytes "$SLOT/kernel.img") r=$(megabytes "$SLOT/root.img") v=$(megabytes "$SLOT/verity.img")
rm -f "$OUT"
truncate -s $((1 + 40 + k + r + v + 2))M "$OUT"
with_uuids 2 <<T | sfdisk -q "$OUT"
label: gpt
label-id: CA11B0C5-0000-4000-8000-000000000002
size=40M, type=uefi, name=INSTALLESP
size=${k}M, type=linux, name=installkernel
size=${r}M, type=$ROOT_TYPE, name=installroot
size=${v}M, type=$VERITY_TYPE, name=installverity
T
at=1
for part in "$work/esp.img" "$SLOT/kernel.img" "$SLOT/root.img" "$SLOT/verity.img"; do
  dd if="$part" of="$OUT" bs=1M seek=$at conv=notrunc,sparse status=none
  at=$((at + $(megabytes "$part")))
done
