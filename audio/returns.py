"""What a message says again: a menu's "press" comes back in any language, in phrases of like length.

Speech is laid along its own past by local alignment (as along sayings, `phrases.py`), but frames are compared with how
close far frames of the same clip are to each other, so that neither the voice nor the line matters. What fits is a
stretch heard twice; a carrier is what fits several times. None of it was learnt.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audio.phrases import FRAME_S, Array, Spoken

RETURNS_SIZE, RHYTHM_SIZE = 27, 9
_FAR_FRAMES, _USUAL_SHARE = 12, 0.1
_GAIN_LEAST, _GAIN_MOST, _WARP_COST = -0.4, 1.0, 0.8
_AFTER_FRAMES = 25
_LEAST, _FAIR, _GOOD, _LONG = 3.0, 3.5, 5.0, 7.0
"""Scores of stretches: a frame that fits earns up to 1."""
_MOST_STRETCHES = 40
_BESIDE_FRAMES = 2
_CARRIER_SHARE, _CARRIER_LEAST, _CARRIER_FRAMES = 0.6, 2, 5
_BREATH_FRAMES, _PAUSE_FRAMES = 4, 9
_STEPS, _BITS = 256, 20
"""Alignment counts in whole numbers, two in one: a score in steps of 1/256, and where its path began."""
_MASK, _NEVER = (1 << _BITS) - 1, -(1 << 60)


@dataclass(frozen=True, slots=True)
class Stretches:
    """What fits: scores [m], and first and last frame of speech of both times it was said [m, 2]."""

    scores: Array
    later: NDArray[np.int64]
    earlier: NDArray[np.int64]


def stretches(spoken: Spoken) -> Stretches:
    """The best stretches of speech that were said before, best first; of those that overlap only the best."""
    scores, begun = _laid(_gains(spoken), spoken.when)
    count = spoken.when.size
    ends = np.flatnonzero(scores >= _LEAST * _STEPS)
    ends = ends[np.argsort(-scores[ends], kind="stable")]
    left = np.stack((scores[ends], begun[ends], *np.divmod(ends, max(1, count))))
    found: list[tuple[int, int, int, int, int]] = []
    while left.size and len(found) < _MOST_STRETCHES:
        score, begin, last, other = left[:, 0].tolist()
        first, second = divmod(begin, count)
        found.append((score, first, last, second, other))
        _, begins, later, earlier = left
        beside = (later >= first - _BESIDE_FRAMES) & (later <= last + _BESIDE_FRAMES)
        beside &= (earlier >= second - _BESIDE_FRAMES) & (earlier <= other + _BESIDE_FRAMES)
        left = left[:, ~(beside | (begins == begin))]
    rows = np.array(found, np.int64).reshape(-1, 5)
    return Stretches((rows[:, 0] / _STEPS).astype(np.float32), rows[:, 1:3], rows[:, 3:])


def _gains(spoken: Spoken) -> Array:
    """What frames [n] earn beside each other [n, n]: more, the closer they are than far frames usually."""
    heard, squares, when = spoken.numbers, spoken.squares, spoken.when
    if when.size == 0:
        return np.zeros((0, 0), np.float32)
    apart = squares[:, None] + squares - 2 * heard @ heard.T
    far = np.where(np.abs(when[:, None] - when) >= _FAR_FRAMES, apart, np.float32(np.inf))
    place = min(max(1, int(_USUAL_SHARE * when.size)), when.size - 1)
    usual = np.partition(far, place, axis=1)[:, place]
    usual = np.where(np.isfinite(usual), usual, np.float32(0))
    gains = np.minimum(usual[:, None], usual) - apart
    gains /= np.float32(0.5 * np.median(usual) + 1e-6)
    out: Array = np.clip(gains, _GAIN_LEAST, _GAIN_MOST)
    return out


def _laid(gains: Array, when: NDArray[np.intp]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Best paths that end at each pair of frames [n * n]: scores in steps, where they began (later * n + earlier).

    At most 1023 frames of speech, 41 s.
    """
    count = when.size
    earned = np.rint(gains * _STEPS).astype(np.int64) << _BITS
    earned[when > when[:, None] - _AFTER_FRAMES] = _NEVER
    cost = np.array(round(_WARP_COST * _STEPS) << _BITS)
    states = np.zeros((count + 1, count + 2), np.int64)
    fresh = np.arange(count * count).reshape(count, count)
    first = int(np.searchsorted(when, when[0] + _AFTER_FRAMES)) if count else 0  # nothing was said before it
    rows = zip(states[first:-1], states[first + 1 :, 2:], fresh[first:], earned[first:], strict=True)
    for before, after, begun, gain in rows:
        np.maximum(before[2:], before[:-2], out=after)
        np.subtract(after, cost, out=after)
        np.maximum(after, before[1:-1], out=after)
        np.maximum(after, begun, out=after)
        np.add(after, gain, out=after)
    ends = states[1:, 2:].reshape(-1)
    return ends >> _BITS, ends & _MASK


