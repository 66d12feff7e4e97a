"""Outcomes from signalling and hearing; what they do to a lead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from appliance.domain.campaign import CampaignConfig
from appliance.domain.outcome import TrunkEnd, Verdict, of_signalling, of_unanswered
from appliance.domain.retry import after_attempt, after_disposition
from appliance.types import LeadState, Outcome

pytestmark = pytest.mark.unit
NOW = datetime(2026, 3, 5, 9, 0, tzinfo=UTC)
CONFIG = CampaignConfig()


@pytest.mark.parametrize(("end", "outcome"), [
    (TrunkEnd(404), "vacant"), (TrunkEnd(410), "vacant"), (TrunkEnd(484), "vacant"), (TrunkEnd(500, 1), "vacant"),
    (TrunkEnd(486), "busy"), (TrunkEnd(600), "busy"), (TrunkEnd(503, 17), "busy"),
    (TrunkEnd(480), "no_answer"), (TrunkEnd(480, 18), "no_answer"), (TrunkEnd(480, 20), "unreachable"),
    (TrunkEnd(408, progressed=True), "no_answer"), (TrunkEnd(408), "trunk_failed"),
    (TrunkEnd(403), "rejected"), (TrunkEnd(603), "rejected"), (TrunkEnd(480, 21), "rejected"),
    (TrunkEnd(503), "congestion"), (TrunkEnd(503, 34), "congestion"), (TrunkEnd(503, 42), "congestion"),
    (TrunkEnd(503, 38), "trunk_failed"), (TrunkEnd(503, 44), "trunk_failed"), (TrunkEnd(502), "trunk_failed"),
    (TrunkEnd(404, reason="unknown trunk"), "trunk_failed"), (TrunkEnd(407), "trunk_failed"),
    (TrunkEnd(406, reason="answer_without_sdp"), "trunk_failed"),
    (TrunkEnd(487, by_us=True, reason="ring_timeout"), "no_answer"), (TrunkEnd(487, by_us=True), "cancelled"),
    (TrunkEnd(487), "cancelled"), (TrunkEnd(480, 16), "no_answer"), (TrunkEnd(420), "unreachable"),
])  # fmt: skip
def test_signalling(end: TrunkEnd, outcome: str) -> None:
    assert of_signalling(end) == outcome


@pytest.mark.parametrize(("heard", "end", "outcome"), [
    ("vacant", TrunkEnd(486), "vacant"),  # a 486 after the announcement that the number does not exist
    ("powered_off", TrunkEnd(487, by_us=True, reason="heard_powered_off"), "powered_off"),
    ("busy", TrunkEnd(480), "busy"),
    ("ringback", TrunkEnd(487, by_us=True, reason="ring_timeout"), "ringback"),
    ("ringback", TrunkEnd(486), "busy"), ("music", TrunkEnd(480), "no_answer"),
    ("silence", TrunkEnd(404), "vacant"), ("unknown", TrunkEnd(503), "congestion"),
    ("announcement_unknown", TrunkEnd(480), "announcement_unknown"),
    ("announcement_unknown", TrunkEnd(404), "vacant"),
])  # fmt: skip
def test_hearing_wins_where_the_exchange_lies(heard: str, end: TrunkEnd, outcome: str) -> None:
    assert of_unanswered(Verdict(Outcome(heard), "tone"), end).outcome == outcome


@pytest.mark.parametrize(("outcome", "dialled", "connected", "state", "wait_s"), [
    ("cancelled", False, False, "waiting", 3), ("vacant", True, False, "waiting", 24 * 3600),
    ("human", True, True, "done", None), ("human", True, False, "waiting", 4 * 3600),
    ("busy", True, False, "waiting", 600), ("ivr", True, False, "done", None),
    ("lost", True, False, "waiting", 60), ("lost", True, True, "done", None),
])  # fmt: skip
def test_what_becomes_of_the_lead(
    outcome: str, dialled: bool, connected: bool, state: str, wait_s: float | None
) -> None:
    change = after_attempt(
        CONFIG, Outcome(outcome), dialled=dialled, connected=connected, attempts_before=0, now=NOW
    )
    assert (change.state, change.counted) == (state, dialled)
    assert change.next_attempt_at == (None if wait_s is None else NOW + timedelta(seconds=wait_s))


def test_the_last_attempt_ends_the_lead() -> None:
    config = CampaignConfig(attempts_total_max=2)
    for before, state in ((0, LeadState.WAITING), (1, LeadState.DONE)):
        change = after_attempt(
            config, Outcome.BUSY, dialled=True, connected=False, attempts_before=before, now=NOW
        )
        assert change.state is state


def test_dispositions() -> None:
    later = NOW + timedelta(days=1)
    back = after_disposition(CONFIG, "call_back", callback_at=later, attempts=9, now=NOW)
    assert back is not None
    assert (back.state, back.next_attempt_at, back.callback) == (LeadState.WAITING, later, True)
    barred = after_disposition(CONFIG, "do_not_call", callback_at=None, attempts=1, now=NOW)
    assert barred is not None
    assert barred.state is LeadState.DO_NOT_CALL
    assert after_disposition(CONFIG, "promise_to_pay", callback_at=None, attempts=1, now=NOW) is None
