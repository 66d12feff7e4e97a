"""One cause, one alarm; nothing known is never up; a trunk follows its lines."""

from __future__ import annotations

import itertools

import pytest

from appliance.domain.line_alarms import (
    CLEAR_AFTER_S,
    RAISE_AFTER,
    Cause,
    Happened,
    Judgement,
    LineAlarm,
    LineCapacity,
    Seen,
    TrunkUse,
    judge,
    step,
    trunk_use,
)

pytestmark = pytest.mark.unit


def seen(*alarms: str, up: bool | None = None, stale: bool = False, d_channel: bool | None = None) -> Seen:
    return Seen(
        source="snmp", up=not alarms if up is None and not stale else up, stale=stale, alarms=frozenset(alarms),
        d_channel=d_channel,
    )  # fmt: skip


def test_the_root_cause_is_the_worst_and_the_rest_is_kept() -> None:
    found = judge([seen("rai", "los", "lof", d_channel=False)], answers=False)
    assert (found.up, found.cause) == (False, Cause.LOS)
    assert found.suppressed == (Cause.LOF, Cause.RAI, Cause.SIP)


@pytest.mark.parametrize(("worse", "milder"), list(itertools.pairwise(Cause)))
def test_the_order_of_causes(worse: Cause, milder: Cause) -> None:
    order = list(Cause)
    assert order.index(worse) < order.index(milder)
    named = [cause for cause in (worse, milder) if cause not in (Cause.OUT_OF_SERVICE, Cause.D_CHANNEL, Cause.SIP)]
    if len(named) == 2:
        assert judge([seen(*map(str, named))]) == Judgement(False, worse, (milder,))


def test_down_without_a_name_and_a_dead_d_channel_and_a_silent_gateway() -> None:
    assert judge([seen(up=False)]).cause is Cause.OUT_OF_SERVICE
    assert judge([seen(up=True, d_channel=False)]).cause is Cause.D_CHANNEL
    assert judge([seen(up=True)], answers=False).cause is Cause.SIP


def test_what_is_stale_or_unsaid_is_never_up() -> None:
    assert judge([]).up is None
    assert judge([seen(up=True, stale=True)]).up is None
    assert judge([seen(up=None, stale=True), Seen(source="console", up=None)], answers=True).up is None
    assert judge([seen(up=True), seen("ais")]).up is False  # one source against another: trouble wins


def run(*readings: tuple[float, Judgement]) -> tuple[LineAlarm, list[Happened]]:
    alarm, happened = LineAlarm(), []
    for now_s, found in readings:
        alarm, what = step(alarm, found, now_s)
        happened += [what] if what is not None else []
    return alarm, happened


GOOD, UNKNOWN = Judgement(True), Judgement(None)
LOS, LOF = Judgement(False, Cause.LOS), Judgement(False, Cause.LOF)


def test_raised_after_two_readings_once_and_cleared_after_a_while_once() -> None:
    assert RAISE_AFTER == 2
    assert run((0, LOS)) [1] == []
    assert run((0, LOS), (1, GOOD), (2, LOS))[1] == []
    alarm, happened = run((0, LOS), (1, LOS), (2, LOS), (3, GOOD), (3 + CLEAR_AFTER_S - 0.1, GOOD))
    assert happened == [Happened.RAISED]
    assert alarm.standing
    assert run((0, LOS), (1, LOS), (3, GOOD), (3 + CLEAR_AFTER_S, GOOD), (20, GOOD))[1] == [
        Happened.RAISED, Happened.CLEARED,
    ]  # fmt: skip


def test_another_cause_is_the_same_alarm() -> None:
    alarm, happened = run((0, LOS), (1, LOS), (2, LOF))
    assert happened == [Happened.RAISED, Happened.CHANGED]
    assert alarm.cause is Cause.LOF


def test_not_knowing_neither_raises_nor_clears() -> None:
    assert run((0, LOS), (1, UNKNOWN), (2, LOS))[1] == []
    alarm, happened = run((0, LOS), (1, LOS), (2, GOOD), (5, UNKNOWN), (2 + CLEAR_AFTER_S, GOOD))
    assert happened == [Happened.RAISED]
    assert alarm.standing


def line(usable: int | None, channels: int = 30) -> LineCapacity:
    return LineCapacity("l", channels, usable)


def test_a_trunk_follows_its_lines() -> None:
    assert trunk_use(60, [line(30), line(30)], answers=True) == TrunkUse(60)
    assert trunk_use(60, [line(30), line(0)], answers=True) == TrunkUse(30, "lines_degraded")
    assert trunk_use(60, [line(0), line(0)], answers=True) == TrunkUse(0, "lines_down")
    assert trunk_use(20, [line(30), line(0)], answers=True) == TrunkUse(20)
    assert trunk_use(60, [line(30)], answers=True) == TrunkUse(60)  # given more than its lines have: not ours to cut


def test_a_trunk_of_which_nothing_is_known_dials_while_its_gateway_answers() -> None:
    assert trunk_use(30, [line(None)], answers=True) == TrunkUse(30)
    assert trunk_use(30, [line(None)], answers=None) == TrunkUse(30)
    assert trunk_use(30, [line(30)], answers=False) == TrunkUse(0, "sip")
    assert trunk_use(30, [], answers=None) == TrunkUse(30)
    assert trunk_use(30, [], answers=False) == TrunkUse(0, "sip")
