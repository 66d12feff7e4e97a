#!/usr/bin/env bash
# A disk image for one machine: disk.sh SLOTDIR ESPDIR OUT.img [DATA_MB]. One disk (virtual machines); the mirrored pair is
# written by the installer on the machine itself. No loop device, no mount.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
SLOT=$1 ESP=$2 OUT=$3 DATA_MB=${4:-2048}
PATH=$PATH:/usr/sbin:/sbin
# shellcheck source=image_build/image/layout.sh
. "$HERE/layout.sh"
total=$((1 + ESP_MB + 2 * (KERNEL_MB + ROOT_MB + VERITY_MB) + DATA_MB + 4))
rm -f "$OUT"
truncate -s "${total}M" "$OUT"
{
  printf 'label: gpt\nlabel-id: CA11B0C5-0000-4000-8000-000000000001\n'
  echo "size=${ESP_MB}M, type=uefi, name=ESP"
  slots_table
} | with_uuids 1 | sfdisk -q "$OUT"
put() { # file partition
  local start size
  read -r start size < <(sfdisk -J "$OUT" | python3 -c "
import json, sys
for part in json.load(sys.stdin)['partitiontable']['partitions']:
    if part['name'] == '$2':
        print(part['start'], part['size'])")
  [ "$(stat -c %s "$1")" -le $((size * 512)) ] || { echo "$1 is too large for partition $2" >&2; exit 1; }
  dd if="$1" of="$OUT" bs=512 seek="$start" conv=notrunc,sparse status=none
}
put "$ESP/esp.img" ESP
put "$SLOT/kernel.img" kernelA
put "$SLOT/root.img" rootA
put "$SLOT/verity.img" verityA
