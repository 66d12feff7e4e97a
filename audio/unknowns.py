"""Announcements that nobody has enrolled yet: whether two recordings hold the same one, and groups of such.

Works on the 16-bit words of `codes.py`, cut in anywhere and through any codec. What counts is how alike they are where
they are least alike, at the best of all offsets, so a common opening is not enough.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from audio.codes import N_SLOPES, codes_of

Words = NDArray[np.int64]
ALIKE = 0.28
"""At this likeness and above two recordings hold the same announcement."""
SILENT = -1
"""Stands for the word of a hop without sound."""
_LEAST_HOPS = 200
_COARSE = 4
_WINDOW = 50
_LEAST_HEARD = 20
_SILENT_DB = 25.0


def words_of(samples: NDArray[np.int16]) -> Words:
    """Words of a recording, int16 samples [n]; hops without sound are `SILENT`. They fit into int32."""
    coded = codes_of(samples)
    sound = coded.loud_db > np.percentile(coded.loud_db, 97) - _SILENT_DB
    return np.where(sound, coded.bits.astype(np.int64), SILENT)


def likeness(one: Words, other: Words, least_hops: int = _LEAST_HOPS) -> float:
    """How alike two recordings are where they are least so, at the best offset: about 0 for strangers, at most 1.

    Taken is the lowest quarter of windows of half a second; they must overlap by 2 s.
    """
    short, long = sorted((one, other), key=len)
    if short.size < least_hops:
        return 0.0
    offsets = range(least_hops - short.size, long.size - least_hops + 1)
    rough = [float(np.mean(_agreement(short, long, offset, _COARSE)[0])) for offset in offsets]
    best = offsets[int(np.argmax(rough))]
    return max(0.0, *(_weakest(short, long, offset) for offset in (best - 1, best, best + 1)))


def _agreement(short: Words, long: Words, offset: int, step: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(1 minus twice the share of wrong bits, 0 in silence; whether both have sound) of the hops of the overlap."""
    first, last = max(0, -offset), min(short.size, long.size - offset)
    here, there = short[first:last:step], long[first + offset : last + offset : step]
    heard = (here != SILENT) & (there != SILENT)
    return np.where(heard, 1 - 2 * np.bitwise_count(here ^ there) / N_SLOPES, 0.0), heard


def _weakest(short: Words, long: Words, offset: int) -> float:
    alike, heard = _agreement(short, long, offset, 1)
    size = alike.size // _WINDOW * _WINDOW
    sums, counts = (values[:size].reshape(-1, _WINDOW).sum(axis=1) for values in (alike, heard))
    enough = counts >= _LEAST_HEARD
    if np.count_nonzero(enough) * _WINDOW < _LEAST_HOPS // 2:
        return 0.0
    return float(np.percentile(sums[enough] / counts[enough], 25))


def same(one: Words, other: Words) -> bool:
    """Whether two recordings hold the same announcement."""
    return likeness(one, other) >= ALIKE


def cluster(recordings: Sequence[Words]) -> list[list[int]]:
    """Groups of recordings (their numbers) that are the same as the first of their group, biggest group first."""
    groups: list[list[int]] = []
    for number, words in enumerate(recordings):
        home = next((group for group in groups if same(recordings[group[0]], words)), None)
        if home is None:
            groups.append([number])
        else:
            home.append(number)
    return sorted(groups, key=len, reverse=True)
