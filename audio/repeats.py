"""The same words again: a line's codes against its own past. What an exchange plays, it plays over and over."""

import numpy as np
from numpy.typing import NDArray

from audio.codes import N_SLOPES

_HISTORY = 1500
_BACK = np.arange(0, 48, 4)
_MOST_WRONG = round(0.32 * _BACK.size * N_SLOPES)
_LEAST_LAG = 120
_SAME_LAG = 2
_MIN_VOICE = 30
_WANTED = 3
_WITHIN = 5


class Repeats:
    """Streaming self-match of one line, over the last 15 s."""

    def __init__(self) -> None:
        self._bits = np.zeros(0, np.int64)
        self._voiced = np.zeros(0, np.bool_)
        self._lags: list[int] = []
        self.lag_s: float | None = None
        """How long ago the line said the same, once that was seen."""

    def push(self, bits: NDArray[np.int64], voiced: NDArray[np.bool_]) -> None:
        """Take words and voice decisions of the next hops [n]."""
        self._bits = np.concatenate((self._bits, bits))[-_HISTORY:]
        self._voiced = np.concatenate((self._voiced, voiced))[-_HISTORY:]
        size = self._bits.size
        if self.lag_s is not None or size < _LEAST_LAG + 2 * _BACK[-1]:
            return
        lag = self._closest(size) if self._voiced[-_BACK[-1] :].sum() >= _MIN_VOICE else 0
        self._lags = [*self._lags, lag][-_WITHIN:]
        alike = sum(abs(lag - other) <= _SAME_LAG for other in self._lags)
        if lag and alike >= _WANTED:
            self.lag_s = lag / 100

    def _closest(self, size: int) -> int:
        """The lag at which the last half second was heard before; 0 for none."""
        last = size - 1
        places = np.arange(_BACK[-1], size - _LEAST_LAG)
        wrong = np.bitwise_count(self._bits[places[:, None] - _BACK] ^ self._bits[last - _BACK]).sum(axis=1)
        best = int(wrong.argmin())
        return last - int(places[best]) if wrong[best] <= _MOST_WRONG else 0
