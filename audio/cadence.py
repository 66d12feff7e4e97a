"""Which call-progress tone is this? A Bayesian match of tone runs and gaps against the country's plan.

Every pattern of the plan, at every point where one may have come in, predicts frequencies and the lengths of tones
and gaps: log-normal lengths (cadences drift by 10 %), Gaussian log-frequency (1.5 %), tones alike in level.
The first tone may have been cut short, a lost packet may have torn a tone. A model of "something else" (lengths,
frequencies and levels log-uniform) competes. The label wins whose patterns together reach the wanted posterior.
A stretch still going on counts by the chance that it would have lasted so long. Patterns are rows of an array: all
plans of the world cost little more than one.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from audio.labels import Label
from audio.memory import Peak
from audio.stretches import (
    OTHER_HZ,
    OUTLIER,
    Row,
    Stretch,
    log_survival,
    loose_levels,
    mend,
    other_score,
    spectrum_score,
    steady,
)
from audio.tones import Element, Plan, Tone, plan, plans

_SIGMA_LENGTH = 0.06
_SIGMA_EDGE_S = 0.012
_OTHER_PRIOR, _SERVICE_PRIOR = 0.5, 0.05
_ENDS, _RIVAL_SHARE = (Label.BUSY, Label.CONGESTION), 0.02
_IMPOSSIBLE = -1e6
_MAX_STRETCHES = 10
_ENOUGH_TONES = 3
_RING_SLACK = 1.15
_LONG_GAP = 1.5
_SAME_HZ = 12.0
_CUT_SHARE, _UNHEARD_SHARE = 0.25, 0.8
_GAP_DROP_DB, _LOUD_GAP, _LOUDEST_GAP = 6.0, 1.5, -8.0
_TORN = -2.5


@dataclass(frozen=True, slots=True)
class Match:
    """The most likely label, its posterior, and the plan of its best pattern.

    decided      the same with what a rival got: waiting longer tells busy and congestion of other countries no better
    known        the chance that it is any tone of the plan
    name         the tone's name in the plan (`busy`, `call_waiting`, ...)
    rival        a tone that sounds the same in this plan, or in some plan when the country is not known
    in_a_row     tones up to now without a gap too long for the pattern
    sounded_s    how long they last together
    ring_s       how long a ring of the same pitch sounds in this plan; 0 when no ring-back has this pitch
    """

    label: Label
    probability: float
    decided: float
    known: float
    country: str
    name: str
    rival: str
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
    national: bool = field(init=False)
    """Whether only one country's plan is matched."""
    _tones: list[Tone] = field(init=False)
    _labels: list[Label] = field(init=False)
    _label_of: NDArray[np.intp] = field(init=False)
    """Of each tone, the place of its label."""
    _rings_s: list[float] = field(init=False)
    """Of each tone, how long a ring of the same pitch sounds; 0 when none has it."""
    _first_row: NDArray[np.intp] = field(init=False)
    _prior: Row = field(init=False)
    _log_lengths: Row = field(init=False)
    """What each row predicts of each stretch [stretches, rows]: the lengths, how sure, and the pitch."""
    _sigma: Row = field(init=False)
    _log_sigma: Row = field(init=False)
    _sharpest: Row = field(init=False)
    """Of so many closed stretches [stretches + 1, rows], the log density when all are as long as predicted."""
    _pitch: NDArray[np.intp] = field(init=False)
    _elements: list[Element] = field(init=False)
    _heard_pitch: dict[tuple[Peak, ...], Row] = field(init=False)
    _collides: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        own = plan(self.country) if self.country else None
        self.national = own is not None and bool(own.tones)
        candidates = _candidates(own) if own is not None and own.tones else _all_tones()
        weights = Counter((t.label, t.elements) for t in candidates)
        unique = list({(t.label, t.elements): t for t in reversed(candidates)}.values())
        totals = Counter[Label]()
        for tone in unique:
            totals[tone.label] += weights[tone.label, tone.elements]
        self._collides = own.collides if own is not None else {}
        self._tones = unique
        self._labels = sorted({t.label for t in unique})
        self._label_of = np.array([self._labels.index(t.label) for t in unique])
        rings = [t for t in unique if t.label is Label.RINGBACK]
        self._rings_s = [max((_sounding_s(r) for r in rings if _same_pitch(r, t)), default=0.0) for t in unique]
        known = sum(label is not Label.UNKNOWN for label in self._labels)
        owner, prior, lengths, pitch = [], [], [], []
        self._elements = list(dict.fromkeys(e for t in unique for e in t.elements if e.first_hz))
        places = {element: place for place, element in enumerate(self._elements)}
        for index, tone in enumerate(unique):
            share = (1 - _OTHER_PRIOR) / known if tone.label is not Label.UNKNOWN else _SERVICE_PRIOR
            starts = [i for i, e in enumerate(tone.elements) if e.first_hz]
            weight = share * weights[tone.label, tone.elements] / totals[tone.label] / len(starts)
            for start in starts:
                row = [tone.elements[(start + k) % len(tone.elements)] for k in range(_MAX_STRETCHES)]
                owner.append(index)
                prior.append(math.log(weight))
                lengths.append([e.duration_s for e in row])
                pitch.append([places.get(e, 0) for e in row])
        self._first_row, self._prior = np.searchsorted(owner, np.arange(len(unique))), np.array(prior)
        nominal = np.array(lengths).T.copy()
        self._sigma = _SIGMA_LENGTH + _SIGMA_EDGE_S / nominal
        self._log_lengths, self._log_sigma = np.log(nominal), np.log(self._sigma * math.sqrt(2 * math.pi))
        best = np.maximum(-np.sort(self._log_sigma, axis=0), 0.0)
        self._sharpest = np.concatenate((np.zeros((1, nominal.shape[1])), np.cumsum(best, axis=0)))
        self._pitch = np.array(pitch).T.copy()
        self._heard_pitch = {}

    def match(self, stretches: Sequence[Stretch]) -> Match | None:
        """Best label for stretches that alternate and begin with a tone; None when nothing fits better."""
        heard = list(stretches[-_MAX_STRETCHES:])
        if heard and not heard[0].on:
            heard = heard[1:]
        if not heard:
            return None
        other = math.log(_OTHER_PRIOR) + sum(other_score(s) for s in heard) + loose_levels(heard)
        most, mended = self._most(heard), mend(heard)
        gain = 0.0
        if len(mended) < len(heard):
            gain = sum(other_score(s) for s in heard) - sum(other_score(s) for s in mended)
            gain += loose_levels(heard) - loose_levels(mended) + _TORN * (len(heard) - len(mended)) / 2
            most = max(most, self._most(mended) + gain) + math.log(2)
        if most < other:
            return None
        scores = self._scores(heard)
        if len(mended) < len(heard):
            scores = np.logaddexp(scores, self._scores(mended) + gain)
        return self._judge(heard, scores, other)

    def _most(self, heard: Sequence[Stretch]) -> float:
        """More than the rows together can score by these pitches, were all lengths as predicted: cheap to find."""
        total = self._prior + self._sharpest[sum(not s.open for s in heard)]
        for k, stretch in enumerate(heard):
            if stretch.on and stretch.spectrum:
                total += self._pitch_scores(stretch.spectrum)[self._pitch[k]]
        unheard = OTHER_HZ * sum(s.on and not s.spectrum for s in heard)
        return float(total.max()) + math.log(total.size) + steady(heard) + unheard

    def _judge(self, heard: Sequence[Stretch], scores: Row, other: float) -> Match | None:
        by_tone = np.maximum(np.maximum.reduceat(scores, self._first_row), _IMPOSSIBLE)
        top = float(max(by_tone.max(), other))
        by_place = np.bincount(self._label_of, np.exp(by_tone - top), len(self._labels))
        place = int(by_place.argmax())
        label, by_label = self._labels[place], dict(zip(self._labels, by_place.tolist(), strict=True))
        total = sum(by_label.values()) + math.exp(other - top)
        best = int(np.where(self._label_of == place, by_tone, 2 * _IMPOSSIBLE).argmax())
        chosen = self._tones[best]
        decided, rival = by_label[label], self._rival(chosen)
        if not self.national and label in _ENDS:
            rival_label = _ENDS[1 - _ENDS.index(label)]
            decided += by_label.get(rival_label, 0.0)
            rival = str(rival_label) if by_label.get(rival_label, 0.0) > _RIVAL_SHARE * decided else ""
        row = _row(chosen, heard)
        return Match(
            label,
            by_label[label] / total,
            decided / total,
            1 - math.exp(other - top) / total,
            chosen.country,
            chosen.name,
            rival,
            chosen.period_s,
            tones_heard=sum(s.on for s in heard),
            in_a_row=len(row),
            sounded_s=sum(row),
            ring_s=self._rings_s[best],
        )

    def _rival(self, chosen: Tone) -> str:
        """Name of the tone that the plan does not tell from the chosen one."""
        return next((one for one, other in self._collides.items() if other == chosen.name), "")

    def _scores(self, heard: Sequence[Stretch]) -> Row:
        """Log likelihood of the stretches under each row, priors included."""
        count = len(heard)
        lengths = np.array([[math.log(max(s.length_s, 0.01))] for s in heard])
        ratio = lengths - self._log_lengths[:count]
        z = ratio / self._sigma[:count]
        exact = -0.5 * z * z - self._log_sigma[:count]
        density = np.maximum(exact, OUTLIER)
        total = self._prior + steady(heard)
        for k, stretch in enumerate(heard):
            column = density[k]
            if stretch.open:
                column = np.maximum(log_survival(z[k]), 2 * OUTLIER)
            elif k == 0:
                share = _UNHEARD_SHARE if stretch.cut else _CUT_SHARE
                cut = np.where(ratio[0] < 0, math.log(share) + ratio[0], _IMPOSSIBLE)
                column = np.maximum(np.logaddexp(math.log(1 - share) + exact[0], cut), OUTLIER)
            total += column
            if stretch.on and stretch.spectrum:
                total += self._pitch_scores(stretch.spectrum)[self._pitch[k]]
            elif stretch.on:
                total += OTHER_HZ
            elif stretch.drop_db < _GAP_DROP_DB:
                total += max(_LOUD_GAP * (stretch.drop_db - _GAP_DROP_DB), _LOUDEST_GAP)
        return total

    def _pitch_scores(self, spectrum: tuple[Peak, ...]) -> Row:
        found = self._heard_pitch.get(spectrum)
        if found is None:
            if len(self._heard_pitch) > 2 * _MAX_STRETCHES:
                self._heard_pitch.clear()
            found = np.array([spectrum_score(spectrum, e) for e in self._elements])
            self._heard_pitch[spectrum] = found
        return found


@lru_cache(maxsize=256)
def matcher(country: str | None) -> CadenceMatcher:
    """The matcher of a country, made once: it keeps nothing of a line but spectra that it has already judged."""
    return CadenceMatcher(country)


def _candidates(own: Plan) -> list[Tone]:
    """Tones of a country, and those of all others for what no source tells of it."""
    tones = [t for t in (*own.tones, *own.others) if not t.endless]
    foreign = [t for p in plans().values() for t in p.tones if t.name in own.unsourced and not t.endless]
    return tones + foreign


def _all_tones() -> list[Tone]:
    return [t for p in plans().values() for t in (*p.tones, *p.others) if not t.endless]


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


def _same_pitch(tone: Tone, other: Tone) -> bool:
    """Whether two tones sound as high."""
    one, two = (next(e for e in t.elements if e.first_hz) for t in (tone, other))
    return abs(one.first_hz - two.first_hz) < _SAME_HZ and abs(one.second_hz - two.second_hz) < _SAME_HZ
