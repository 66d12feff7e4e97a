"""When what is heard on a trunk is not what used to be heard there: two shares compared, with hysteresis.

The test is the likelihood-ratio (G) test of a two by two table, one degree of freedom: two proportions, the last hours
against the trunk's own days before. It is looked at again and again, so a raise wants far less chance than one look
would, a difference that matters to people, and enough calls on both sides. What drifts for days becomes the baseline
and clears by itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from appliance.types import Outcome

RAISE_CHANCE, CLEAR_CHANCE = 1e-6, 0.01
RAISE_BY, CLEAR_BY = 0.10, 0.05
LEAST_NOW, LEAST_BASE = 40, 200


class Measure(StrEnum):
    """What is compared; each is a share of the verdicts of one phase."""

    ANNOUNCEMENTS = "announcements"  # unknown announcements: the carrier has a new one
    UNKNOWN = "unknown"  # early media that fit nothing: another tone plan, or noise
    TONES = "tones"  # ring-back, busy and congestion vanish: another tone plan
    MACHINES = "machines"  # machines among those who answer


@dataclass(frozen=True)
class Mix:
    """Verdicts by label, before and after answer."""

    early: Mapping[str, int] = field(default_factory=dict)
    answered: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Drift:
    """A share that moved; `now` and `base` are fractions, the counts what they are fractions of."""

    measure: Measure
    now: float
    base: float
    now_count: int
    base_count: int
    chance: float


_TONES = (Outcome.RINGBACK, Outcome.BUSY, Outcome.CONGESTION)
_MACHINES = (Outcome.MACHINE, Outcome.SCREENING, Outcome.IVR)
_UP, _DOWN, _BOTH = (1,), (-1,), (1, -1)
_RULES: dict[Measure, tuple[bool, tuple[Outcome, ...], tuple[int, ...]]] = {  # before answer?, labels, directions
    Measure.ANNOUNCEMENTS: (True, (Outcome.ANNOUNCEMENT_UNKNOWN,), _UP),
    Measure.UNKNOWN: (True, (Outcome.UNKNOWN,), _UP),
    Measure.TONES: (True, _TONES, _DOWN),
    Measure.MACHINES: (False, _MACHINES, _BOTH),
}


def chance(hits_a: int, all_a: int, hits_b: int, all_b: int) -> float:
    """Return the probability of so great a difference of two shares by chance alone (G-test)."""
    total, hits = all_a + all_b, hits_a + hits_b
    if not all_a or not all_b or hits in (0, total):
        return 1.0
    g = 0.0
    for seen, size in ((hits_a, all_a), (hits_b, all_b)):
        for part, share in ((seen, hits / total), (size - seen, 1 - hits / total)):
            if part:
                g += 2 * part * math.log(part / (size * share))
    return math.erfc(math.sqrt(max(0.0, g) / 2))


def compare(measure: Measure, now: Mix, base: Mix) -> Drift:
    """Return the two shares of one measure."""
    early, labels, _ = _RULES[measure]
    counts = [mix.early if early else mix.answered for mix in (now, base)]
    sizes = [sum(count.values()) for count in counts]
    hits = [sum(count.get(label, 0) for label in labels) for count in counts]
    shares = [hit / size if size else 0.0 for hit, size in zip(hits, sizes, strict=True)]
    return Drift(measure, shares[0], shares[1], sizes[0], sizes[1], chance(hits[0], sizes[0], hits[1], sizes[1]))


def stands(drift: Drift, *, before: bool) -> bool:
    """Say whether a drift stands; `before`: it stood at the last look. Too few calls change nothing."""
    moved = drift.now - drift.base
    if drift.now_count < LEAST_NOW or drift.base_count < LEAST_BASE:
        return before
    directions = _RULES[drift.measure][2]
    if not any(moved * way > 0 for way in directions):
        return False
    if before:
        return drift.chance < CLEAR_CHANCE and abs(moved) >= CLEAR_BY
    return drift.chance < RAISE_CHANCE and abs(moved) >= RAISE_BY
