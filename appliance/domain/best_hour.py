"""When a person is most likely reached: learnt from attempts, by hour, kind of day and line type. Pure.

Hierarchical beta-binomial: the share of attempts that a person answered in one cell (hour, weekday or weekend, mobile
or fixed) is drawn towards the hour's share over all line types, scaled to the type's own level, and that one towards
the overall share; `STRENGTH` attempts weigh as much as what is drawn towards. With few calls all hours are alike, and
retries spread evenly over the day. The hour is drawn by its chance and not always the best one, so that the good hours
do not fill up and the others go on being learnt.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise
from zoneinfo import ZoneInfo

from appliance.domain.calling_hours import Week, next_open
from appliance.types import LineType

STRENGTH = 40.0
PRIOR = (1.0, 3.0)
"""People among attempts before any is known."""
SHARPNESS = 4.0
"""An hour twice as good is drawn 2^4 times as often."""
TRIED_AGAIN = 0.3
"""How much less an hour is worth to a person for each attempt that he did not answer in it."""
HORIZON = timedelta(hours=24)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Cell:
    """Hour of the local day, weekend or not, and the line type."""

    hour: int
    weekend: bool
    line_type: LineType


@dataclass(frozen=True)
class HourTable:
    """(answered by a person, attempts) by cell."""

    counts: Mapping[Cell, tuple[int, int]] = field(default_factory=dict)

    def chance(self, cell: Cell) -> float:
        """Posterior mean of being answered by a person in that cell, between 0 and 1."""
        overall = self._share(self.counts.values(), PRIOR[0] / PRIOR[1], PRIOR[1])
        hour = [n for c, n in self.counts.items() if (c.hour, c.weekend) == (cell.hour, cell.weekend)]
        type_ = [n for c, n in self.counts.items() if c.line_type is cell.line_type]
        of_hour = self._share(hour, overall, STRENGTH)
        of_type = self._share(type_, overall, STRENGTH)
        parent = min(0.999, max(0.001, of_hour * of_type / overall))
        return self._share([self.counts.get(cell, (0, 0))], parent, STRENGTH)

    @cached_property
    def chances(self) -> dict[Cell, float]:
        """All cells at once: one table serves many decisions."""
        return {
            cell: self.chance(cell)
            for cell in (Cell(h, w, t) for h in range(24) for w in (False, True) for t in LineType)
        }

    @staticmethod
    def _share(counts: Iterable[tuple[int, int]], mean: float, strength: float) -> float:
        known = list(counts)
        return (sum(n[0] for n in known) + mean * strength) / (sum(n[1] for n in known) + strength)


def best_instant(
    table: HourTable, earliest: datetime, *, week: Week, where: ZoneInfo, line_type: LineType,
    tried: Sequence[datetime], seed: str,
) -> datetime:  # fmt: skip
    """Draw the instant of a retry within a day from `earliest`, while it is open in the zone `where`.

    `tried`: instants at which the person did not answer. `seed` (lead and attempt) makes the draw repeatable. Returns
    `earliest` when it is not open within the day.
    """
    slots = _open_slots(earliest, week, where)
    if not slots:
        return earliest
    tried_hours = [at.astimezone(where).hour for at in tried]
    weights = []
    for start, end in slots:
        local = start.astimezone(where)
        chance = table.chances[Cell(local.hour, local.weekday() >= 5, line_type)]
        share: float = (end - start) / _HOUR
        weights.append(share * chance**SHARPNESS * TRIED_AGAIN ** tried_hours.count(local.hour))
    draw = _draw(seed) * sum(weights)
    for (start, end), weight in zip(slots, weights, strict=True):
        if draw < weight:
            drawn: datetime = start + (end - start) * (draw / weight)
            return drawn
        draw -= weight
    return slots[-1][0]


def spread(at: datetime, seed: str, over: timedelta) -> datetime:
    """Move an instant later by a repeatable draw: what was put off to one opening does not come all at once."""
    return at + over * _draw(seed)


def _open_slots(earliest: datetime, week: Week, where: ZoneInfo) -> list[tuple[datetime, datetime]]:
    """Stretches of at most an hour of the local clock within a day from `earliest`, open at their beginning."""
    offset = earliest.astimezone(where).replace(minute=0, second=0, microsecond=0) + _HOUR
    first: datetime = offset.astimezone(earliest.tzinfo)
    marks = [earliest, *(first + _HOUR * n for n in range(24)), earliest + HORIZON]
    edges = sorted({mark for mark in marks if earliest <= mark <= earliest + HORIZON})
    return [(a, b) for a, b in pairwise(edges) if next_open(week, [where.key], a) == a]


def _draw(seed: str) -> float:
    """A number in [0, 1) that only depends on the seed."""
    return int.from_bytes(hashlib.blake2b(seed.encode(), digest_size=7).digest(), "big") / 2**56
