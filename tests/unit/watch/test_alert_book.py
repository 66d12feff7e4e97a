"""The book of alerts: one cause, one alarm; acknowledge, snooze, escalate; whoever heard of it hears of its end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.alert_book import HOLD, LAST_STEP, AlertBook, Happened, Notice, Standing
from appliance.types import Severity

pytestmark = pytest.mark.unit

T0 = datetime(2026, 5, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def alert(key: str = "a", severity: Severity = Severity.CRITICAL, caused_by: str = "", at: datetime = T0) -> Standing:
    return Standing(key=key, severity=severity, title=key, text="", raised_at=at, caused_by=caused_by)


def said(notices: list[Notice]) -> list[tuple[str, str, int, int]]:
    return [(notice.happened, notice.alert.key, notice.first, notice.last) for notice in notices]


def test_raise_once_clear_once() -> None:
    book = AlertBook()
    assert said(book.raise_(alert(), T0)) == [(Happened.RAISED, "a", 0, 0)]
    assert book.raise_(alert(at=T0 + MINUTE), T0 + MINUTE) == []
    assert book.standing()[0].raised_at == T0
    assert said(book.clear("a", T0 + MINUTE)) == [(Happened.CLEARED, "a", 0, 0)]
    assert book.clear("a", T0 + MINUTE) == []
    assert book.standing() == []


def test_a_cause_that_stands_silences_what_it_causes() -> None:
    book = AlertBook()
    book.raise_(alert("span"), T0)
    assert book.raise_(alert("gateway", caused_by="span"), T0) == []
    assert book.tick(T0 + HOLD * 3) == []
    gateway = book.get("gateway")
    assert gateway is not None
    assert book.explained(gateway)
    assert said(book.clear("gateway", T0 + MINUTE)) == []  # nobody heard of it
    assert said(book.clear("span", T0 + MINUTE)) == [(Happened.CLEARED, "span", 0, 0)]


def test_a_symptom_that_shows_first_waits_for_its_cause() -> None:
    book = AlertBook()
    assert book.raise_(alert("gateway", caused_by="span"), T0) == []
    assert said(book.raise_(alert("span"), T0 + HOLD / 2)) == [(Happened.RAISED, "span", 0, 0)]
    assert book.tick(T0 + HOLD) == []
    alone = AlertBook()
    alone.raise_(alert("gateway", caused_by="span"), T0)
    assert said(alone.tick(T0 + HOLD)) == [(Happened.RAISED, "gateway", 0, 0)]


def test_a_symptom_that_outlives_its_cause_is_told_after_a_while() -> None:
    book = AlertBook()
    book.raise_(alert("span"), T0)
    book.raise_(alert("gateway", caused_by="span"), T0)
    book.clear("span", T0 + MINUTE)
    assert book.tick(T0 + MINUTE + HOLD / 2) == []
    assert said(book.tick(T0 + MINUTE + HOLD)) == [(Happened.RAISED, "gateway", 0, 0)]


def test_nobody_is_explained_by_himself() -> None:
    book = AlertBook()
    book.raise_(alert("a", caused_by="a"), T0)
    assert said(book.tick(T0 + HOLD)) == [(Happened.RAISED, "a", 0, 0)]


def test_a_critical_alert_that_nobody_acknowledges_goes_further() -> None:
    book = AlertBook(escalate_after=15 * MINUTE)
    book.raise_(alert(), T0)
    book.raise_(alert("w", Severity.WARNING), T0)
    assert book.tick(T0 + 14 * MINUTE) == []
    assert said(book.tick(T0 + 15 * MINUTE)) == [(Happened.ESCALATED, "a", 1, 1)]
    assert said(book.tick(T0 + 30 * MINUTE)) == [(Happened.ESCALATED, "a", 2, 2)]
    assert book.tick(T0 + 90 * MINUTE) == []
    assert said(book.clear("a", T0 + 91 * MINUTE)) == [(Happened.CLEARED, "a", 0, LAST_STEP)]


def test_acknowledged_goes_no_further_until_it_gets_worse() -> None:
    book = AlertBook(escalate_after=15 * MINUTE)
    book.raise_(alert(severity=Severity.WARNING), T0)
    assert book.acknowledge("a", "u1", T0)
    assert not book.acknowledge("b", "u1", T0)
    assert book.tick(T0 + 60 * MINUTE) == []
    assert said(book.raise_(alert(), T0 + 61 * MINUTE)) == [(Happened.WORSE, "a", 0, 0)]
    assert said(book.tick(T0 + 76 * MINUTE)) == [(Happened.ESCALATED, "a", 1, 1)]


def test_snoozed_is_silent_then_told_again() -> None:
    book = AlertBook(escalate_after=MINUTE)
    book.raise_(alert(), T0)
    assert book.snooze("a", T0 + 30 * MINUTE)
    assert book.tick(T0 + 29 * MINUTE) == []
    assert said(book.tick(T0 + 30 * MINUTE)) == [(Happened.REMINDED, "a", 0, 0)]
    book.snooze("a", T0 + 90 * MINUTE)
    assert said(book.clear("a", T0 + 40 * MINUTE)) == [(Happened.CLEARED, "a", 0, 0)]


@given(st.lists(st.tuples(st.sampled_from(["raise", "clear", "tick", "ack", "snooze"]), st.sampled_from("abc"),
                          st.sampled_from(["", "a", "b", "c"]), st.integers(0, 600)), max_size=60))  # fmt: skip
def test_told_is_told_to_the_end_and_never_twice(steps: list[tuple[str, str, str, int]]) -> None:
    book, now = AlertBook(escalate_after=5 * MINUTE), T0
    heard: set[str] = set()
    for what, key, cause, pause_s in steps:
        now += timedelta(seconds=pause_s)
        match what:
            case "raise":
                notices = book.raise_(alert(key, caused_by=cause, at=now), now)
            case "clear":
                notices = book.clear(key, now)
            case "tick":
                notices = book.tick(now)
            case "ack":
                book.acknowledge(key, "u", now)
                notices = []
            case _:
                book.snooze(key, now + MINUTE)
                notices = []
        for notice in notices:
            if notice.happened is Happened.RAISED:
                assert notice.alert.key not in heard
                heard.add(notice.alert.key)
            else:
                assert notice.alert.key in heard
            if notice.happened is Happened.CLEARED:
                heard.discard(notice.alert.key)
    assert heard <= {standing.key for standing in book.standing()}
