"""The report against a reckoning by hand, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from appliance.store.db import Store
from appliance.store.models import Attempt, Campaign, Contact, Import, Lead, Recording, User
from appliance.store.read import reports

pytestmark = pytest.mark.integration

START = datetime(2026, 3, 1, 23, 10, tzinfo=UTC)


def _attempt(number: int, at_s: float, outcome: str | None, **more: object) -> Attempt:
    """Dialled `at_s` after START; times in `more` are seconds after the dial."""
    began = START + timedelta(seconds=at_s)
    times = {
        name: began + timedelta(seconds=float(str(more.pop(name))))
        for name in ("answered_at", "verdict_at", "bridged_at", "ended_at", "disposed_at")
        if name in more
    }
    return Attempt(
        id=f"a{number}-{at_s}", campaign_id="c", lead_id=f"l{number}", number=f"+861380000{number:04d}", trunk_id="t",
        created_at=began, outcome=outcome, **times, **more,
    )  # fmt: skip


def _recording(attempt: str, state: str) -> Recording:
    return Recording(
        id=f"r-{attempt}", conversation_id=attempt, attempt_id=attempt, campaign_id="c", state=state, started_at=START
    )


@pytest.fixture
def campaign(store: Store) -> Store:
    with store.write() as session:
        session.add_all(
            [
                Campaign(id="c", name="March", mode="progressive", state="running", config={}, created_at=START),
                User(id="u", login="anna", display_name="Anna", role="agent", password_hash="", created_at=START),
            ]
        )
        session.flush()
        for n, counts in enumerate([(9, 4, {"empty": 3, "rounded": 1}), (3, 1, {"empty": 1})]):
            rows, rejected, reasons = counts
            session.add(
                Import(
                    id=f"i{n}", campaign_id="c", file_name="f", dry_run=False, state="finished", rows=rows,
                    accepted=rows - rejected - 1, rejected=rejected, duplicates=1, reasons=reasons, created_at=START,
                )
            )  # fmt: skip
        session.add(
            Import(id="dry", campaign_id="c", file_name="f", dry_run=True, state="finished", rows=99, created_at=START)
        )
        for n in range(1, 8):
            number = f"+861380000{n:04d}"
            session.add(Contact(id=f"k{n}", number=number, created_at=START))
            session.flush()
            session.add(
                Lead(
                    id=f"l{n}", campaign_id="c", contact_id=f"k{n}", number=number, state="done", currency="CNY",
                    next_attempt_at=START,
                )
            )  # fmt: skip
        session.flush()
        session.add_all(
            [
                _attempt(
                    1, 0, "human", answered_at=5, verdict_at=6, bridged_at=6.2, ended_at=66.2, disposed_at=76.2,
                    agent_id="u", disposition="promise_to_pay", promise_amount_minor=5000,
                ),
                _attempt(
                    2, 1, "human", answered_at=5, verdict_at=8, bridged_at=9, ended_at=29, disposed_at=34,
                    agent_id="u", disposition="refused",
                ),
                _attempt(
                    3, 2, "human", answered_at=5, verdict_at=7, ended_at=12, abandoned=True, disposition="abandoned",
                ),
                _attempt(4, 3, "machine", answered_at=5, verdict_at=6, ended_at=6),
                _attempt(5, 4, "busy", ended_at=3),
                _attempt(5, 3600, "vacant", ended_at=3),
                _attempt(6, 5, None, ended_at=9),
                _attempt(7, 6, None),
                _attempt(7, 60, "no_answer", ended_at=40),  # the one before had not ended
            ]
        )  # fmt: skip
        session.add_all([_recording("a1-0", "archived"), _recording("a2-1", "spool"), _recording("a3-2", "archived")])
        session.add(_recording("a4-3", "failed"))  # no room on the disk when it began
    return store


def test_all_figures(campaign: Store) -> None:
    found = reports.report(campaign, campaign_id="c", zone="Asia/Shanghai")
    assert (found.rows, found.rejected, found.duplicates, found.reasons) == (12, 5, 2, {"empty": 4, "rounded": 1})
    assert (found.attempts, found.open_attempts, found.dialled) == (9, 1, 7)
    assert found.outcomes == {"human": 3, "busy": 1, "machine": 1, "no_answer": 1, "vacant": 1}
    assert (found.live_answers, found.connected, found.abandoned) == (3, 2, 1)
    assert found.abandoned_ratio == pytest.approx(1 / 3)
    assert (found.verdict_s.p50, found.verdict_s.count) == (2.0, 3)
    assert found.answer_to_agent_s == reports.Spread(2.6, 3.86, 2)
    assert found.verdict_to_agent_s.p50 == 0.6
    assert found.dispositions == {"abandoned": 1, "promise_to_pay": 1, "refused": 1}
    assert found.promises == [reports.Promises("CNY", 1, 5000)]
    assert found.agents == [reports.AgentFigures("u", "Anna", 2, 80.0, 15.0, 1, 5000)]
    assert [(hour.at.isoformat(), hour.attempts, hour.live_answers) for hour in found.hours] == [
        ("2026-03-02T07:00:00+08:00", 8, 3), ("2026-03-02T08:00:00+08:00", 1, 0),
    ]  # fmt: skip
    assert found.by_hour == [(7, 8, 3), (8, 1, 0)]
    assert (found.recordings_written, found.recordings_verified) == (3, 2)
    assert (found.without_outcome, found.without_recording, found.lost) == (1, 1, 2)
    assert found.double_dialled == 1


def test_hours_of_a_zone_with_half_hours(campaign: Store) -> None:
    found = reports.report(campaign, campaign_id="c", zone="Asia/Kolkata")
    assert [hour.at.isoformat() for hour in found.hours] == ["2026-03-02T04:00:00+05:30", "2026-03-02T05:00:00+05:30"]


def test_campaigns_that_do_not_record_lose_no_recording(campaign: Store) -> None:
    with campaign.write() as session:
        row = session.get(Campaign, "c")
        assert row is not None
        row.config = {"record": False}
    assert reports.report(campaign, campaign_id="c").without_recording == 0


def test_a_span_of_time_and_all_campaigns(campaign: Store) -> None:
    later = START + timedelta(minutes=30)
    assert reports.report(campaign, since=later).attempts == 1
    assert reports.report(campaign, until=later).attempts == 8
    assert reports.report(campaign).attempts == 9


def test_nothing_yet(store: Store) -> None:
    found = reports.report(store, campaign_id="none")
    assert (found.attempts, found.abandoned_ratio, found.verdict_s.p50, found.hours) == (0, 0.0, None, [])
