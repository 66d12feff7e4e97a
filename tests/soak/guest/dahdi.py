"""DAHDI for the guest: Debian's dahdi-dkms compiled against the guest's kernel, and Debian's tools, in one tar."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.soak.guest.image import cache_folder

_PACKAGES = ("linux-headers-amd64", "build-essential", "dahdi-dkms", "dahdi", "dkms", "kmod")
_TAKEN = (
    "lib/modules/*/updates usr/sbin/dahdi_* usr/sbin/dahdi_cfg usr/lib/x86_64-linux-gnu/libtonezone* usr/share/dahdi"
)


def make_dahdi() -> Path:
    """Return the tar, made when it is not there yet (3 min of one processor, about 400 MB from Debian's mirror)."""
    tar = cache_folder() / "dahdi.tar"
    if tar.exists():
        return tar
    tar.parent.mkdir(parents=True, exist_ok=True)
    unfinished = tar.with_suffix(".new")
    compile_all = 'chroot "$1" sh -c "dkms autoinstall -k $(ls "$1/lib/modules" | head -1)"'
    subprocess.run(
        [
            "mmdebstrap", "--variant=apt", f"--include={','.join(_PACKAGES)}",
            '--aptopt=APT::Install-Recommends "false"', '--aptopt=Acquire::Languages "none"',
            f"--customize-hook={compile_all}", f'--customize-hook=cd "$1" && tar -cf "{unfinished}" {_TAKEN}',
            "bookworm", "/dev/null",
        ],
        check=True, timeout=3000, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    with unfinished.open("ab") as handle:
        handle.truncate(-(-unfinished.stat().st_size // 512) * 512)  # it becomes a disk
    unfinished.replace(tar)
    return tar
