"""Who counts as abandoned: a person who answered, and no agent within the time that the rule profile names.

The clock starts at the answer, at the first word or at the end of the greeting, as the profile says. What is needed to
decide stands in the attempt's row, so that any figure on a screen can be computed again from rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

Clock = Literal["answer", "speech_onset", "greeting_end"]

PRIOR_DROPPED = (3, 400)
"""People among calls taken for machines before anybody listened to one here (docs/figures/ear_answered.md)."""


def clock_start(
    clock: Clock, *, answered_at: datetime, verdict_at: datetime, evidence: Mapping[str, Any], latency_s: float = 0.0
) -> datetime:
    """Return when the person began to wait: never later than the ear's verdict.

    `latency_s`: what the profile lets the ear take, from the instant it names. `evidence` is the ear's: `onset_ms` of
    the first word, `talk_ms` spoken. The greeting's end is put as early as it can have been. Somebody who said nothing
    has no such instant: he waits since the ear gave up.
    """
    if clock == "answer":
        return min(verdict_at, answered_at + timedelta(seconds=latency_s))
    onset_ms = evidence.get("onset_ms")
    if not isinstance(onset_ms, int | float):
        return verdict_at
    talk_ms = evidence.get("talk_ms", 0) if clock == "greeting_end" else 0
    return min(verdict_at, answered_at + timedelta(milliseconds=onset_ms + talk_ms, seconds=latency_s))


def is_abandoned(
    *, person: bool, clock_at: datetime | None, within_s: float | None, bridged_at: datetime | None,
    left_at: datetime | None,
) -> bool:  # fmt: skip
    """Say whether a closed attempt counts: a person whom no agent reached in time, and who had not left before.

    `left_at`: when the customer's line ended, whoever ended it.
    """
    if not person or clock_at is None or within_s is None:
        return False
    over = bridged_at or left_at
    return over is not None and (over - clock_at).total_seconds() > within_s


def dropped_rate(people: int, machines: int) -> float:
    """Return the share of people among calls taken for machines, from those that somebody listened to.

    `people`, `machines`: what they really were. The prior keeps a few labels from saying nothing or everything.
    """
    prior_people, prior_all = PRIOR_DROPPED
    return (people + prior_people) / (people + machines + prior_all)


@dataclass(frozen=True)
class AbandonedFigure:
    """Over one window: `people` answered, `abandoned` of them, `dropped` people taken for machines (an estimate)."""

    people: int = 0
    abandoned: int = 0
    dropped: float = 0.0

    @property
    def share(self) -> float:
        """Of the people who answered, those taken for machines among them; 0 when nobody did."""
        people = self.people + self.dropped
        return (self.abandoned + self.dropped) / people if people else 0.0
