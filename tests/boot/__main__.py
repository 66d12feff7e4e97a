"""`python -m tests.boot [--short | --stages A,B] [--image DIR] [--out DIR]`: boots the image, prints figures.

Root is needed (a tap device in a network namespace of its own). Everything that the machine wrote is kept in the output
folder; a full run also writes docs/figures/boot.md. With --stages it goes on in the folder as an earlier run left it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.boot import cuts, disks, outside, passphrase, restoring, skew, stages, tpm, updates
from tests.boot.report import write_report

TOP = Path(__file__).resolve().parents[2]
OUT = TOP / "build/boot"
PROGRAMS = ("qemu-system-x86_64", "cpio", "mcopy", "dnsmasq", "ip")
SHORT: tuple[Callable[[stages.Run], None], ...] = (stages.first_boot,)
FULL = (
    *SHORT, stages.boot_directly, stages.boot_by_firmware, restoring.restore_elsewhere, updates.update_and_return,
    cuts.power_flaps, disks.install_mirror, disks.boot_mirror, disks.boot_one_disk, disks.keep_data_locked,
    tpm.keep_data_by_tpm, passphrase.keep_data_by_passphrase, skew.from_first_release,
)  # fmt: skip
NAMES = {stage.__name__: stage for stage in (*FULL, cuts.power_cuts)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="one boot only")
    parser.add_argument("--stages", default="", help="only these, in the folder as it is: " + ", ".join(NAMES))
    parser.add_argument("--image", type=Path, default=TOP / "build/image")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--cuts", type=int, default=20, help="how often the power goes in the stage power_cuts")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the instants of power_cuts")
    words = parser.parse_args()
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    missing = [name for name in PROGRAMS if shutil.which(name, path=path) is None]
    if missing:
        print(f"not installed here: {', '.join(missing)}", file=sys.stderr)
        return 2
    os.environ["PATH"] = path
    chosen = [NAMES[name] for name in words.stages.split(",") if name] or [*(SHORT if words.short else FULL)]
    if not words.stages and not skew.first_image(words.image).exists():
        print(f"from_first_release is left out: there is no {skew.first_image(words.image)}", file=sys.stderr)
        chosen = [stage for stage in chosen if stage is not skew.from_first_release]
    summary = words.out / "summary.json"
    if not words.stages:
        shutil.rmtree(words.out, ignore_errors=True)
    words.out.mkdir(parents=True, exist_ok=True)
    with outside.world(words.out) as home:
        run = stages.Run(words.image, words.out, home, words.cuts, words.seed)
        if summary.exists():
            run.figures.update(json.loads(summary.read_text()))
        for stage in chosen:
            started_s = time.monotonic()
            load = os.getloadavg()[0]
            print(f"{stage.__name__} (load {load:.1f}) …", file=sys.stderr, flush=True)
            stage(run)
            run.figures[f"{stage.__name__}_took_s"] = round(time.monotonic() - started_s, 1)
            run.figures[f"{stage.__name__}_load"] = round(load, 1)
            run.save()
            print(f"{stage.__name__}: {run.figures[f'{stage.__name__}_took_s']} s", file=sys.stderr, flush=True)
    print(json.dumps(run.figures))
    if words.out.resolve() == OUT and not words.short and "around" in run.figures:
        write_report(run.figures, words.image, TOP / "docs/figures/boot.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
