"""The same words again: a line's codes against its own past. What an exchange plays, it plays over and over."""

from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from audio.codes import N_SLOPES

_HISTORY = 1500
_BACK = np.arange(0, 48, 4)
_MOST_WRONG = round(0.32 * _BACK.size * N_SLOPES)
_LEAST_LAG = 120
_SAME_LAG = 2
LEAST_VOICE, VOICE_HOPS = 30, 44
"""So many of the last hops must be voice for a look."""
LONGEST_HOPS = _HISTORY
"""More hops do not fit into one push."""
_WANTED = 3
_WITHIN = 5


class Repeats:
    """Streaming self-match of one line, over the last 15 s."""

    def __init__(self) -> None:
        self._bits = np.zeros(2 * _HISTORY, np.uint16)
        self._fill = 0
        self._voiced: deque[bool] = deque(maxlen=VOICE_HOPS)
        self._lags: list[int] = []
        self.lag_s: float | None = None
        """How long ago the line said the same, once that was seen."""

    @property
    def voiced_hops(self) -> int:
        """How many of the last `VOICE_HOPS` hops are voice."""
        return sum(self._voiced)

    def push(self, bits: NDArray[np.uint16], voiced: Sequence[bool]) -> None:
        """Take words and voice decisions of the next hops [n]."""
        if self.lag_s is not None:
            return
        self._voiced.extend(voiced)
        if self._fill + bits.size > self._bits.size:
            self._bits[:_HISTORY] = self._bits[self._fill - _HISTORY : self._fill]
            self._fill = _HISTORY
        self._bits[self._fill : self._fill + bits.size] = bits
        self._fill += bits.size
        past = self._bits[max(0, self._fill - _HISTORY) : self._fill]
        if past.size < _LEAST_LAG + 2 * _BACK[-1]:
            return
        lag = _closest(past) if self.voiced_hops >= LEAST_VOICE else 0
        self._lags = [*self._lags, lag][-_WITHIN:]
        alike = sum(abs(lag - other) <= _SAME_LAG for other in self._lags)
        if lag and alike >= _WANTED:
            self.lag_s = lag / 100


def _closest(bits: NDArray[np.uint16]) -> int:
    """The lag at which the last half second was heard before; 0 for none."""
    reach = int(_BACK[-1]) + 1
    windows = sliding_window_view(bits, reach)[:, :: -int(_BACK[1])]  # each from its last hop back
    wrong = np.bitwise_count(windows[:-_LEAST_LAG] ^ windows[-1]).sum(axis=1, dtype=np.uint16)
    best = int(wrong.argmin())
    return windows.shape[0] - 1 - best if wrong[best] <= _MOST_WRONG else 0
