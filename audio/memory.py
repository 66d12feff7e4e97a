"""The last seconds of a line's samples, addressed by time: detectors go back to them for a closer look."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 8000
_SCALE = np.float32(1 / 32768)
_hanning = lru_cache(maxsize=64)(np.hanning)


class Memory:
    """Samples of the last `seconds` and of the last push; given out as float32 in [-1, 1]."""

    def __init__(self, seconds: float) -> None:
        self._size = round(seconds * RATE_HZ)
        self._data = np.zeros(self._size * 2, np.int16)
        self._end = 0
        self._fill = 0

    def push(self, samples: NDArray[np.int16]) -> None:
        """Append int16 samples [n]."""
        if self._fill + samples.size > self._data.size:
            kept = self._data[max(0, self._fill - self._size) : self._fill]
            if kept.size + samples.size > self._data.size:
                self._data = np.zeros(self._size + samples.size, np.int16)
            self._data[: kept.size] = kept
            self._fill = kept.size
        self._data[self._fill : self._fill + samples.size] = samples
        self._fill += samples.size
        self._end += samples.size

    def get(self, start_s: float, stop_s: float) -> NDArray[np.float32]:
        """Samples between two times of the phase, cut to what is still remembered."""
        base = self._end - self._fill
        first = max(0, round(start_s * RATE_HZ) - base)
        last = max(first, min(self._fill, round(stop_s * RATE_HZ) - base))
        return self._data[first:last] * _SCALE


Peak = tuple[float, float]
"""(Hz, dB below the strongest)."""


def peaks(samples: NDArray[np.float32], *, floor_db: float = -18.0, most: int = 4) -> list[Peak]:
    """Sine components of a stretch of up to 4096 samples, strongest first, by one zero-padded Hann FFT.

    Resolves tones about 4/duration Hz apart: 25 Hz in 160 ms. Needs at least 400 samples, else no peaks.
    """
    if samples.size < 400:
        return []
    cut = samples[:4096]
    magnitude = np.abs(np.fft.rfft(cut * _hanning(cut.size), 8192))
    magnitude[:180] = 0
    inner = magnitude[1:-1]
    tops = np.flatnonzero((inner > magnitude[:-2]) & (inner >= magnitude[2:])) + 1
    strongest = float(magnitude.max())
    if strongest <= 0 or tops.size == 0:
        return []
    tops = tops[magnitude[tops] > strongest * 10 ** (floor_db / 20)]
    tops = tops[np.argsort(-magnitude[tops])][:most]
    return [(float(k) * RATE_HZ / 8192, 20 * float(np.log10(magnitude[k] / strongest))) for k in tops]
