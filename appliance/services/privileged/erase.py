"""Destroy the key slots of the data partition's LUKS header, so that nothing on it can be read any more.

Root's part; run by `privd` only. Prints one word: `erased`, or `plain` where the partition is not encrypted (then the
product destroys its own keys alone). What is open goes on until the box is switched off.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PARTITIONS = (Path("/dev/callbox/slot/data"), Path("/dev/disk/by-partlabel/data"))


def main(partitions: tuple[Path, ...] = PARTITIONS) -> int:
    """Returns the exit status of cryptsetup."""
    partition = next((one for one in partitions if one.exists()), None)
    if partition is None or subprocess.run(["cryptsetup", "isLuks", str(partition)], check=False).returncode != 0:
        print("plain")
        return 0
    ran = subprocess.run(["cryptsetup", "luksErase", "--batch-mode", str(partition)], check=False)
    if ran.returncode == 0:
        print("erased")
    return ran.returncode


if __name__ == "__main__":
    sys.exit(main())
