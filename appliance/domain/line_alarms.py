"""One cause, one alarm: from what all sources say of a line to the one thing that is wrong with it. Pure.

Order of causes: LOS > LOF > AIS > RAI > LOMF > T16AIS > LOOP > out of service > D channel > SIP (ITU-T G.732, G.775 up
to T16AIS). Those behind the first are kept as *suppressed*: they are what the first one brings. A cause is raised when
`RAISE_AFTER` readings in a row show trouble and cleared after `CLEAR_AFTER_S` without any; a line of which nothing is
known is never up, and neither raises nor clears.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

RAISE_AFTER = 2
CLEAR_AFTER_S = 10.0


class Cause(StrEnum):
    """What is wrong with a line, the worst first."""

    LOS = "los"
    LOF = "lof"
    AIS = "ais"
    RAI = "rai"
    LOMF = "lomf"
    T16AIS = "t16ais"
    LOOP = "loop"
    OUT_OF_SERVICE = "out_of_service"  # a source calls it down and names no alarm
    D_CHANNEL = "d_channel"
    SIP = "sip"


_ORDER = {cause: place for place, cause in enumerate(Cause)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One source's word on one line. `alarms` are names as in `Cause`; None: the source does not say."""

    source: str
    up: bool | None
    stale: bool = False
    alarms: frozenset[str] = frozenset()
    d_channel: bool | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What all sources together say. `up` None: nobody knows."""

    up: bool | None
    cause: Cause | None = None
    suppressed: tuple[Cause, ...] = ()


class Happened(StrEnum):
    """What becomes of the alarm of a line."""

    RAISED = "raised"
    CHANGED = "changed"  # the same alarm by another cause
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class LineAlarm:
    """The alarm of one line over time. `cause` None: none stands. `bad`: troubled readings in a row."""

    cause: Cause | None = None
    suppressed: tuple[Cause, ...] = ()
    bad: int = 0
    good_since_s: float | None = None

    @property
    def standing(self) -> bool:
        """Whether it is raised."""
        return self.cause is not None


def alarm_key(line_id: str) -> str:
    """The key of a line's one alarm: whatever the cause, the same."""
    return f"line.{line_id}"


def judge(seen: Iterable[Seen], *, answers: bool | None = None) -> Judgement:
    """Put all sources together. `answers`: whether the line's gateway answers OPTIONS; None: not asked or not known.

    Two sources that differ: trouble wins, since a line is never up by the word of one against another's.
    """
    causes: set[Cause] = set()
    ups: set[bool | None] = set()
    for one in seen:
        if one.stale:
            continue
        named = {Cause(alarm) for alarm in one.alarms if alarm in _ORDER}
        causes |= named
        if one.up is False and not named:
            causes.add(Cause.OUT_OF_SERVICE)
        if one.up is not False and one.d_channel is False:
            causes.add(Cause.D_CHANNEL)
        ups.add(one.up)
    if answers is False:
        causes.add(Cause.SIP)
    if causes:
        first, *rest = sorted(causes, key=_ORDER.__getitem__)
        return Judgement(False, first, tuple(rest))
    return Judgement(True if ups and ups <= {True, None} and True in ups else None)


def step(alarm: LineAlarm, found: Judgement, now_s: float) -> tuple[LineAlarm, Happened | None]:
    """One reading further. `now_s` is any clock that only goes forward."""
    if found.up is None:
        return replace(alarm, bad=0, good_since_s=None), None
    if found.cause is None:
        return _good(alarm, now_s)
    if alarm.cause is None:
        bad = alarm.bad + 1
        if bad < RAISE_AFTER:
            return replace(alarm, bad=bad, good_since_s=None), None
        return LineAlarm(found.cause, found.suppressed, bad), Happened.RAISED
    changed = replace(alarm, cause=found.cause, suppressed=found.suppressed, bad=alarm.bad + 1, good_since_s=None)
    return changed, Happened.CHANGED if found.cause is not alarm.cause else None


def _good(alarm: LineAlarm, now_s: float) -> tuple[LineAlarm, Happened | None]:
    if not alarm.standing:
        return LineAlarm(), None
    since_s = now_s if alarm.good_since_s is None else alarm.good_since_s
    if now_s - since_s >= CLEAR_AFTER_S:
        return LineAlarm(), Happened.CLEARED
    return replace(alarm, bad=0, good_since_s=since_s), None


# ---- what it means for a trunk ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LineCapacity:
    """What one line may carry now. `usable` None: not known, `channels` when it is healthy."""

    line_id: str
    channels: int
    usable: int | None


@dataclass(frozen=True, slots=True)
class TrunkUse:
    """How many calls a trunk may carry at once, and why no more (empty: all of them)."""

    usable: int
    reason: str = ""


def trunk_use(channels: int, lines: Sequence[LineCapacity], *, answers: bool | None) -> TrunkUse:
    """What a trunk of `channels` may use. `answers`: whether any of its gateways answers OPTIONS (None: not known).

    A line of which nothing is known counts as whole while a gateway answers: a management network that is down is no
    reason to stop dialling, and the call itself tells. Nothing known and no answer: nothing is used.
    """
    if answers is False:
        return TrunkUse(0, Cause.SIP)
    if not lines:
        return TrunkUse(channels)
    carried = sum(line.channels if line.usable is None else line.usable for line in lines)
    if carried >= channels:
        return TrunkUse(channels)
    whole = sum(line.channels for line in lines)
    if carried >= whole:
        return TrunkUse(channels)  # the trunk was given more channels than its lines have: its gateway refuses, not we
    return TrunkUse(min(channels, carried), "lines_down" if carried == 0 else "lines_degraded")
