"""A second opinion on a contact, written from the text of the rules and nothing else, to hold the first against.

Nothing of `appliance.domain` that decides is used here: no profile file, no window, no helper. Figures stand in this
module as they stand in the rules; the way is another one too: times are seconds and days are numbered, so that a window
is laid over the contact and what lies in it is counted. Plain enough to be read beside the law.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

from appliance.domain.compliance_ledger import Ledger

DAY_S = 24 * 3600
_LOOK_AGAIN_S = 120
_FIRST_S, _LAST_S = 1_577_836_800, 2_208_988_800
"""2020 to 2039: the years of which the changes of the clock are known here."""
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_THURSDAY = 3  # on which day 0 fell


@dataclass(frozen=True)
class Own:
    """A campaign's own limits: minutes of the day by weekday (Monday 0), in the person's zones."""

    hours: Mapping[int, Sequence[tuple[int, int]]]
    attempts_per_day: int
    attempts_total: int


Broken = set[str]
Spans = Sequence[tuple[int, int]]


# ---- clocks on the wall -----------------------------------------------------------------------------------------


def _shift_s(where: ZoneInfo, at_s: int) -> int:
    shift = datetime.fromtimestamp(at_s, where).utcoffset()
    assert shift is not None
    return int(shift.total_seconds())


@lru_cache(maxsize=64)
def _changes(name: str) -> tuple[list[int], list[int]]:
    """Return the seconds at which a zone's clocks change, and by how much they are ahead from then on."""
    where = ZoneInfo(name)
    starts, shifts = [_FIRST_S], [_shift_s(where, _FIRST_S)]
    for later in range(_FIRST_S + DAY_S, _LAST_S, DAY_S):
        if _shift_s(where, later) == shifts[-1]:
            continue
        low, high = later - DAY_S, later
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if _shift_s(where, middle) == shifts[-1] else (low, middle)
        starts.append(high)
        shifts.append(_shift_s(where, high))
    return starts, shifts


def _wall_s(at_s: float, zone: str) -> float:
    """What a clock on the wall shows there, as seconds since it showed the beginning of 1970."""
    starts, shifts = _changes(zone)
    return at_s + shifts[bisect_right(starts, at_s) - 1]


