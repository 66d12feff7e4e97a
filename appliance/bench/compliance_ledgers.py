"""Random people with random histories, drawn where the rules bend: at limits, midnights, changes of the clock."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from appliance.bench.compliance_checker import Own
from appliance.domain.calling_hours import WEEKDAYS
from appliance.domain.campaign import CampaignConfig
from appliance.domain.compliance_ledger import Channel, Consent, Event, EventKind, Ledger

_PLACES: dict[str, list[tuple[str, ...]]] = {
    "cn": [("Asia/Shanghai",), ("Asia/Urumqi",), ("Asia/Shanghai", "Asia/Urumqi")],
    "ru": [("Europe/Moscow",), ("Asia/Vladivostok",), ("Europe/Moscow", "Asia/Yekaterinburg"), ("Europe/Kaliningrad",)],
    "us": [("America/New_York",), ("America/Los_Angeles",), ("America/New_York", "America/Chicago"),
           ("America/Phoenix",)],
    "uk": [("Europe/London",), ("Europe/London", "Europe/Jersey")],
    "in": [("Asia/Kolkata",)],
    "neutral": [("Asia/Shanghai",), ("Europe/Berlin",), ("America/New_York", "America/Chicago"), ("Asia/Kathmandu",),
                ("Australia/Lord_Howe",)],
}  # fmt: skip
_NUMBERS, _DEBTS = ("+1", "+2", "+3"), ("", "a", "b")
_CONSENTS = ("hours", "frequency", "robot", "third_party")
_SPANS = ((0, 1440), (480, 1200), (540, 1080), (600, 1320))
_LEVELS = ("box", "campaign", "person")
_CHANNELS = (*[Channel.CALL] * 8, *[Channel.ROBOT] * 3, *[Channel.MESSAGE] * 2)
_DAY_S = 86_400
_BEGIN, _DAYS = datetime(2026, 2, 1, tzinfo=UTC), 700
_SPAN_DAYS = 34
_WINDOWS = (1, 3, 7, 31)
_SLIPS_S = (0, 0, -1, 1, 3600, -3600)
_GAPS_S = (600, 3600, 36_000, 86_400, 160_000, 310_000)
_RINGS = ((EventKind.ATTEMPT, 0), (EventKind.RING, 1))
_ANSWERED = (*_RINGS, (EventKind.ANSWERED, 20))
_DIALS: tuple[tuple[float, tuple[tuple[EventKind, int], ...]], ...] = (
    (0.45, _RINGS),
    (0.55, (*_ANSWERED, (EventKind.ABANDONED, 22))),
    (0.70, (*_ANSWERED, (EventKind.ROBOT, 21))),
    (0.75, (*_ANSWERED, (EventKind.ROBOT, 21), (EventKind.CONVERSATION, 40))),
    (0.93, (*_ANSWERED, (EventKind.CONVERSATION, 23))),
    (1.0, ((EventKind.MESSAGE, 0),)),
)
"""What one dial comes to, in seconds from its start, by its cumulated share."""
_ENDS = (
    (EventKind.ATTEMPT,),
    *((EventKind.ATTEMPT, EventKind.ANSWERED, end)
      for end in (EventKind.CONVERSATION, EventKind.ROBOT, EventKind.ABANDONED)),
)  # fmt: skip


@dataclass(frozen=True)
class Drawn:
    """One question, and the campaign that asks it: once as a configuration, once as the checker reads it."""

    ledger: Ledger
    config: CampaignConfig
    own: Own
    now: datetime


def place_of(profile: str) -> str:
    """Return the key of the places where a profile is drawn."""
    return next((place for place in _PLACES if profile.split("-")[0] == place), "neutral")


def campaigns(profile: str, draw: random.Random, count: int) -> list[tuple[CampaignConfig, Own]]:
    """Return a few campaigns: making one costs more than judging a ledger."""
    return [_campaign(profile, draw) for _ in range(count)]


def _campaign(profile: str, draw: random.Random) -> tuple[CampaignConfig, Own]:
    hours = {day: draw.choice(_SPANS) for day in range(7)}
    if draw.random() < 0.2:
        del hours[draw.randrange(7)]  # closed on one day
    per_day, total = draw.choice((1, 3, 5, 7, 12, 20)), draw.randint(1, 12)
    config = CampaignConfig(
        rule_profile=profile, attempts_per_day_max=per_day, attempts_total_max=total,
        calling_hours={WEEKDAYS[day]: [f"{_clock(start)}-{_clock(end)}"] for day, (start, end) in hours.items()},
    )  # fmt: skip
    return config, Own({day: [span] for day, span in hours.items()}, per_day, total)


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def draw_one(profile: str, draw: random.Random, choices: list[tuple[CampaignConfig, Own]]) -> Drawn:
    """Return one random question for a profile."""
    chance = draw.random
    config, own = _one_of(choices, draw)
    now = _BEGIN + timedelta(seconds=int(chance() * _DAYS * _DAY_S))
    if chance() < 0.3:  # on the minute, where hours begin and end
        now = now.replace(minute=_one_of((0, 30), draw), second=0)
    rare = chance() < 0.25
    number, debt = _one_of(_NUMBERS[:2], draw), _one_of(_DEBTS, draw)
    channel = _one_of(_CHANNELS, draw)
    ledger = Ledger(
        number=number, debt=debt, channel=channel,
        events=_history(draw, now) if chance() < 0.6 else _series(draw, now, number, debt, channel),
        zones=() if chance() < 0.01 else _one_of(_PLACES[place_of(profile)], draw),
        in_call=chance() < 0.02, consents=_consents(draw, now) if chance() < 0.4 else (),
        do_not_call=frozenset({_one_of(_LEVELS, draw)}) if chance() < 0.02 else frozenset(),
        contact_revoked=rare and chance() < 0.1, third_party=rare and chance() < 0.6,
        third_party_refused=rare and chance() < 0.3, debtor_unreachable=chance() < 0.5,
        agent_guaranteed=chance() < 0.3, lead_attempts=int(14 * min(chance(), chance())),
        holidays=frozenset({(now + timedelta(days=int(3 * chance()))).date()}) if chance() < 0.1 else frozenset(),
    )  # fmt: skip
    return Drawn(ledger, config, own, now)


def _one_of(of: Sequence[Any], draw: random.Random) -> Any:
    """As `draw.choice`, in a third of its time."""
    return of[int(draw.random() * len(of))]


def _history(draw: random.Random, now: datetime) -> tuple[Event, ...]:
    """Dials of the last weeks, crowded towards now, some exactly so many days or hours ago."""
    events: list[Event] = []
    chance = draw.random
    for n in range(int(draw.expovariate(0.22))):
        way = int(3 * chance())
        back_s = (
            int(chance() ** 3 * _SPAN_DAYS * _DAY_S) if way == 0
            else _one_of(_WINDOWS, draw) * _DAY_S if way == 1
            else int(chance() * _DAY_S)
        )  # fmt: skip
        back_s = max(0, back_s + _one_of(_SLIPS_S, draw))
        number, debt, ref = _one_of(_NUMBERS, draw), _one_of(_DEBTS, draw), f"d{n}"
        for kind, later_s in _dial(draw):
            events.append(Event(now - timedelta(seconds=max(0, back_s - later_s)), kind, number, debt, ref))
    events.sort(key=lambda _event: chance())
    return tuple(events)


def _series(draw: random.Random, now: datetime, number: str, debt: str, channel: Channel) -> tuple[Event, ...]:
    """The same again and again, evenly: so the longer windows fill up while the shorter ones do not."""
    gap_s = _one_of(_GAPS_S, draw) * draw.uniform(0.9, 1.1)
    kinds = (EventKind.MESSAGE,) if channel is Channel.MESSAGE else _one_of(_ENDS, draw)
    count = min(1 + int(20 * draw.random()), int(_SPAN_DAYS * _DAY_S / gap_s))
    events = []
    for n in range(1, count + 1):
        at, ref = now - timedelta(seconds=int(n * gap_s)), f"s{n}"
        events += [Event(at, kind, number, debt, ref) for kind in kinds]
    return tuple(events)


def _dial(draw: random.Random) -> tuple[tuple[EventKind, int], ...]:
    """What one dial came to, in seconds from its start."""
    which = draw.random()
    return next(came for share, came in _DIALS if which < share)


def _consents(draw: random.Random, now: datetime) -> tuple[Consent, ...]:
    given = now - timedelta(seconds=int(draw.random() * 12 * _DAY_S))
    revoked = now - timedelta(seconds=int(draw.random() * 6 * _DAY_S)) if draw.random() < 0.3 else None
    return tuple(Consent(_one_of(_CONSENTS, draw), given, revoked) for _ in range(_one_of((1, 2), draw)))
