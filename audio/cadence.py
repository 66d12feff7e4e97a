"""Which call-progress tone is this? A Bayesian match of tone runs and gaps against the country's plan.

Every pattern of the plan, at every point where one may have come in, predicts frequencies and the lengths of tones
and gaps: log-normal lengths (cadences drift by 10 %), Gaussian log-frequency (1.5 %). A model of "something else"
(lengths and frequencies log-uniform) competes. The label wins whose patterns together reach the wanted posterior.
A stretch still going on counts by the chance that it would have lasted so long.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from audio.labels import Label
from audio.memory import Peak
from audio.tones import Element, Tone, plan, plans

_SIGMA_LENGTH = 0.06
_SIGMA_EDGE_S = 0.012
_SIGMA_HZ = 0.009
_MAX_HZ_ERROR = 0.024
_OTHER_LENGTH = -math.log(math.log(10 / 0.03))
_OTHER_HZ = -math.log(math.log(2500 / 300))
_OTHER_PRIOR = 0.5
_MAX_GAP_S = 7.0
_OUTLIER = -9.0
_MAX_STRETCHES = 10
_PAIR_FLOOR_DB = -13.0
_SINGLE_CEILING_DB = -9.0
_SIDEBAND_HZ = 60.0
_ENOUGH_TONES = 3
_RING_SLACK = 1.15
_LONG_GAP = 1.5
_SAME_HZ = 12.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """A tone (with its spectrum) or a gap; `cut` if its beginning was not heard, `open` if it goes on."""

    on: bool
    length_s: float
    spectrum: tuple[Peak, ...] = ()
    cut: bool = False
    open: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """The most likely label, its posterior, and the country plan of its best pattern.

    in_a_row   tones up to now without a gap too long for the pattern
    sounded_s  how long they last together
    ring_s     how long a ring of the same pitch sounds in this plan; 0 when no ring-back has this pitch
    """

    label: Label
    probability: float
    country: str
    period_s: float
    tones_heard: int
    in_a_row: int
    sounded_s: float
    ring_s: float

    @property
    def may_be_torn_ring(self) -> bool:
        """Whether one ring with holes in it (lost packets, a late clock) could have given these tones."""
        return self.ring_s > 0 and self.in_a_row < _ENOUGH_TONES and self.sounded_s < _RING_SLACK * self.ring_s


@dataclass(slots=True)
class CadenceMatcher:
    """Matches against one country's plan, or against all plans when the country is None or has no plan."""

    country: str | None
    _patterns: list[Tone] = field(init=False)

    def __post_init__(self) -> None:
        own = plan(self.country) if self.country else None
        tones = own.tones if own else [t for p in plans().values() for t in p.tones]
        unique = {(t.label, t.elements): t for t in reversed(tones)}
        self._patterns = list(unique.values())

    @property
    def national(self) -> bool:
        """Whether only one country's plan is matched."""
        return self.country is not None and plan(self.country) is not None

    def match(self, stretches: Sequence[Stretch]) -> Match | None:
        """Best label for stretches that alternate and begin with a tone; None when nothing fits better."""
        heard = list(stretches[-_MAX_STRETCHES:])
        if heard and not heard[0].on:
            heard = heard[1:]
        if not heard:
            return None
        other = math.log(_OTHER_PRIOR) + sum(_other_score(s) for s in heard)
        share = (1 - _OTHER_PRIOR) / len({t.label for t in self._patterns})
        counts = {label: sum(t.label is label for t in self._patterns) for label in Label}
        by_label: dict[Label, float] = {}
        best: tuple[float, Tone] | None = None
        for tone in self._patterns:
            score = _tone_score(tone, heard)
            if score is None:
                continue
            score += math.log(share / counts[tone.label])
            by_label[tone.label] = _add_logs(by_label.get(tone.label, -math.inf), score)
            if best is None or score > best[0]:
                best = (score, tone)
        if best is None:
            return None
        label = max(by_label, key=lambda k: by_label[k])
        total = other
        for score in by_label.values():
            total = _add_logs(total, score)
        chosen = max((t for t in self._patterns if t.label is label), key=lambda t: _tone_score(t, heard) or -1e9)
        row = _row(chosen, heard)
        return Match(
            label,
            math.exp(by_label[label] - total),
            chosen.country,
            chosen.period_s,
            tones_heard=sum(s.on for s in heard),
            in_a_row=len(row),
            sounded_s=sum(row),
            ring_s=max((_sounding_s(t) for t in self._patterns if _rings_like(t, chosen)), default=0.0),
        )


def _sounding_s(tone: Tone) -> float:
    return sum(e.duration_s for e in tone.elements if e.first_hz)


