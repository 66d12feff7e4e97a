#!/bin/sh
# Starts the box's array: whole when both members are there within 15 s, with one otherwise. Members are found by the name of
# their partition; two disks may carry the same one, after one of them was replaced by a copy of the other's table.
members() {
  for event in /sys/class/block/*/uevent; do
    [ -e "$event" ] && grep -q '^PARTNAME=md[01]$' "$event" || continue
    device=${event%/uevent}
    echo "/dev/${device##*/}"
  done
}
# udev's own rule takes each member as it comes and lets the first wait for the other for ever (mdadm -I): what waits is
# given free again. Succeeds when an array runs
runs() {
  running=1
  for state in /sys/block/md*/md/array_state; do
    [ -e "$state" ] || continue
    array=${state#/sys/block/}
    if grep -q '^\(inactive\|clear\)' "$state"; then mdadm --stop "/dev/${array%%/*}"; else running=0; fi
  done
  return "$running"
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
for again in 1 1 1 1 0; do
  runs && exit 0
  # a member that is there but too old (its disk was away for a while) is left out by mdadm itself
  mdadm --assemble --run /dev/md/callbox "$@" && exit 0
  sleep "$again"
done
exit 1
