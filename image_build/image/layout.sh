# Sizes of the device's partitions, for disk.sh, the installer and the boot tests. Sourced.
# shellcheck shell=bash disable=SC2034
ESP_MB=64
KERNEL_MB=64
ROOT_MB=${ROOT_MB:-480}
VERITY_MB=8
ROOT_TYPE=4f68bce3-e8cd-4db1-96e7-fbcaf984b709
VERITY_TYPE=2c7357ed-ebd2-46d9-aec1-23d437ec2bf5

slots_table() { # the seven partitions that stand on the disk (one disk) or on the array (mirror)
  for slot in A B; do
    echo "size=${KERNEL_MB}M, type=linux, name=kernel$slot"
    echo "size=${ROOT_MB}M, type=$ROOT_TYPE, name=root$slot"
    echo "size=${VERITY_MB}M, type=$VERITY_TYPE, name=verity$slot"
  done
  echo "${1:+size=$1, }type=linux, name=data"
}

with_uuids() { # sfdisk's lines with identifiers that are the same in each build: with_uuids NUMBER-OF-DISK
  awk -v disk="$1" '/^(size|type)=/ {$0 = $0 sprintf(", uuid=CA11B0C5-0000-4000-8000-0000%04d%04d", disk, ++n)} {print}'
}