def returns(spoken: Spoken) -> Array:
    """What comes back [27]: stretches (how many, their scores), frames by how often they fit, the carrier."""
    count = spoken.when.size
    found = stretches(spoken)
    scores = np.concatenate((found.scores, np.zeros(8, np.float32)))
    counts = [float((found.scores >= least).sum()) for least in (_LEAST, _GOOD, _LONG)]
    parts = [counts[0] / 10, counts[1] / 10, counts[2] / 5, *(scores[[0, 1, 2, 4, 7]] / 10)]
    fair, good = (_times(found, least, count) for least in (_FAIR, _GOOD))
    for times in (fair, good):
        ranked = np.concatenate((np.sort(times)[::-1], np.zeros(41, np.int64)))
        parts += [*(ranked[[8, 20, 40]] / 3), (times >= 1).sum() / max(1, count), (times >= 2).sum() / max(1, count)]
    return np.array([*parts, *_carrier(fair, spoken.when)], np.float32)


def _times(found: Stretches, least: float, count: int) -> NDArray[np.int64]:
    """How many stretches of at least that score each frame of speech [n] is in."""
    steps = np.zeros(count + 1, np.int64)
    for sides in (found.later, found.earlier):
        chosen = sides[found.scores >= least]
        np.add.at(steps, chosen[:, 0], 1)
        np.add.at(steps, chosen[:, 1] + 1, -1)
    return np.cumsum(steps)[:-1]


def _carrier(times: NDArray[np.int64], when: NDArray[np.intp]) -> list[float]:
    """What came back most [9]: how often, seconds between (mean, spread), its length, and of what is said after and
    before it in the same breath (means, deviations)."""
    often = max(_CARRIER_LEAST, _CARRIER_SHARE * times.max(initial=0))
    edges = np.flatnonzero(np.diff(np.concatenate(([False], times >= often, [False]))))
    begins, ends = edges[::2], edges[1::2] - 1
    long = ends - begins >= _CARRIER_FRAMES - 1
    begins, ends = begins[long], ends[long]
    if begins.size < 2:
        return [begins.size / 4, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    between, spread = _usually(np.diff(when[begins]))
    firsts, lasts = _breaths(when, _BREATH_FRAMES)
    length = _usually(when[ends] - when[begins])
    after = _usually(lasts[np.searchsorted(lasts, ends)] - ends)
    before = _usually(begins - firsts[np.searchsorted(firsts, begins, side="right") - 1])
    varies = spread / between if begins.size > 2 else 0.5
    return [begins.size / 4, between / 4, varies, *length, *after, *before]


def _usually(frames: NDArray[np.intp]) -> tuple[float, float]:
    """Mean and deviation of some numbers of frames, in seconds; quicker than numpy's for so few."""
    numbers: list[int] = frames.tolist()
    mean = sum(numbers) / len(numbers)
    return mean * FRAME_S, math.sqrt(sum((number - mean) ** 2 for number in numbers) / len(numbers)) * FRAME_S


def _breaths(when: NDArray[np.intp], pause_frames: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First and last frame of speech of what is said between pauses of so many frames."""
    cuts = np.flatnonzero(np.diff(when) > pause_frames)
    return np.concatenate(([0], cuts + 1)), np.concatenate((cuts, [when.size - 1]))


def rhythm(spoken: Spoken) -> Array:
    """Phrases between short and between long pauses [9]: how many, their length and its spread, that of the pauses;
    and the mean of the long pauses."""
    when = spoken.when
    if when.size < _CARRIER_FRAMES:
        return np.zeros(RHYTHM_SIZE, np.float32)
    out: list[float] = []
    for pause_frames in (_BREATH_FRAMES, _PAUSE_FRAMES):
        firsts, lasts = _breaths(when, pause_frames)
        length, uneven = _usually(when[lasts] - when[firsts] + 1)
        pause, spread = _usually(when[firsts[1:]] - when[lasts[:-1]] - 1) if firsts.size > 1 else (0.0, 1.0)
        out += [firsts.size / 6, length / 3, uneven / length, spread / pause if firsts.size > 2 else 1.0]
    return np.array([*out, pause], np.float32)
