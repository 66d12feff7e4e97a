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
# shellcheck disable=SC2046  # a list of devices
set -- $(members)
while [ $# -lt 2 ] && [ "$waited" -lt 150 ]; do
  sleep 0.1
  waited=$((waited + 1))
  # shellcheck disable=SC2046
  set -- $(members)
done
[ $# -ge 2 ] || echo "callbox: one disk of the mirror is missing, starting with the other" >/dev/kmsg
# a member that is there but too old (its disk was away for a while) is left out by mdadm itself
exec mdadm --assemble --run /dev/md/callbox "$@"
