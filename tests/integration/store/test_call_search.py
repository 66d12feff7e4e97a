"""Calls are found as they are now, on both databases, whoever wrote what changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from appliance.jobs.search_index import SearchIndex
from appliance.store.db import Store
from appliance.store.models import Attempt, Campaign, Contact, Evaluation, InboundCall, Lead, Recording
from appliance.store.read.call_search import CallFilter, search

pytestmark = pytest.mark.integration

T0 = datetime(2026, 11, 2, 9, tzinfo=UTC)


def _ids(store: Store, **wanted: object) -> list[str]:
    """All pages of two, joined: cursors are used as pages use them."""
    found: list[str] = []
    cursor = ""
    while True:
        page = search(store, CallFilter(**{"recorded": False, **wanted}), cursor=cursor, size=2)  # type: ignore[arg-type]
        found += [row.conversation_id for row in page.rows]
        if page.older is None:
            return found
        cursor = page.older


@pytest.fixture
def calls(store: Store) -> Store:
    with store.write() as db:
        db.add(Campaign(id="c", name="C", mode="progressive", state="running", config={}, created_at=T0))
        db.add(Contact(id="p", number="+8613812345678", name="", created_at=T0))
        db.flush()
        db.add(Lead(id="l", campaign_id="c", contact_id="p", number="+8613812345678", name="王小明", state="done",
                    next_attempt_at=T0))  # fmt: skip
        db.flush()
        for n in range(5):
            at = T0 + timedelta(minutes=n // 2)  # two in the same microsecond
            db.add(Attempt(id=f"a{n}", campaign_id="c", lead_id="l", number="+8613812345678", trunk_id="t",
                           created_at=at, outcome="human" if n % 2 else "busy"))  # fmt: skip
        db.add(InboundCall(id="i", trunk_id="t", caller="+79161234567", state="ended", at=T0 + timedelta(hours=1)))
        for n in (1, 3):
            db.add(Recording(id=f"r{n}", conversation_id=f"a{n}", attempt_id=f"a{n}", campaign_id="c", agent_id="x",
                             state="archived", started_at=T0, duration_s=10.0 * n))  # fmt: skip
    assert SearchIndex(store).sweep() > 0
    return store


def test_newest_first_over_pages_without_a_gap_or_a_double(calls: Store) -> None:
    found = _ids(calls)
    assert sorted(found) == ["a0", "a1", "a2", "a3", "a4", "i"]
    assert (found[0], found[1]) == ("i", "a4")
    assert _ids(calls, sort="oldest") == found[::-1]
    assert _ids(calls, outcome="busy", sort="oldest") == ["a0", "a2", "a4"]


def test_orders_by_value_over_pages(calls: Store) -> None:
    assert _ids(calls, sort="longest") == ["a3", "a1"]
    assert _ids(calls, sort="shortest", outcome="human") == ["a1", "a3"]
    assert _ids(calls, sort="best") == []


def test_by_what_is_known_of_them(calls: Store) -> None:
    assert _ids(calls, number="4567") == ["i"]
    assert _ids(calls, direction="inbound", number="79161234567") == ["i"]
    assert len(_ids(calls, name="王小", direction="outbound")) == 5
    assert _ids(calls, agent_ids=frozenset({"x", "y"}), at_least_s=20, at_most_s=40) == ["a3"]
    assert _ids(calls, agent_ids=frozenset()) == []
    assert _ids(calls, until=T0 + timedelta(seconds=30), outcome="busy") == ["a0"]
    assert _ids(calls, recorded=True, campaign_id="c") == ["a3", "a1"]


def test_every_change_is_found_again(calls: Store) -> None:
    with calls.write() as db:
        db.execute(update(Attempt).where(Attempt.id == "a0").values(note="обещал оплатить", disposition="paid"))
        db.execute(update(Lead).values(name="李娜"))
        db.execute(update(Recording).where(Recording.id == "r1").values(deleted_at=T0, state="deleted"))
        db.add(Evaluation(id="e", recording_id="r3", conversation_id="a3", agent_id="x", scorecard_id="s", version=1,
                          scorer_id="y", answers={}, score=0.75, scored_at=T0, called_at=T0))  # fmt: skip
    assert _ids(calls, disposition="paid") == []  # nobody has taken the change in yet
    SearchIndex(calls).sweep()
    assert _ids(calls, disposition="paid", note="оплат") == ["a0"]
    assert _ids(calls, name="王") == []
    assert len(_ids(calls, name="李娜")) == 5
    assert _ids(calls, recorded=True) == ["a3"]
    assert _ids(calls, score_at_least=0.7, score_at_most=0.8) == ["a3"]
    assert _ids(calls, sort="best") == ["a3"]
    with calls.write() as db:
        db.execute(update(Attempt).where(Attempt.id == "a0").values(note=""))
    SearchIndex(calls).sweep()
    assert _ids(calls, note="оплат") == []
    assert SearchIndex(calls).sweep() == 0


def test_hostile_words_find_nothing_and_break_nothing(calls: Store) -> None:
    for text in ('" OR "', "NEAR(a b)", "*", "'; --", "\x00", "a" * 5000, "{}[]", "words : x"):
        assert _ids(calls, note=text, name=text, number=text, agent_id=text, outcome=text) == []
