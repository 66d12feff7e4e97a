"""DTMF digits (ITU-T Q.23/Q.24) from the front end's two strongest peaks: no extra filters run.

A digit counts when one row and one column tone (within 1.8 %) hold nearly all power for 40 ms, and once per press.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ROWS_HZ = (697.0, 770.0, 852.0, 941.0)
COLUMNS_HZ = (1209.0, 1336.0, 1477.0, 1633.0)
_KEYS = "123A456B789C*0#D"
_TOLERANCE = 0.018
_MIN_SHARE = 0.85
_MIN_EACH = 0.10
_MIN_HOPS = 4
_GAP_HOPS = 3
_MARGIN = 0.001

Shares = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Digit:
    """One key press and the time at which it began."""

    key: str
    start_s: float


def may_be_digit(first_share: Shares, second_share: Shares) -> NDArray[np.bool_]:
    """Of hops in any shape, those whose two peaks might be a digit's: a little more than the detector takes."""
    possible: NDArray[np.bool_] = (second_share > _MIN_EACH - _MARGIN) & (
        first_share + second_share > _MIN_SHARE - _MARGIN
    )
    return possible


class DtmfDetector:
    """Streaming detector of one line."""

    def __init__(self) -> None:
        self._hop = 0
        self._key = ""
        self._seen = 0
        self._missing = 0
        self._reported = False

    @property
    def idle(self) -> bool:
        """Whether no digit is being heard, so that hops which cannot be one may be skipped."""
        return not self._key

    def skip(self, hops: int) -> None:
        """So many hops cannot be a digit."""
        self._hop += hops

    def push(
        self,
        first_hz: Sequence[float],
        first_share: Sequence[float],
        second_hz: Sequence[float],
        second_share: Sequence[float],
    ) -> list[Digit]:
        """Digits confirmed in these hops."""
        found: list[Digit] = []
        for f1, s1, f2, s2 in zip(first_hz, first_share, second_hz, second_share, strict=True):
            key = _key(f1, f2) if s2 >= _MIN_EACH and s1 + s2 >= _MIN_SHARE else ""
            if key or self._key:
                self._step(key, found)
            self._hop += 1
        return found

    def _step(self, key: str, found: list[Digit]) -> None:
        if key and key == self._key:
            self._seen += 1
            self._missing = 0
            if self._seen >= _MIN_HOPS and not self._reported:
                self._reported = True
                found.append(Digit(key, (self._hop - self._seen + 1) * 0.01))
            return
        self._missing += 1
        if key or self._missing >= _GAP_HOPS:
            self._key, self._seen, self._missing, self._reported = key, int(bool(key)), 0, False


def _key(first_hz: float, second_hz: float) -> str:
    low, high = (first_hz, second_hz) if first_hz < second_hz else (second_hz, first_hz)
    row = _nearest(low, ROWS_HZ)
    column = _nearest(high, COLUMNS_HZ)
    return _KEYS[4 * row + column] if row >= 0 and column >= 0 else ""


def _nearest(hz: float, table: Sequence[float]) -> int:
    for index, nominal in enumerate(table):
        if abs(hz - nominal) <= _TOLERANCE * nominal:
            return index
    return -1
