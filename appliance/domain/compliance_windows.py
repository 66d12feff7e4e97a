"""When one rule lets go: counters over calendar or rolling windows, cool-downs, hours; all where the person is.

Each function answers with the first instant, `now` or later, at which its rule allows a contact if nothing else happens
meanwhile. A person who may be in several zones is contacted only when the rule allows it in all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from appliance.domain.calling_hours import local_instant, next_open, zone
from appliance.domain.compliance_ledger import Channel, Event, EventKind, Ledger
from appliance.domain.compliance_profile import CapRule, CoolDownRule, Counted, HoursRule, Profile

_KIND: dict[Counted, EventKind] = {
    "attempts": EventKind.ATTEMPT, "unanswered": EventKind.ATTEMPT, "abandoned": EventKind.ABANDONED,
    "conversations": EventKind.CONVERSATION, "robots": EventKind.ROBOT, "messages": EventKind.MESSAGE,
}  # fmt: skip
_OF_MESSAGES: frozenset[Counted] = frozenset({"messages"})


@lru_cache(maxsize=64)
def days_off(country: str, year: int) -> frozenset[date]:
    """Return the public holidays of a country (ISO 3166) in a year and the next."""
    import holidays  # here: a tenth of the engine's start, and most rules name no country

    return frozenset(holidays.country_holidays(country, years=[year, year + 1]))


def concerns(counts: Iterable[Counted], profile: Profile, channel: Channel) -> bool:
    """Say whether a contact of this channel can add to a counter."""
    counted = set(counts)
    if channel is Channel.MESSAGE:
        return "messages" in counted
    if counted - _OF_MESSAGES:
        return True
    return channel is Channel.ROBOT and profile.robot.counts_as == "messages"


def counted(counts: Sequence[Counted], per: str, profile: Profile, ledger: Ledger) -> list[datetime]:
    """Return the instants that a counter counts, oldest first; one dial counts once, at its latest."""
    kinds = {_KIND[one] for one in counts}
    if profile.robot.counts_as in counts:
        kinds.add(EventKind.ROBOT)
    answered = _answered(ledger.events) if "unanswered" in counts and "attempts" not in counts else frozenset()
    found: dict[object, datetime] = {}
    for position, event in enumerate(ledger.events):
        if event.kind not in kinds or (event.kind is EventKind.ATTEMPT and event.ref in answered):
            continue
        if per == "number" and event.number != ledger.number:
            continue
        if per == "debt" and event.debt and ledger.debt and event.debt != ledger.debt:
            continue
        key = event.ref or position
        found[key] = max(event.at, found.get(key, event.at))
    return sorted(found.values())


class Counters:
    """A ledger's counters under a profile: each is counted once, whatever instants are asked about."""

    def __init__(self, profile: Profile, ledger: Ledger) -> None:
        self._profile, self._ledger = profile, ledger
        self._found: dict[tuple[tuple[Counted, ...], str], list[datetime]] = {}

    def instants(self, counts: Sequence[Counted], per: str) -> list[datetime]:
        """As `counted`."""
        asked = (tuple(counts), per)
        if asked not in self._found:
            self._found[asked] = counted(counts, per, self._profile, self._ledger)
        return self._found[asked]


def _answered(events: Iterable[Event]) -> frozenset[str]:
    return frozenset(event.ref for event in events if event.kind is EventKind.ANSWERED and event.ref)


def cap_opens(cap: CapRule, counters: Counters, ledger: Ledger, now: datetime) -> datetime | None:
    """Return when one more is allowed; None: never (a maximum of none)."""
    if cap.maximum == 0:
        return None
    instants = counters.instants(cap.counts, cap.per)
    if len(instants) < cap.maximum:
        return now
    last_in_the_way = instants[-cap.maximum]
    return max(now, *(leaves_window(cap, last_in_the_way, name) for name in ledger.zones))


def leaves_window(cap: CapRule, event: datetime, zone_name: str) -> datetime:
    """Return when an event counts no more."""
    return _rolled(event, cap.days, zone_name) if cap.window == "rolling" else _day_after(event, cap.days, zone_name)


def cool_down_opens(rule: CoolDownRule, counters: Counters, ledger: Ledger, now: datetime) -> datetime:
    """Return when the rest after the last such event is over."""
    if rule.unless_agent and ledger.agent_guaranteed:
        return now
    instants = counters.instants(rule.after, rule.per)
    if not instants:
        return now
    opens = now
    if rule.hours is not None:
        opens = max(opens, instants[-1] + timedelta(hours=rule.hours))
    if rule.days is not None:
        opens = max(opens, *(_day_after(instants[-1], rule.days, name) for name in ledger.zones))
    return opens


def hours_open(rule: HoursRule, ledger: Ledger, now: datetime) -> datetime | None:
    """Return the first instant at which the hours are open; None: they never are."""
    off: frozenset[date] = frozenset()
    if rule.holidays_of:
        of_country = days_off(rule.holidays_of, now.year)
        off = of_country | ledger.holidays if ledger.holidays else of_country
    return next_open(rule.week, (rule.zone,) if rule.zone else ledger.zones, now, off)


def _rolled(event: datetime, days: int, zone_name: str) -> datetime:
    """Return when an event leaves a rolling window: so many times 24 h, and not before the same local time."""
    where = zone(zone_name)
    wall = event.astimezone(where).replace(tzinfo=None) + timedelta(days=days)
    twice = [wall.replace(tzinfo=where, fold=fold).astimezone(UTC) for fold in (0, 1)]  # where the clock is put back
    return max(event + timedelta(days=days), *twice)


def _day_after(event: datetime, days: int, zone_name: str) -> datetime:
    """Return the local midnight that ends `days` local days, of which the event's is the first."""
    where = zone(zone_name)
    first: date = event.astimezone(where).date()
    return local_instant(first + timedelta(days=days), 0, where)