def _day(at_s: float, zone: str) -> int:
    return int(_wall_s(at_s, zone) // DAY_S)


# ---- what happened ----------------------------------------------------------------------------------------------


class Case:
    """A ledger as the checker reads it; made once for all instants that are asked about."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._dials: dict[str, list[tuple[str, float, str, str]]] = {}
        for n, event in enumerate(ledger.events):  # one without a dial stands alone
            seen = (event.kind, event.at.timestamp(), event.number, event.debt)
            self._dials.setdefault(event.ref or f"alone {n}", []).append(seen)
        self._found: dict[tuple[tuple[str, ...], str, str], list[float]] = {}

    def instants(self, *kinds: str, number: str = "", debt: str = "") -> list[float]:
        """When each dial had one of the kinds, at its latest."""
        asked = (kinds, number, debt)
        if asked not in self._found:
            self._found[asked] = out = []
            for events in self._dials.values():
                hits = [
                    at_s for kind, at_s, of_number, of_debt in events
                    if kind in kinds and (not number or of_number == number)
                    and not (debt and of_debt and of_debt != debt)
                ]  # fmt: skip
                if hits:
                    out.append(max(hits))
        return self._found[asked]

    def unanswered(self) -> list[float]:
        """When this number was dialled and nobody answered."""
        out = []
        for events in self._dials.values():
            if all(kind != "answered" for kind, *_ in events):
                number = self.ledger.number
                out += [at_s for kind, at_s, of_number, _ in events if kind == "attempt" and of_number == number]
        return out

    def agreed(self, kind: str, at_s: float, days: int | None = None) -> bool:
        """Has the person agreed to this, and not taken it back (`days`: agreed no longer ago)."""
        for one in self.ledger.consents:
            given_s = one.given_at.timestamp()
            stands = given_s <= at_s and not (one.revoked_at is not None and one.revoked_at.timestamp() <= at_s)
            if one.kind == kind and stands and (days is None or at_s <= given_s + days * DAY_S):
                return True
        return False


Law = Callable[[Case, float], Broken]


# ---- the ways of counting ------------------------------------------------------------------------------------------


def _too_many_in_a_day(instants: list[float], most: int, case: Case, at_s: float) -> bool:
    """Count what lies on the contact's own calendar day, and the contact with it."""
    if len(instants) + 1 <= most:
        return False
    for zone in case.ledger.zones:
        today = _day(at_s, zone)
        if sum(_day(one, zone) == today for one in instants) + 1 > most:
            return True
    return False


def _too_many_in_span(instants: list[float], days: int, most: int, case: Case, at_s: float) -> bool:
    """Lay a window of so many days on every event, as the clock on the wall and as a stopwatch counts them."""
    if len(instants) + 1 <= most:
        return False
    span_s = days * DAY_S
    for zone in case.ledger.zones:
        here_s = _wall_s(at_s, zone)
        near = [one for one in instants if at_s - one < span_s or here_s - _wall_s(one, zone) < span_s]
        if len(near) + 1 > most:
            return True
    return False


def _in_hours(spans_of: Callable[[int], Spans], case: Case, at_s: float) -> bool:
    """Is it open in all zones; `spans_of`: the minutes of a numbered day."""
    for zone in case.ledger.zones:
        day, second = divmod(_wall_s(at_s, zone), DAY_S)
        if not any(start <= second // 60 < end for start, end in spans_of(int(day))):
            return False
    return True


def _weekday(day: int) -> int:
    return (day + _THURSDAY) % 7


def _hours(start: int, end: int) -> Callable[[int], Spans]:
    spans = [(start * 60, end * 60)]
    return lambda _day: spans


# ---- the laws ---------------------------------------------------------------------------------------------------


def _third_party(case: Case, allowed: bool) -> Broken:
    refused = case.ledger.third_party_refused or not allowed
    return {"third party"} if case.ledger.third_party and refused else set()


def _robot_wants_consent(case: Case, at_s: float) -> Broken:
    return {"robot consent"} if case.ledger.channel == "robot" and not case.agreed("robot", at_s) else set()


def china_standard(case: Case, at_s: float) -> Broken:
    """GB/T 45251-2025: not from 22:00 to 08:00 unless agreed; 3 effective conversations a day, robots included."""
    broken = _third_party(case, case.ledger.debtor_unreachable)
    if not _in_hours(_hours(8, 22), case, at_s) and not case.agreed("hours", at_s):
        broken.add("quiet hours")
    talks = case.instants("conversation", "robot")
    if case.ledger.channel != "message" and _too_many_in_a_day(talks, 3, case, at_s):
        broken.add("3 conversations a day")
    return broken


def china_banks(case: Case, at_s: float) -> Broken:
    """CBA guideline 2026: not from 22:00 to 08:00 unless agreed; 6 unanswered attempts a day and number."""
    broken = _third_party(case, case.ledger.debtor_unreachable)
    if not _in_hours(_hours(8, 22), case, at_s) and not case.agreed("hours", at_s):
        broken.add("quiet hours")
    limited = case.ledger.channel != "message" and not case.agreed("frequency", at_s)
    if limited and _too_many_in_a_day(case.unanswered(), 6, case, at_s):
        broken.add("6 unanswered a day")
    return broken


@lru_cache(maxsize=1)
def _russian_days_off() -> frozenset[int]:
    days = holidays.country_holidays("RU", years=range(2020, 2040))
    return frozenset(day.toordinal() - _EPOCH_ORDINAL for day in days)


def russia(case: Case, at_s: float) -> Broken:
    """230-FZ art. 7 as amended by 467-FZ: 8-22, 9-20 on days off; talks (robots too) 1/2/8, messages 2/4/16."""
    local = {day.toordinal() - _EPOCH_ORDINAL for day in case.ledger.holidays}

    def spans(day: int) -> Spans:
        off = _weekday(day) in (5, 6) or day in local or day in _russian_days_off()
        return [(9 * 60, 20 * 60)] if off else [(8 * 60, 22 * 60)]

    broken = _third_party(case, case.agreed("third_party", at_s))
    if not _in_hours(spans, case, at_s):
        broken.add("hours")
    if case.ledger.channel == "message":
        counted, most = case.instants("message"), (2, 4, 16)
    else:
        counted, most = case.instants("conversation", "robot", "abandoned"), (1, 2, 8)
    if _too_many_in_a_day(counted, most[0], case, at_s):
        broken.add("a day")
    if _too_many_in_span(counted, 7, most[1], case, at_s):
        broken.add("a week")
    if _too_many_in_span(counted, 31, most[2], case, at_s):
        broken.add("a month")
    return broken


def regulation_f(case: Case, at_s: float) -> Broken:
    """12 CFR 1006: 8-21; 7 calls in 7 days a debt; 7 days after a conversation, its date being the first."""
    ledger = case.ledger
    broken = _third_party(case, ledger.debtor_unreachable) | _robot_wants_consent(case, at_s)
    if not _in_hours(_hours(8, 21), case, at_s) and not case.agreed("hours", at_s):
        broken.add("hours")
    if ledger.channel == "message" or case.agreed("frequency", at_s, 7):
        return broken
    if _too_many_in_span(case.instants("attempt", debt=ledger.debt), 7, 7, case, at_s):
        broken.add("7 in 7")
    for talk_s in case.instants("conversation", "robot", debt=ledger.debt):
        for zone in ledger.zones:
            first = _day(talk_s, zone)
            if _day(at_s, zone) in range(first, first + 7) or at_s < talk_s:
                broken.add("7 days after a conversation")
    return broken


def telemarketing(case: Case, at_s: float) -> Broken:
    """16 CFR 310.4(c): 8-21; machines only by consent."""
    broken = _robot_wants_consent(case, at_s) | _third_party(case, allowed=True)
    if not _in_hours(_hours(8, 21), case, at_s) and not case.agreed("hours", at_s):
        broken.add("hours")
    return broken


def united_kingdom(case: Case, at_s: float) -> Broken:
    """Ofcom, CONC 7: 8-21; no call for 72 hours after an abandoned one unless an agent is guaranteed; nobody else."""
    broken = _third_party(case, allowed=False) | _robot_wants_consent(case, at_s)
    if not _in_hours(_hours(8, 21), case, at_s) and not case.agreed("hours", at_s):
        broken.add("hours")
    rests = case.ledger.channel != "message" and not case.ledger.agent_guaranteed
    if rests and any(at_s - left_s < 3 * DAY_S for left_s in case.instants("abandoned")):
        broken.add("72 h")
    return broken


def india(case: Case, at_s: float) -> Broken:
    """RBI 2022: 8-19; no relatives or friends; machines only by consent."""
    broken = _third_party(case, allowed=False) | _robot_wants_consent(case, at_s)
    if not _in_hours(_hours(8, 19), case, at_s):
        broken.add("hours")
    return broken


def nobody(case: Case, _at_s: float) -> Broken:
    return _third_party(case, allowed=True)


LAWS: dict[str, tuple[Law, ...]] = {
    "neutral": (nobody,), "cn-gbt45251": (china_standard,), "cn-cba": (china_banks,), "ru-230fz": (russia,),
    "us-regf": (regulation_f,), "us-tsr": (telemarketing,), "uk-ofcom-fca": (united_kingdom,),
    "in-rbi-trai": (india,), "cn": (china_standard, china_banks), "ru": (russia,),
    "us": (regulation_f, telemarketing), "uk": (united_kingdom,), "in": (india,),
}  # fmt: skip


def broken_rules(name: str, ledger: Ledger | Case, own: Own, at: datetime, asked_at: datetime) -> Broken:
    """Return what a contact at `at` would break; `asked_at`: when the ledger was drawn up, with a call or none."""
    case = ledger if isinstance(ledger, Case) else Case(ledger)
    ledger, at_s = case.ledger, at.timestamp()
    if not ledger.zones:
        return {"unknown zone"}
    broken: Broken = {f"do not call: {level}" for level in ledger.do_not_call}
    if ledger.contact_revoked:
        broken.add("revoked")
    if ledger.in_call and at_s < asked_at.timestamp() + _LOOK_AGAIN_S:
        broken.add("in a call")
    if ledger.lead_attempts + 1 > own.attempts_total:
        broken.add("attempts in all")
    dials = case.instants("attempt", number=ledger.number)
    if ledger.channel != "message" and _too_many_in_a_day(dials, own.attempts_per_day, case, at_s):
        broken.add("attempts a day")
    if not _in_hours(lambda day: own.hours.get(_weekday(day), ()), case, at_s):
        broken.add("own hours")
    for law in LAWS[name]:
        broken |= law(case, at_s)
    return broken
