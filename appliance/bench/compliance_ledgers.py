"""Random people with random histories, drawn where the rules bend: at limits, midnights, changes of the clock."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

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
_SPAN_DAYS = 34
_GAPS_S = (600, 3600, 36_000, 86_400, 160_000, 310_000)


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
    config, own = draw.choice(choices)
    now = datetime(2026, 2, 1, tzinfo=UTC) + timedelta(seconds=draw.randrange(700 * 86400))
    if draw.random() < 0.3:  # on the minute, where hours begin and end
        now = now.replace(minute=draw.choice((0, 30)), second=0)
    rare = draw.random() < 0.25
    number, debt = draw.choice(_NUMBERS[:2]), draw.choice(_DEBTS)
    channel = draw.choices((Channel.CALL, Channel.ROBOT, Channel.MESSAGE), (8, 3, 2))[0]
    ledger = Ledger(
        number=number, debt=debt, channel=channel,
        events=_history(draw, now) if draw.random() < 0.6 else _series(draw, now, number, debt, channel),
        zones=() if draw.random() < 0.01 else draw.choice(_PLACES[place_of(profile)]),
        in_call=draw.random() < 0.02, consents=_consents(draw, now) if draw.random() < 0.4 else (),
        do_not_call=frozenset({draw.choice(("box", "campaign", "person"))}) if draw.random() < 0.02 else frozenset(),
        contact_revoked=rare and draw.random() < 0.1, third_party=rare and draw.random() < 0.6,
        third_party_refused=rare and draw.random() < 0.3, debtor_unreachable=draw.random() < 0.5,
        agent_guaranteed=draw.random() < 0.3, lead_attempts=min(draw.randrange(14), draw.randrange(14)),
        holidays=frozenset({(now + timedelta(days=draw.randrange(3))).date()}) if draw.random() < 0.1 else frozenset(),
    )  # fmt: skip
    return Drawn(ledger, config, own, now)


def _history(draw: random.Random, now: datetime) -> tuple[Event, ...]:
    """Dials of the last weeks, crowded towards now, some exactly so many days or hours ago."""
    events: list[Event] = []
    for n in range(int(draw.expovariate(0.22))):
        back_s = draw.choice((draw.random() ** 3 * _SPAN_DAYS * 86400, draw.choice((1, 3, 7, 31)) * 86400,
                              draw.random() * 86400))  # fmt: skip
        at = now - timedelta(seconds=max(0, int(back_s) + draw.choice((0, 0, -1, 1, 3600, -3600))))
        number, debt, ref = draw.choice(_NUMBERS), draw.choice(_DEBTS), f"d{n}"
        for kind, later_s in _dial(draw):
            events.append(Event(min(now, at + timedelta(seconds=later_s)), kind, number, debt, ref))
    draw.shuffle(events)
    return tuple(events)


def _series(draw: random.Random, now: datetime, number: str, debt: str, channel: Channel) -> tuple[Event, ...]:
    """The same again and again, evenly: so the longer windows fill up while the shorter ones do not."""
    gap_s = draw.choice(_GAPS_S) * draw.uniform(0.9, 1.1)
    ends = ((), (EventKind.CONVERSATION,), (EventKind.ROBOT,), (EventKind.ABANDONED,))
    kinds = (EventKind.ATTEMPT, *((EventKind.ANSWERED, *end) if (end := draw.choice(ends)) else ()))
    if channel is Channel.MESSAGE:
        kinds = (EventKind.MESSAGE,)
    count = min(draw.randint(1, 20), int(_SPAN_DAYS * 86400 / gap_s))
    return tuple(
        Event(now - timedelta(seconds=int(n * gap_s)), kind, number, debt, f"s{n}")
        for n in range(1, count + 1) for kind in kinds
    )  # fmt: skip


def _dial(draw: random.Random) -> list[tuple[EventKind, int]]:
    """What one dial came to, in seconds from its start."""
    kind = draw.random()
    dialled = [(EventKind.ATTEMPT, 0), (EventKind.RING, 1)]
    if kind < 0.45:
        return dialled
    answered = [*dialled, (EventKind.ANSWERED, 20)]
    if kind < 0.55:
        return [*answered, (EventKind.ABANDONED, 22)]
    if kind < 0.70:
        return [*answered, (EventKind.ROBOT, 21)]
    if kind < 0.75:
        return [*answered, (EventKind.ROBOT, 21), (EventKind.CONVERSATION, 40)]
    if kind < 0.93:
        return [*answered, (EventKind.CONVERSATION, 23)]
    return [(EventKind.MESSAGE, 0)]


def _consents(draw: random.Random, now: datetime) -> tuple[Consent, ...]:
    given = now - timedelta(seconds=draw.randrange(12 * 86400))
    revoked = now - timedelta(seconds=draw.randrange(6 * 86400)) if draw.random() < 0.3 else None
    return tuple(Consent(draw.choice(_CONSENTS), given, revoked) for _ in range(draw.randint(1, 2)))
