"""How likely a row of tones and gaps is: each tone's pitch and level, each gap's depth, a tone torn by a lost packet.

Log densities, to be added: Gaussian log-frequency (1.5 % at most), tones alike in level; and the same for "something
else", whose lengths, frequencies and levels are log-uniform. `cadence.py` weighs them against each other.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from audio.memory import Peak
from audio.tones import Element

_SIGMA_HZ = 0.009
_SIGMA_LEVEL_DB, _LEVEL_SPREAD_DB = 2.5, 30.0
_MAX_HZ_ERROR = 0.024
_OTHER_LENGTH = -math.log(math.log(10 / 0.03))
OTHER_HZ = -math.log(math.log(2500 / 300))
OUTLIER = -9.0
"""What a length or a level counts that does not fit at all."""
_PAIR_FLOOR_DB = -13.0
_SINGLE_CEILING_DB = -9.0
_UNMODULATED = -4.0
_TEAR_S = 0.14

Row = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A tone (with its spectrum and level) or a gap; `cut` if its beginning was not heard, `open` if it goes on.

    drop_db   of a gap: how far its level lies below the tone before it
    """

    on: bool
    length_s: float
    spectrum: tuple[Peak, ...] = ()
    cut: bool = False
    open: bool = False
    level_db: float = 0.0
    drop_db: float = 99.0


def mend(heard: Sequence[Stretch]) -> list[Stretch]:
    """The stretches with tones joined that only a lost packet parted."""
    out: list[Stretch] = []
    for stretch in heard:
        torn = len(out) >= 2 and stretch.on and not out[-1].on and out[-1].length_s < _TEAR_S and not out[-1].open
        if not torn:
            out.append(stretch)
            continue
        gap, first = out.pop(), out.pop()
        length_s = first.length_s + gap.length_s + stretch.length_s
        longer = first if first.length_s >= stretch.length_s or not stretch.spectrum else stretch
        out.append(Stretch(True, length_s, longer.spectrum, first.cut, stretch.open, longer.level_db))
    return out


def log_survival(z: Row) -> Row:
    """log of the chance that a normal deviate exceeds z (within 0.2 %)."""
    x = np.abs(z) * math.sqrt(0.5)
    t = 1 / (1 + 0.47047 * x)
    tail = np.maximum(0.5 * t * (0.3480242 + t * (-0.0958798 + t * 0.7478556)) * np.exp(-x * x), 1e-30)
    result: Row = np.log(np.where(z > 0, tail, 1 - tail))
    return result


def other_score(stretch: Stretch) -> float:
    """Log density of the length and pitch of a stretch of something else."""
    score = 0.0
    if stretch.open:
        score += math.log(max(0.02, math.log(10 / max(stretch.length_s, 0.03)) / math.log(10 / 0.03)))
    else:
        score += _OTHER_LENGTH
    return score + (OTHER_HZ if stretch.on else 0.0)


def _levels(heard: Sequence[Stretch]) -> list[float]:
    return [s.level_db for s in heard if s.on and s.spectrum]


def steady(heard: Sequence[Stretch]) -> float:
    """Log density of each tone's level, given that of the tone before."""
    score = 0.0
    for one, other in pairwise(_levels(heard)):
        z = (other - one) / _SIGMA_LEVEL_DB
        score += max(-0.5 * z * z - math.log(_SIGMA_LEVEL_DB * math.sqrt(2 * math.pi)), 0.6 * OUTLIER)
    return score


def loose_levels(heard: Sequence[Stretch]) -> float:
    """The same where levels do not hang together."""
    return -math.log(_LEVEL_SPREAD_DB) * max(0, len(_levels(heard)) - 1)


def spectrum_score(spectrum: Sequence[Peak], element: Element) -> float:
    """Log density of ln(frequency) of the strongest tone, with the shape (one, two, modulated) as a condition."""
    if element.modulated:
        carrier, beside = _carrier(spectrum, element.second_hz)
        return _hz_score(carrier, element.first_hz) + (0.0 if beside else _UNMODULATED)
    if element.second_hz == 0:
        top = spectrum[0][0]
        rivals = [p for p in spectrum[1:] if p[1] > _SINGLE_CEILING_DB]
        return _hz_score(top, element.first_hz) + (OUTLIER if rivals else 0.0)
    if len(spectrum) < 2 or spectrum[1][1] < _PAIR_FLOOR_DB:
        return 2 * OUTLIER
    low, high = sorted(p[0] for p in spectrum[:2])
    error = abs(math.log(high / element.second_hz) - math.log(low / element.first_hz))
    mean = math.sqrt(low * high)
    nominal = math.sqrt(element.first_hz * element.second_hz)
    return _hz_score(mean, nominal) - 0.5 * (error / 0.012) ** 2


def _carrier(spectrum: Sequence[Peak], by_hz: float) -> tuple[float, bool]:
    """Centre of the strongest tone and its sidebands (a deeply modulated carrier may not be the highest peak)."""
    top = spectrum[0][0]
    near = [p[0] for p in spectrum[1:] if 0.5 * by_hz <= abs(p[0] - top) <= 2.3 * by_hz]
    together = sorted((top, *near))
    return (together[1] if len(near) >= 2 else top), bool(near)


def _hz_score(hz: float, nominal_hz: float) -> float:
    error = math.log(hz / nominal_hz)
    if abs(error) > _MAX_HZ_ERROR:
        return 3 * OUTLIER
    return -0.5 * (error / _SIGMA_HZ) ** 2 - math.log(_SIGMA_HZ * math.sqrt(2 * math.pi))
