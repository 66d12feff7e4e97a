"""What a fingerprint is made of: how the slope of the spectrum moves, hop by hop, in sixteen steps from 330 to 3400 Hz.

The level difference of neighbouring bands, against the same difference a moment before, is blind to level, to the
channel's colour and to steady noise (Haitsma and Kalker, "A highly robust audio fingerprinting system", ISMIR 2002).
Two codes come of it: `slopes` (60 ms apart, clipped to +-6 dB) to compare with, and `bits` (their signs over 160 ms,
one 16-bit word a hop) to look up with.
"""

from dataclasses import dataclass, fields
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from audio.features import HOP, N_CODED, FrontEnd

N_SLOPES = N_CODED - 1
_SMOOTH, _LAG = 3, 6
_WORD_HOPS = 8
"""So many hops are added up; `Coder.push` adds them by hand, so that every cut into pushes gives the same."""
_PAST = 2 * _WORD_HOPS
_CLIP_DB = np.float32(6.0)
_BELOW_PEAK_DB, _LOWEST_DB = 45.0, -75.0
_PEAK_DECAY_DB = 0.1

Slopes = NDArray[np.float32]


@dataclass(slots=True)
class Codes:
    """Codes of hops in a row.

    slopes [hops, 16] in -1..1; bits [hops] 0..65535; margins [hops, 16] how far each bit is from flipping, dB;
    loud_db [hops] level of the loudest band; below_peak_db [hops] the same against the loudest of the last seconds.
    """

    slopes: Slopes
    bits: NDArray[np.uint16]
    margins: NDArray[np.float32]
    loud_db: NDArray[np.float32]
    below_peak_db: NDArray[np.float32]

    def part(self, start: int, stop: int) -> "Codes":
        """The same for some of the hops."""
        return Codes(*(values[start:stop] for values in _values(self)))

    def followed_by(self, other: "Codes") -> "Codes":
        """These hops and then the other's."""
        return Codes(*(np.concatenate(pair) for pair in zip(_values(self), _values(other), strict=True)))


_values = attrgetter(*(field.name for field in fields(Codes)))


class Coder:
    """Streaming coder of one line; the same codes however the hops are cut into pushes."""

    def __init__(self) -> None:
        self._past = np.zeros((_PAST, N_SLOPES), np.float32)
        self._peak_db = _LOWEST_DB + _BELOW_PEAK_DB

    def push(self, bands: NDArray[np.float32]) -> Codes:
        """Codes of `Features.coded_db` [hops, 17]."""
        hops = len(bands)
        loud = np.maximum.reduce(np.ascontiguousarray(bands.T), axis=0)  # rows are quicker than short columns
        fall = np.arange(1, hops + 1, dtype=np.float32) * np.float32(_PEAK_DECAY_DB)
        peak = np.maximum(np.maximum.accumulate(loud + fall), self._peak_db) - fall
        self._peak_db = float(peak[-1])
        floored = np.maximum(bands, np.maximum(peak - _BELOW_PEAK_DB, _LOWEST_DB)[:, None])
        joined = np.empty((_PAST + hops, N_SLOPES), np.float32)
        joined[:_PAST] = self._past
        np.subtract(floored[:, 1:], floored[:, :-1], out=joined[_PAST:])
        self._past = joined[hops:]
        smooth = (joined[2:] + joined[1:-1] + joined[:-2])[-hops - _LAG :]
        slopes = (smooth[_LAG:] - smooth[:-_LAG]) * (1 / (_SMOOTH * _CLIP_DB))
        pairs = joined[1:] + joined[:-1]
        fours = pairs[2:] + pairs[:-2]
        eights = (fours[4:] + fours[:-4])[-hops - _WORD_HOPS :]
        moved = eights[_WORD_HOPS:] - eights[:-_WORD_HOPS]
        bits = np.packbits(moved > 0, bitorder="little").view("<u2")
        np.minimum(np.maximum(slopes, -1, out=slopes), 1, out=slopes)
        return Codes(slopes, bits, np.abs(moved, out=moved) * np.float32(1 / _WORD_HOPS), loud, loud - peak)


def codes_of(samples: NDArray[np.int16]) -> Codes:
    """Codes of a recording, int16 samples [n]; what is left over behind the last whole hop is dropped."""
    whole = samples[: samples.size - samples.size % HOP]
    return Coder().push(FrontEnd().push(whole[None, :]).coded_db[0])
