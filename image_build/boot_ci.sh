#!/usr/bin/env bash
# CI's short boot: builds the image and boots it once under QEMU until it has dialled and was heard (`make boot-test-ci`).
# A machine that cannot do it (no root, no tap device, packages that cannot be had) skips it and says why; what went wrong
# after that is an error. One second try: an emulated machine on a shared processor may meet a time-out.
set -euo pipefail
cd "$(dirname "$0")/.."
skip() { echo "SKIPPED: boot of the image: $*"; exit 0; }
[ "$(id -u)" -eq 0 ] || skip "root builds the image's tree"
unshare --mount mount -t tmpfs none /mnt 2>/dev/null || skip "nothing can be mounted here; Debian's packages need /proc in their tree"
[ -c /dev/net/tun ] && .venv/bin/python -m tests.netns ip tuntap add probe0 mode tap 2>/dev/null ||
  skip "there is no /dev/net/tun, or no right to use it, for the emulated machine's network"
free_mb=$(df --output=avail -m . | tail -1)
[ "$free_mb" -ge 9000 ] || skip "9 GB of disk are needed, $free_mb MB are free"
image_build/packages.sh image_build/packages-image.txt || skip "QEMU, mmdebstrap and the like cannot be installed"
image_build/image/build.sh
for try in 1 2; do
  .venv/bin/python -m tests.boot --short --out "build/boot-ci-$try" && exit 0
  echo "try $try failed; its output is in build/boot-ci-$try"
done
exit 1