def _row(tone: Tone, heard: Sequence[Stretch]) -> list[float]:
    """Lengths of the last tones heard, back to a gap that is too long for the pattern."""
    longest_s = _LONG_GAP * max((e.duration_s for e in tone.elements if not e.first_hz), default=0.0)
    row: list[float] = []
    for stretch in reversed(heard):
        if stretch.on:
            row.append(stretch.length_s)
        elif stretch.length_s > longest_s:
            break
    return row


def _rings_like(tone: Tone, other: Tone) -> bool:
    """Whether a tone is a ring-back with the pitch of another."""
    if tone.label is not Label.RINGBACK:
        return False
    one, two = (next(e for e in t.elements if e.first_hz) for t in (tone, other))
    return abs(one.first_hz - two.first_hz) < _SAME_HZ and abs(one.second_hz - two.second_hz) < _SAME_HZ


def _add_logs(a: float, b: float) -> float:
    high, low = (a, b) if a > b else (b, a)
    return high if low == -math.inf else high + math.log1p(math.exp(low - high))


def _tone_score(tone: Tone, heard: Sequence[Stretch]) -> float | None:
    """Log likelihood of the stretches under a pattern that came in at any of its tones; None if impossible."""
    total = -math.inf
    starts = [i for i, e in enumerate(tone.elements) if e.first_hz]
    for start in starts:
        score = -math.log(len(starts))
        for index, stretch in enumerate(heard):
            element = tone.elements[(start + index) % len(tone.elements)]
            if stretch.on != (element.first_hz > 0):
                score = -math.inf
                break
            score += _length_score(stretch, element.duration_s)
            if stretch.on:
                score += _spectrum_score(stretch.spectrum, element)
            if score < -200:
                break
        total = _add_logs(total, score)
    return total if total > -200 else None


def _length_score(stretch: Stretch, nominal_s: float) -> float:
    """Log density of ln(length), or log survival of a stretch that goes on."""
    sigma = _SIGMA_LENGTH + _SIGMA_EDGE_S / nominal_s
    z = math.log(max(stretch.length_s, 0.01) / nominal_s) / sigma
    if stretch.open or stretch.cut:
        survival = math.log(max(0.5 * math.erfc(z / math.sqrt(2)), 1e-30))
        if stretch.open:
            return max(survival, 2 * _OUTLIER)
        return max(survival + math.log(max(stretch.length_s, 0.01) / nominal_s), 2 * _OUTLIER)
    return max(-0.5 * z * z - math.log(sigma * math.sqrt(2 * math.pi)), _OUTLIER)


def _other_score(stretch: Stretch) -> float:
    score = 0.0
    if stretch.open:
        score += math.log(max(0.02, math.log(10 / max(stretch.length_s, 0.03)) / math.log(10 / 0.03)))
    else:
        score += _OTHER_LENGTH
    return score + (_OTHER_HZ if stretch.on else 0.0)


def _spectrum_score(spectrum: Sequence[Peak], element: Element) -> float:
    """Log density of ln(frequency) of the strongest tone, with the shape (one, two, modulated) as a condition."""
    if not spectrum:
        return _OTHER_HZ
    if element.modulated:
        return _hz_score(_carrier(spectrum), element.first_hz)
    if element.second_hz == 0:
        top = spectrum[0][0]
        rivals = [p for p in spectrum[1:] if p[1] > _SINGLE_CEILING_DB]
        return _hz_score(top, element.first_hz) + (_OUTLIER if rivals else 0.0)
    if len(spectrum) < 2 or spectrum[1][1] < _PAIR_FLOOR_DB:
        return 2 * _OUTLIER
    low, high = sorted(p[0] for p in spectrum[:2])
    error = abs(math.log(high / element.second_hz) - math.log(low / element.first_hz))
    mean = math.sqrt(low * high)
    nominal = math.sqrt(element.first_hz * element.second_hz)
    return _hz_score(mean, nominal) - 0.5 * (error / 0.012) ** 2


def _carrier(spectrum: Sequence[Peak]) -> float:
    """Centre of the strongest tone and its sidebands: a deeply modulated carrier may not be the highest peak."""
    near = sorted(p[0] for p in spectrum if abs(p[0] - spectrum[0][0]) <= _SIDEBAND_HZ)
    return near[len(near) // 2]


def _hz_score(hz: float, nominal_hz: float) -> float:
    error = math.log(hz / nominal_hz)
    if abs(error) > _MAX_HZ_ERROR:
        return 3 * _OUTLIER
    return -0.5 * (error / _SIGMA_HZ) ** 2 - math.log(_SIGMA_HZ * math.sqrt(2 * math.pi))
