#!/bin/sh
# Starts the box's array: whole when both members are there within 15 s, with one otherwise. Members are found by the name of
# their partition; two disks may carry the same one, after one of them was replaced by a copy of the other's table.
members() {
  for event in /sys/class/block/*/uevent; do
    grep -q '^PARTNAME=md[01]$' "$event" || continue
    device=${event%/uevent}
    echo "/dev/${device##*/}"
  done
}
waited=0
while [ "$waited" -lt 150 ]; do
  # shellcheck disable=SC2046  # a list of devices
  mdadm --assemble --no-degraded /dev/md/callbox $(members) >/dev/null 2>&1 && exit 0
  sleep 0.1
  waited=$((waited + 1))
done
echo "callbox: one disk of the mirror is missing, starting with the other" >/dev/kmsg
# shellcheck disable=SC2046
mdadm --assemble --run /dev/md/callbox $(members)
