"""Makes the guest once, from Debian's packages only: kernel, small initrd, root file system; kept in a cache folder.

No loop device, no mount of images: `mmdebstrap` makes the tree, `mke2fs -d` the file system, `cpio` the initrd.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

PACKAGES = (
    "linux-image-amd64", "udev", "kmod", "mdadm", "smartmontools", "e2fsprogs", "dosfstools", "gdisk", "fdisk",
    "python3", "busybox-static",
)  # fmt: skip
HOST_PROGRAMS = ("qemu-system-x86_64", "mmdebstrap", "mke2fs", "cpio")
_EARLY_MODULES = ("virtio_pci", "virtio_blk", "ext4", "crc32c_generic")  # until the root is mounted; the root has all
_KEPT_MODULES = (
    "drivers/md", "drivers/virtio", "drivers/block", "drivers/scsi", "drivers/ata", "drivers/nvme", "drivers/char",
    "fs/ext4", "fs/jbd2", "fs/fat", "fs/nls", "fs/mbcache.ko", "crypto", "lib", "arch/x86/crypto",
    "drivers/net/net_failover.ko", "drivers/cdrom", "block", "kernel", "drivers/hwmon",
)  # fmt: skip
_ROOT_MB = 700

INIT = """#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME=/root
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs devtmpfs /dev 2>/dev/null
mount -t tmpfs tmpfs /run; mount -t tmpfs tmpfs /tmp; mkdir -p /dev/shm /dev/pts; mount -t devpts devpts /dev/pts
/lib/systemd/systemd-udevd --daemon
udevadm trigger --type=subsystems --action=add; udevadm trigger --type=devices --action=add; udevadm settle
for module in raid1 virtio_scsi sd_mod ahci nvme virtio_console vfat; do modprobe $module; done
udevadm settle
mkdir -p /opt/callbox; tar -xf /dev/vdb -C /opt/callbox
cd /opt/callbox && exec python3 -u agent.py
"""
_EARLY_INIT = """#!/bin/busybox sh
/bin/busybox mount -t devtmpfs devtmpfs /dev
for module in $(/bin/busybox cat /modules/order); do /bin/busybox insmod /modules/$module; done
while [ ! -b /dev/vda ]; do /bin/busybox sleep 0.1; done
/bin/busybox mount -t ext4 /dev/vda /root
exec /bin/busybox switch_root /root /sbin/guest-init
"""


@dataclass(frozen=True)
class Image:
    """The three files that QEMU starts."""

    kernel: Path
    initrd: Path
    root: Path


def cache_folder() -> Path:
    """`$CALLBOX_TEST_CACHE`, or a folder in the user's cache."""
    named = os.environ.get("CALLBOX_TEST_CACHE")
    return Path(named) if named else Path.home() / ".cache" / "callbox" / "guest"


def missing_programs() -> list[str]:
    return [name for name in HOST_PROGRAMS if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin") is None]


def make_image() -> Image:
    """Return the guest's files, made when they are not there yet (2-5 min, about 300 MB from Debian's mirror)."""
    recipe = repr((PACKAGES, _KEPT_MODULES, _EARLY_MODULES, INIT, _EARLY_INIT)).encode()
    folder = cache_folder() / hashlib.sha256(recipe).hexdigest()[:12]
    image = Image(folder / "vmlinuz", folder / "initrd", folder / "root.ext4")
    if image.root.exists():
        return image
    folder.mkdir(parents=True, exist_ok=True)
    tree = folder / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    subprocess.run(
        [
            "mmdebstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}",
            '--aptopt=APT::Install-Recommends "false"', '--aptopt=Acquire::Languages "none"',
            "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/doc/*",
            "--dpkgopt=path-exclude=/usr/share/locale/*", "--format=directory", "bookworm", str(tree),
        ],
        check=True, timeout=1800, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    modules = next((tree / "lib/modules").iterdir())
    shutil.copy(next((tree / "boot").glob("vmlinuz-*")), image.kernel)
    _make_initrd(tree, modules, folder / "early", image.initrd)
    _prune(tree, modules)
    (tree / "sbin/guest-init").write_text(INIT)
    (tree / "sbin/guest-init").chmod(0o755)
    (tree / "etc/mdadm/mdadm.conf").write_text("HOMEHOST <ignore>\nAUTO -all\n")  # what is assembled is the test's word
    unfinished = image.root.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    subprocess.run(
        ["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", str(tree), str(unfinished), f"{_ROOT_MB}M"],
        check=True, timeout=600, env={**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"},
    )  # fmt: skip
    shutil.rmtree(tree)
    unfinished.replace(image.root)
    return image


def _dependencies(modules: Path) -> dict[str, list[str]]:
    """Name of a module -> paths to load before it, then its own (modules.dep: nearest first)."""
    found = {}
    for line in (modules / "modules.dep").read_text().splitlines():
        path, _, needs = line.partition(":")
        found[Path(path).name.partition(".ko")[0].replace("-", "_")] = [*reversed(needs.split()), path]
    return found


def _make_initrd(tree: Path, modules: Path, folder: Path, target: Path) -> None:
    """Busybox, the modules of the root's disk and file system, and twelve lines."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("bin", "dev", "root", "modules"):
        (folder / name).mkdir(parents=True)
    shutil.copy(tree / "bin/busybox", folder / "bin/busybox")
    known, order = _dependencies(modules), []
    for module in _EARLY_MODULES:
        order += [path for path in known.get(module, []) if path not in order]
    for path in order:
        shutil.copy(modules / path, folder / "modules" / Path(path).name)
    (folder / "modules/order").write_text("\n".join(Path(path).name for path in order) + "\n")
    (folder / "init").write_text(_EARLY_INIT)
    (folder / "init").chmod(0o755)
    names = "\n".join(str(path.relative_to(folder)) for path in sorted(folder.rglob("*")))
    with target.open("wb") as handle:
        pack = ["cpio", "--quiet", "-o", "-H", "newc"]
        subprocess.run(pack, input=names.encode(), stdout=handle, cwd=folder, check=True)
    shutil.rmtree(folder)


def _prune(tree: Path, modules: Path) -> None:
    """Most of Debian's modules are for hardware that this guest has not."""
    kernel = modules / "kernel"
    for path in sorted(kernel.rglob("*.ko*")):
        if not str(path.relative_to(kernel)).startswith(_KEPT_MODULES):
            path.unlink()
    for folder in ("boot", "var/cache/apt", "var/lib/apt/lists"):
        shutil.rmtree(tree / folder, ignore_errors=True)
        (tree / folder).mkdir(parents=True, exist_ok=True)
    shutil.rmtree(tree / "dev", ignore_errors=True)  # the guest's kernel makes its own
    (tree / "dev").mkdir()
