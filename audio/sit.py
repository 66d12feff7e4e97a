"""Special information tones: three rising tones, told apart by frequency and length together.

The four North American types differ only in the first two tones (914 or 985 Hz, 1371 or 1429 Hz; 274 or 380 ms,
Telcordia GR-1162); the ITU-T E.180 information tone is 950/1400/1800 Hz (Russia also 1440) at 330 ms. A type is the
best fit of all six numbers after a common bend of frequency and tempo, so a detuned exchange still reads right.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from audio.labels import Label
from audio.runs import Run
from audio.tones import SIT_SEQUENCES

_BANDS_HZ = ((870.0, 1030.0), (1310.0, 1490.0), (1700.0, 1860.0))
_LENGTH_S = (0.19, 0.5)
_MAX_GAP_S = 0.12
_SIGMA_BEND, _SIGMA_HZ = 0.008, 0.004
_SIGMA_TEMPO, _SIGMA_LENGTH = 0.07, 0.05
_VARIANTS = (*SIT_SEQUENCES.items(), (Label.SIT_INFO, ((950.0, 0.33), (1440.0, 0.33), (1800.0, 0.33))))


@dataclass(frozen=True, slots=True)
class SitMatch:
    """The type, its posterior among the types, and when the sequence began and ended."""

    label: Label
    probability: float
    start_s: float
    stop_s: float


def match(runs: Sequence[Run]) -> SitMatch | None:
    """Judge the last three runs; the third may still be sounding."""
    if len(runs) < 3:
        return None
    three = runs[-3:]
    for run, (low, high) in zip(three, _BANDS_HZ, strict=True):
        if not low <= run.hz <= high or not _LENGTH_S[0] <= run.length_s <= _LENGTH_S[1]:
            return None
    if any(b.start_s - a.stop_s > _MAX_GAP_S for a, b in pairwise(three)):
        return None
    scores: dict[Label, float] = {}
    for label, tones in _VARIANTS:
        score = _score([math.log(r.hz / hz) for r, (hz, _) in zip(three, tones, strict=True)], _SIGMA_BEND, _SIGMA_HZ)
        lengths = [math.log(r.length_s / s) for r, (_, s) in zip(three, tones, strict=True)]
        score += _score(lengths, _SIGMA_TEMPO, _SIGMA_LENGTH)
        scores[label] = max(score, scores.get(label, -math.inf))
    best = max(scores, key=lambda k: scores[k])
    total = sum(math.exp(s - scores[best]) for s in scores.values())
    return SitMatch(best, 1 / total, three[0].start_s, three[2].stop_s)


def _score(errors: Sequence[float], sigma_common: float, sigma_each: float) -> float:
    """Log likelihood of errors that share one Gaussian offset (profiled out in closed form)."""
    n = len(errors)
    weight = sigma_common**2 / (sigma_each**2 + n * sigma_common**2)
    common = weight * sum(errors)
    rest = sum((e - common) ** 2 for e in errors) / sigma_each**2
    return -0.5 * (rest + (common / sigma_common) ** 2)
