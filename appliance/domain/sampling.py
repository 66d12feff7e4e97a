"""Which calls are drawn for scoring: so many of each agent a week, at random, the same again for the same seed.

Pure: there are no dice here. A call's place in the draw is a hash of the seed, the week and its id, so that anybody can
check afterwards that nobody chose.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from appliance.errors import ValidationErrors

_PER_AGENT_MAX = 50


@dataclass(frozen=True)
class Rules:
    """What a plan draws from. Empty: any; lengths in seconds (0: no bound); `team`: a department and all below it."""

    per_agent: int = 2
    campaign_ids: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    dispositions: tuple[str, ...] = ()
    at_least_s: int = 0
    at_most_s: int = 0
    team: str = ""


@dataclass(frozen=True)
class Candidate:
    """A recording that a plan may draw."""

    recording_id: str
    agent_id: str


def parse(plain: Mapping[str, Any]) -> Rules:
    """Rules of plain data; raises ValidationErrors."""
    faults = []
    numbers: dict[str, Any] = {}
    for name, least, most in (("per_agent", 1, _PER_AGENT_MAX), ("at_least_s", 0, 86_400), ("at_most_s", 0, 86_400)):
        value = plain.get(name, getattr(Rules, name))
        if isinstance(value, str) and value.isdecimal():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            faults.append((name, "plan.bad_number", f"Use a whole number from {least} to {most}."))
            continue
        numbers[name] = value
    if numbers.get("at_most_s") and numbers["at_most_s"] < numbers.get("at_least_s", 0):
        faults.append(("at_most_s", "plan.bad_lengths", "The longest must not be shorter than the shortest."))
    if faults:
        raise ValidationErrors(faults)
    lists: dict[str, Any] = {
        name: tuple(str(one)[:40] for one in plain.get(name, ()))[:100]
        for name in ("campaign_ids", "outcomes", "dispositions")
    }
    return Rules(**numbers, **lists, team=str(plain.get("team") or "")[:40])


def to_plain(rules: Rules) -> dict[str, Any]:
    """The rules as plain data."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(rules).items()}


def draw(
    candidates: Iterable[Candidate], *, per_agent: int, seed: str, week: str, already: Mapping[str, int]
) -> list[Candidate]:
    """Draw until each agent has `per_agent` of the week with those that he has `already`; in the order drawn."""
    left: dict[str, int] = {}
    chosen = []
    for one in sorted(candidates, key=lambda one: _lot(seed, week, one.recording_id)):
        free = left.setdefault(one.agent_id, per_agent - already.get(one.agent_id, 0))
        if free > 0:
            left[one.agent_id] = free - 1
            chosen.append(one)
    return chosen


def _lot(seed: str, week: str, recording_id: str) -> str:
    return hashlib.sha256(f"{seed}|{week}|{recording_id}".encode()).hexdigest()


def week_of(at: datetime, zone: ZoneInfo) -> str:
    """The ISO week of an instant by the clock of a zone, like 2026-W48."""
    year, week, _day = at.astimezone(zone).isocalendar()
    return f"{year}-W{week:02}"


def bounds_of(week: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From when (included) to when (not) a week lasts, in UTC."""
    year, _, number = week.partition("-W")
    monday = date.fromisocalendar(int(year), int(number), 1)
    first, last = (datetime.combine(monday + timedelta(days=days), time(), zone) for days in (0, 7))
    return first.astimezone(UTC), last.astimezone(UTC)
