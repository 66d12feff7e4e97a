"""A second opinion on a contact, written from the text of the rules and nothing else, to hold the first against.

Nothing of `appliance.domain` that decides is used here: no profile file, no window, no helper. Figures stand in this
module as they stand in the rules; the way is another one too: every window that holds the contact is laid out and what
lies in it is counted, every day of a rest is walked. Slow, and plain enough to be read beside the law.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

from appliance.domain.compliance_ledger import Ledger

DAY = timedelta(hours=24)
_LOOK_AGAIN = timedelta(minutes=2)


@dataclass(frozen=True)
class Own:
    """A campaign's own limits: minutes of the day by weekday (Monday 0), in the person's zones."""

    hours: Mapping[int, Sequence[tuple[int, int]]]
    attempts_per_day: int
    attempts_total: int


Broken = set[str]
Law = Callable[[Ledger, datetime], Broken]


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _wall(at: datetime, zone: str) -> datetime:
    """What a clock on the wall shows there."""
    return at.astimezone(_zone(zone)).replace(tzinfo=None)


# ---- what happened ----------------------------------------------------------------------------------------------


def _dials(ledger: Ledger) -> dict[str, list[tuple[str, datetime, str, str]]]:
    """Events by dial; one without a dial stands alone."""
    found: dict[str, list[tuple[str, datetime, str, str]]] = {}
    for n, event in enumerate(ledger.events):
        found.setdefault(event.ref or f"alone {n}", []).append((str(event.kind), event.at, event.number, event.debt))
    return found


def _instants(ledger: Ledger, kinds: Iterable[str], *, number: str = "", debt: str = "") -> list[datetime]:
    """When each dial had one of the kinds, at its latest."""
    wanted = tuple(kinds)
    out = []
    for events in _dials(ledger).values():
        hits = [
            at for kind, at, of_number, of_debt in events
            if kind in wanted and (not number or of_number == number) and not (debt and of_debt and of_debt != debt)
        ]  # fmt: skip
        if hits:
            out.append(max(hits))
    return out


def _unanswered(ledger: Ledger, number: str) -> list[datetime]:
    out = []
    for events in _dials(ledger).values():
        if "answered" in [kind for kind, *_ in events]:
            continue
        out += [at for kind, at, of_number, _ in events if kind == "attempt" and of_number == number]
    return out


# ---- the ways of counting ------------------------------------------------------------------------------------------


def _too_many_by_day(instants: list[datetime], days: int, most: int, ledger: Ledger, at: datetime) -> bool:
    """Lay every window of so many calendar days over the contact, and count what it holds with it."""
    for zone in ledger.zones:
        today = _wall(at, zone).date()
        dates = [_wall(one, zone).date() for one in instants]
        for back in range(days):
            window = {today - timedelta(days=back) + timedelta(days=n) for n in range(days)}
            if sum(one in window for one in dates) + 1 > most:
                return True
    return False


def _too_many_in_span(instants: list[datetime], days: int, most: int, ledger: Ledger, at: datetime) -> bool:
    """Lay a window of so many days on every event, as the clock on the wall and as a stopwatch counts them."""
    for zone in ledger.zones:
        here = _wall(at, zone)
        near = [
            one for one in instants if at - one < days * DAY or here - _wall(one, zone) < days * DAY
        ]  # fmt: skip
        if len(near) + 1 > most:
            return True
    return False


def _in_hours(spans_of: Callable[[date], Sequence[tuple[int, int]]], ledger: Ledger, at: datetime) -> bool:
    for zone in ledger.zones:
        wall = _wall(at, zone)
        minute = wall.hour * 60 + wall.minute
        if not any(start <= minute < end for start, end in spans_of(wall.date())):
            return False
    return True


def _agreed(ledger: Ledger, kind: str, at: datetime, days: int | None = None) -> bool:
    for one in ledger.consents:
        stands = one.given_at <= at and not (one.revoked_at is not None and one.revoked_at <= at)
        if one.kind == kind and stands and (days is None or at <= one.given_at + days * DAY):
            return True
    return False


def _hours(start: int, end: int) -> Callable[[date], Sequence[tuple[int, int]]]:
    return lambda _day: [(start * 60, end * 60)]


# ---- the laws ---------------------------------------------------------------------------------------------------


def _third_party(ledger: Ledger, allowed: bool) -> Broken:
    return {"third party"} if ledger.third_party and (ledger.third_party_refused or not allowed) else set()


def _robot_wants_consent(ledger: Ledger, at: datetime) -> Broken:
    return {"robot consent"} if ledger.channel == "robot" and not _agreed(ledger, "robot", at) else set()


def china_standard(ledger: Ledger, at: datetime) -> Broken:
    """GB/T 45251-2025: not from 22:00 to 08:00 unless agreed; 3 effective conversations a day, robots included."""
    broken = _third_party(ledger, ledger.debtor_unreachable)
    if not _in_hours(_hours(8, 22), ledger, at) and not _agreed(ledger, "hours", at):
        broken.add("quiet hours")
    talks = _instants(ledger, ("conversation", "robot"))
    if ledger.channel != "message" and _too_many_by_day(talks, 1, 3, ledger, at):
        broken.add("3 conversations a day")
    return broken


def china_banks(ledger: Ledger, at: datetime) -> Broken:
    """CBA guideline 2026: not from 22:00 to 08:00 unless agreed; 6 unanswered attempts a day and number."""
    broken = _third_party(ledger, ledger.debtor_unreachable)
    if not _in_hours(_hours(8, 22), ledger, at) and not _agreed(ledger, "hours", at):
        broken.add("quiet hours")
    many = _too_many_by_day(_unanswered(ledger, ledger.number), 1, 6, ledger, at)
    if ledger.channel != "message" and many and not _agreed(ledger, "frequency", at):
        broken.add("6 unanswered a day")
    return broken


@lru_cache(maxsize=16)
def _russian_days_off(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("RU", years=year))


def russia(ledger: Ledger, at: datetime) -> Broken:
    """230-FZ art. 7 as amended by 467-FZ: 8-22, 9-20 on days off; talks (robots too) 1/2/8, messages 2/4/16."""

    def spans(day: date) -> Sequence[tuple[int, int]]:
        off = day.weekday() in (5, 6) or day in ledger.holidays or day in _russian_days_off(day.year)
        return [(9 * 60, 20 * 60)] if off else [(8 * 60, 22 * 60)]

    broken = _third_party(ledger, _agreed(ledger, "third_party", at))
    if not _in_hours(spans, ledger, at):
        broken.add("hours")
    if ledger.channel == "message":
        counted, most = _instants(ledger, ("message",)), (2, 4, 16)
    else:
        counted, most = _instants(ledger, ("conversation", "robot", "abandoned")), (1, 2, 8)
    if _too_many_by_day(counted, 1, most[0], ledger, at):
        broken.add("a day")
    if _too_many_in_span(counted, 7, most[1], ledger, at):
        broken.add("a week")
    if _too_many_in_span(counted, 31, most[2], ledger, at):
        broken.add("a month")
    return broken


def regulation_f(ledger: Ledger, at: datetime) -> Broken:
    """12 CFR 1006: 8-21; 7 calls in 7 days a debt; 7 days after a conversation, its date being the first."""
    broken = _third_party(ledger, ledger.debtor_unreachable) | _robot_wants_consent(ledger, at)
    if not _in_hours(_hours(8, 21), ledger, at) and not _agreed(ledger, "hours", at):
        broken.add("hours")
    if ledger.channel == "message" or _agreed(ledger, "frequency", at, 7):
        return broken
    if _too_many_in_span(_instants(ledger, ("attempt",), debt=ledger.debt), 7, 7, ledger, at):
        broken.add("7 in 7")
    for talk in _instants(ledger, ("conversation", "robot"), debt=ledger.debt):
        for zone in ledger.zones:
            first = _wall(talk, zone).date()
            if any(_wall(at, zone).date() == first + timedelta(days=n) for n in range(7)) or at < talk:
                broken.add("7 days after a conversation")
    return broken


def telemarketing(ledger: Ledger, at: datetime) -> Broken:
    """16 CFR 310.4(c): 8-21; machines only by consent."""
    broken = _robot_wants_consent(ledger, at)
    if not _in_hours(_hours(8, 21), ledger, at) and not _agreed(ledger, "hours", at):
        broken.add("hours")
    return broken | ({"third party"} if ledger.third_party and ledger.third_party_refused else set())


def united_kingdom(ledger: Ledger, at: datetime) -> Broken:
    """Ofcom, CONC 7: 8-21; no call for 72 hours after an abandoned one unless an agent is guaranteed; nobody else."""
    broken = _third_party(ledger, allowed=False) | _robot_wants_consent(ledger, at)
    if not _in_hours(_hours(8, 21), ledger, at) and not _agreed(ledger, "hours", at):
        broken.add("hours")
    if ledger.channel != "message" and not ledger.agent_guaranteed:
        for left in _instants(ledger, ("abandoned",)):
            if at - left < 3 * DAY:
                broken.add("72 h")
    return broken


def india(ledger: Ledger, at: datetime) -> Broken:
    """RBI 2022: 8-19; no relatives or friends; machines only by consent."""
    broken = _third_party(ledger, allowed=False) | _robot_wants_consent(ledger, at)
    if not _in_hours(_hours(8, 19), ledger, at):
        broken.add("hours")
    return broken


def nobody(ledger: Ledger, _at: datetime) -> Broken:
    return {"third party"} if ledger.third_party and ledger.third_party_refused else set()


LAWS: dict[str, tuple[Law, ...]] = {
    "neutral": (nobody,), "cn-gbt45251": (china_standard,), "cn-cba": (china_banks,), "ru-230fz": (russia,),
    "us-regf": (regulation_f,), "us-tsr": (telemarketing,), "uk-ofcom-fca": (united_kingdom,),
    "in-rbi-trai": (india,), "cn": (china_standard, china_banks), "ru": (russia,),
    "us": (regulation_f, telemarketing), "uk": (united_kingdom,), "in": (india,),
}  # fmt: skip


def broken_rules(name: str, ledger: Ledger, own: Own, at: datetime, asked_at: datetime) -> Broken:
    """Return what a contact at `at` would break; `asked_at`: when the ledger was drawn up, with a call or none."""
    if not ledger.zones:
        return {"unknown zone"}
    broken: Broken = {f"do not call: {level}" for level in ledger.do_not_call}
    if ledger.contact_revoked:
        broken.add("revoked")
    if ledger.in_call and at < asked_at + _LOOK_AGAIN:
        broken.add("in a call")
    if ledger.lead_attempts + 1 > own.attempts_total:
        broken.add("attempts in all")
    dials = _instants(ledger, ("attempt",), number=ledger.number)
    if ledger.channel != "message" and _too_many_by_day(dials, 1, own.attempts_per_day, ledger, at):
        broken.add("attempts a day")
    if not _in_hours(lambda day: own.hours.get(day.weekday(), ()), ledger, at):
        broken.add("own hours")
    for law in LAWS[name]:
        broken |= law(ledger, at)
    return broken
