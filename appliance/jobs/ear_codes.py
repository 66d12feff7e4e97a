"""Whether two clips that nobody has named hold the same announcement, cut in anywhere.

Both are compared by the ear's own codes (`audio.codes`: slopes of the spectrum, hop by hop) at every offset at once,
by correlation in the frequency domain. They are the same when most of what overlaps is alike: a common opening of two
announcements is not enough.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from audio.codes import N_SLOPES, codes_of

Codes = npt.NDArray[np.int8]
"""Slopes [hops, 16] in 1/100; hops without sound are zero."""

_SCALE = 100.0
_LEAST_HOPS = 200
_ALIKE = 0.45
_ACTIVE_DB = 25.0


def codes(samples: npt.NDArray[np.int16]) -> Codes:
    """Codes of samples [n]; empty for less than a second."""
    if samples.size < 8000:
        return np.zeros((0, N_SLOPES), np.int8)
    found = codes_of(samples)
    loud = found.loud_db > np.percentile(found.loud_db, 97) - _ACTIVE_DB
    return np.round(_SCALE * np.clip(found.slopes, -1, 1) * loud[:, None]).astype(np.int8)


def likeness(one: Codes, other: Codes) -> float:
    """How alike two clips are at their best offset: 0 (nothing in common) to 1, over at least 2 s of overlap."""
    if min(len(one), len(other)) < _LEAST_HOPS:
        return 0.0
    a, b = one.astype(np.float32) / _SCALE, other.astype(np.float32) / _SCALE
    size = 1 << (len(a) + len(b)).bit_length()
    product = np.fft.rfft(b, size, axis=0) * np.conj(np.fft.rfft(a, size, axis=0))
    common = np.fft.irfft(product.sum(axis=1), size)
    sums = [np.concatenate(([0.0], np.cumsum(np.einsum("ij,ij->i", x, x)))) for x in (a, b)]
    offsets = np.arange(_LEAST_HOPS - len(a), len(b) - _LEAST_HOPS + 1)  # of b's hop against a's first one
    first, last = np.maximum(0, -offsets), np.minimum(len(a), len(b) - offsets)
    energy_a = sums[0][last] - sums[0][first]
    energy_b = sums[1][last + offsets] - sums[1][first + offsets]
    energy = np.sqrt(np.maximum(energy_a * energy_b, 1e-6))
    enough = np.minimum(energy_a, energy_b) > _LEAST_HOPS / 2  # not only pauses lie side by side
    return float(np.max(np.where(enough, common[offsets] / energy, 0.0), initial=0.0))


def same(one: Codes, other: Codes) -> bool:
    """Whether the two hold the same announcement."""
    return likeness(one, other) >= _ALIKE
