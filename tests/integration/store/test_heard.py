"""The ear's tables on both databases: what the engine writes, what the page reads, what the watch finds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from appliance.clock import ManualClock
from appliance.domain.call_model import Call
from appliance.domain.outcome import TrunkEnd, Verdict
from appliance.store import models
from appliance.store.db import Store
from appliance.store.read import heard
from appliance.store.read.heard import HeardFilter
from appliance.store.repositories import attempts
from appliance.types import Outcome
from appliance.watch.ear_drift import EarDrift

pytestmark = pytest.mark.integration

NOW = datetime(2026, 3, 5, 9, 0, tzinfo=UTC)


@pytest.fixture
def box(store: Store) -> Store:
    with store.write() as session:
        session.add(models.Campaign(id="c1", name="One", mode="preview", state="running", config={}, created_at=NOW))
        session.add(models.Trunk(id="t1", display_name="联通", config={}))
        session.add(models.Contact(id="k1", number="+8613800000000", created_at=NOW))
        session.flush()
        session.add(
            models.Lead(id="l1", campaign_id="c1", contact_id="k1", number="+8613800000000", state="done",
                        next_attempt_at=NOW)
        )  # fmt: skip
    return store


def _close(store: Store, attempt_id: str, **fields: object) -> None:
    call = Call(attempt_id, "c1", "l1", "+8613800000000", "t1", NOW, ended_at=NOW)
    call = replace(call, **fields)  # type: ignore[arg-type]
    with store.write() as session:
        attempts.add(session, call)
        session.flush()
        attempts.save(session, call, Verdict(Outcome.UNKNOWN))


def test_the_engine_writes_each_phase_that_was_heard(box: Store) -> None:
    unknown = Verdict(Outcome.UNKNOWN, "speech", "deadline", 0.0, {"bursts": 2}, 4000)
    late = Verdict(Outcome.MACHINE, "speech", "late_talks_on", 0.97, {}, 6100)
    _close(box, "a1", answered_at=NOW, heard=unknown, late=late, beep_end_ms=7000)
    named = Verdict(Outcome.VACANT, "announcement", "library_match", 0.99, {"ann_id": "cn-vacant-1"}, 1900)
    _close(box, "a2", early=named, trunk_end=TrunkEnd(486, 17))
    _close(box, "a3", answered_at=NOW, heard=Verdict(Outcome.UNKNOWN, reason="no verdict in time"))
    with box.read() as session:
        rows = {(row.attempt_id, row.phase): row for row in session.query(models.EarVerdict)}
    assert set(rows) == {("a1", "answered"), ("a1", "late"), ("a2", "early")}, "what signalling said was not heard"
    assert (rows["a1", "answered"].beep_end_ms, rows["a1", "answered"].evidence) == (7000, {"bursts": 2})
    assert rows["a1", "late"].doubt == "late"
    assert (rows["a2", "early"].announcement_id, rows["a2", "early"].doubt) == ("cn-vacant-1", "disagrees")
    assert heard.hits(box) == {"cn-vacant-1": (1, NOW)}
    found = heard.figures(box, HeardFilter(campaign_id="c1"))
    assert (found["answered"].labels, found["early"].labels) == ({"unknown": 1}, {"vacant": 1})
    assert found["early"].times[3] == 1
    assert found["early"].confidences[-1] == 1


def _recording(store: Store, attempt_id: str, kind: str, begins_ms: int = 0) -> None:
    with store.write() as session:
        session.add(
            models.Recording(id=f"r-{attempt_id}-{kind}", conversation_id=attempt_id, attempt_id=attempt_id,
                             kind=kind, begins_ms=begins_ms, state="archived", started_at=NOW, duration_s=10.0)
        )  # fmt: skip


def test_doubtful_ones_come_with_the_place_in_their_recording(box: Store) -> None:
    unknown = Verdict(Outcome.UNKNOWN, "speech", "deadline", 0.0, {}, 4000)
    _close(box, "a1", answered_at=NOW, heard=unknown, late=Verdict(Outcome.MACHINE, "speech", "late_x", 0.9, {}, 6100))
    _recording(box, "a1", "conversation")
    _close(box, "a2", early=Verdict(Outcome.ANNOUNCEMENT_UNKNOWN, "announcement", "x", 0.9, {}, 12000))
    _recording(box, "a2", "evidence", begins_ms=5000)
    _close(box, "a3", answered_at=NOW, heard=unknown)  # its sound was never kept
    found = {view.attempt_id: view for view in heard.doubtful(box, HeardFilter())}
    assert set(found) == {"a1", "a2"}
    assert (found["a1"].verdict.phase, found["a1"].verdict.at_s) == ("late", 6.1)
    assert (found["a2"].stage, found["a2"].verdict.at_s) == ("early", 7.0)
    assert [mark.phase for mark in heard.of_recording(box, "r-a1-conversation")] == ["answered", "late"]
    assert heard.one(box, "a1", "answered").verdict.phase == "late"  # type: ignore[union-attr]


def _verdicts(store: Store, start: int, labels: list[str], at: datetime) -> None:
    with store.write() as session:
        for number, label in enumerate(labels, start):
            session.add(models.Attempt(id=f"d{number}", campaign_id="c1", lead_id="l1", number="+8613800000000",
                                       trunk_id="t1", created_at=at))  # fmt: skip
            session.flush()
            session.add(models.EarVerdict(attempt_id=f"d{number}", phase="early", campaign_id="c1", trunk_id="t1",
                                          at=at, label=label))  # fmt: skip


def test_a_new_announcement_is_alerted_once_and_cleared_once(box: Store) -> None:
    clock = ManualClock(NOW)
    drift = EarDrift(box, clock)
    _verdicts(box, 0, ["ringback"] * 280 + ["announcement_unknown"] * 20, NOW - timedelta(days=2))
    _verdicts(box, 1000, ["ringback"] * 20, NOW - timedelta(minutes=30))
    assert drift.check() == []
    _verdicts(box, 2000, ["announcement_unknown"] * 60, NOW - timedelta(minutes=20))
    first = drift.check()
    assert {finding.key for finding in first} == {"ear.drift.t1.announcements", "ear.drift.t1.tones"}
    told = next(finding for finding in first if finding.key.endswith("announcements"))
    assert (told.data["name"], told.data["now_count"], told.data["base_count"]) == ("联通", 80, 300)
    _verdicts(box, 3000, ["announcement_unknown"] * 10, NOW - timedelta(minutes=10))
    assert drift.check() == first, "its words do not change each minute"
    clock.advance(4 * 3600.0)
    _verdicts(box, 4000, ["ringback"] * 95 + ["announcement_unknown"] * 5, clock.now() - timedelta(minutes=5))
    assert drift.check() == []


def test_every_call_with_sound_can_be_listened_to(box: Store) -> None:
    _close(box, "a1", answered_at=NOW, heard=Verdict(Outcome.MACHINE, "speech", "talks_on", 0.99, {}, 2000))
    _recording(box, "a1", "conversation")
    assert heard.doubtful(box, HeardFilter()) == []
    (view,) = heard.doubtful(box, HeardFilter(), every=True, label="machine")
    assert (view.verdict.doubt, view.verdict.at_s) == ("", 2.0)
