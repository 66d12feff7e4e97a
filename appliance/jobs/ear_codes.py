"""Fingerprint of a clip as a row of 32-bit codes, and whether two clips hold the same announcement.

Signs of energy differences between neighbouring bands and moments, 16 ms apart (Haitsma and Kalker, "A Highly Robust
Audio Fingerprinting System", ISMIR 2002), over 300 to 3,400 Hz. Unlike the library's landmarks they compare two calls
that nobody has named yet, cut in anywhere.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.uint32]
_RATE_HZ, _FRAME, _HOP, _BANDS = 8000, 512, 128, 33
_LOW_HZ, _HIGH_HZ = 300.0, 3400.0
_LEAST = round(2.5 * _RATE_HZ / _HOP)  # codes that must lie side by side
_MOST_ERRORS = 0.33
_WEIGHTS = (np.uint32(1) << np.arange(_BANDS - 1, dtype=np.uint32)).astype(np.uint32)


def codes(samples: npt.NDArray[np.int16]) -> Codes:
    """Codes [n] of samples; none when there are fewer than two frames."""
    count = (samples.size - _FRAME) // _HOP + 1
    if count < 2:
        return np.zeros(0, np.uint32)
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float32), _FRAME)[::_HOP]
    power = np.abs(np.fft.rfft(frames * np.hanning(_FRAME).astype(np.float32), axis=1)) ** 2
    edges = np.geomspace(_LOW_HZ, _HIGH_HZ, _BANDS + 1) * _FRAME / _RATE_HZ
    energy = np.add.reduceat(power, np.unique(np.round(edges).astype(int))[: _BANDS + 1], axis=1)[:, :_BANDS]
    level = np.log(energy + 1.0)
    steps = np.diff(np.diff(level, axis=1), axis=0)
    return ((steps > 0) @ _WEIGHTS[: steps.shape[1]]).astype(np.uint32)


def same(one: Codes, other: Codes) -> bool:
    """Whether the two hold the same sound somewhere: few wrong bits over seconds at one offset."""
    short, long = sorted((one, other), key=len)
    if short.size < _LEAST:
        return False
    bits = _bits(short), _bits(long)
    for offset in range(_LEAST - short.size, long.size - _LEAST + 1):
        first, last = max(0, -offset), min(short.size, long.size - offset)
        if np.mean(bits[0][first:last] != bits[1][first + offset : last + offset]) < _MOST_ERRORS:
            return True
    return False


def _bits(row: Codes) -> npt.NDArray[np.bool_]:
    bits: npt.NDArray[np.bool_] = (row[:, None] & _WEIGHTS[None, :]) != 0
    return bits
