"""Cross-validation by source: a voice or package is in one fold, whatever clips are made of it.

A figure is honest only when the voice it was measured on was never trained on. Text-to-speech is held out by voice,
recorded prompts by package, volunteers by speaker, music by package and file.
"""

import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

FOLDS = 5


def source_group(row: Mapping[str, str]) -> str:
    """Name of the source a clip is made of: the voice, else the package."""
    package, files = row["source_pkg"], row["source_files"]
    first = files.split(":")[0]
    if package.startswith("asterisk"):
        return "prompts:" + package
    if package.startswith("tuxpaint"):
        return "tux_" + first.removeprefix("tux_")
    if package.startswith(("flite", "espeak")):
        return package
    if package.startswith("codec2"):
        return "codec2:" + first
    if row["label"] == "music":
        return f"{package}:{zlib.crc32(files.split('@')[0].encode()) % 20}"
    if package in ("ktuberling-data", "klettres-data", "hedgewars-data"):
        return first
    return f"{package}:{first}"


def assign(rows: Sequence[Mapping[str, str]], folds: int = FOLDS) -> NDArray[np.int64]:
    """Fold of each row: the sources of each kind are dealt out in turn, biggest first, so folds resemble each other."""
    sizes: dict[str, int] = defaultdict(int)
    for row in rows:
        sizes[source_group(row)] += 1
    kinds: dict[str, list[str]] = defaultdict(list)
    for name in sorted(sizes, key=lambda name: (-sizes[name], name)):
        kinds[name.replace("_", ":").split(":")[0]].append(name)
    fold: dict[str, int] = {}
    for offset, kind in enumerate(sorted(kinds)):
        for place, name in enumerate(kinds[kind]):
            fold[name] = (place + offset) % folds
    return np.array([fold[source_group(row)] for row in rows], np.int64)
