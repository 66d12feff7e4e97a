"""Runs inside the guest: writes recordings as the box does (Sun AU spools, synced each second) until told to stop.

Each finished file's SHA-256 stands in `sums` in memory (tmpfs), where no disk can change it.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import struct
import sys
import time
from pathlib import Path

SECONDS, LINES, BYTES_A_SECOND = 4, 6, 32000
HEADER = struct.pack(">4sIIIII", b".snd", 24, 0xFFFFFFFF, 3, 8000, 2)


def main(folder: Path, sums: Path, stop: Path) -> None:
    dice, number, slowest_s, errors = random.Random(1), 0, 0.0, []
    while not stop.exists():
        names = [folder / f"{number + line:06d}.au" for line in range(LINES)]
        number += LINES
        digests = [hashlib.sha256(HEADER) for _ in names]
        try:
            handles = [name.open("wb") for name in names]
            for handle in handles:
                handle.write(HEADER)
            for _ in range(SECONDS):
                begun = time.monotonic()
                for handle, digest in zip(handles, digests, strict=True):
                    piece = dice.randbytes(BYTES_A_SECOND)
                    handle.write(piece)
                    digest.update(piece)
                    handle.flush()
                    os.fsync(handle.fileno())
                slowest_s = max(slowest_s, time.monotonic() - begun)
                time.sleep(max(0.0, 1.0 - (time.monotonic() - begun)))
            for handle in handles:
                handle.close()
        except OSError as error:
            errors.append(str(error))
            break
        with sums.open("a") as listed:
            for name, digest in zip(names, digests, strict=True):
                listed.write(f"{digest.hexdigest()}  {name}\n")
    report = {"files": number, "slowest_s": round(slowest_s, 3), "errors": errors}
    stop.with_name("written.json").write_text(json.dumps(report))


if __name__ == "__main__":
    main(*(Path(word) for word in sys.argv[1:4]))
