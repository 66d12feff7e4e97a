"""Who is due: the order is right, and the query reads an index instead of sorting the list."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event

from appliance.domain.answer_model import NumberHistory
from appliance.domain.campaign import PriorityOrder
from appliance.engine.foresight import histories
from appliance.settings import load_settings
from appliance.store import models
from appliance.store.db import Store, open_store
from appliance.store.repositories import leads
from tests.integration.engine.scene import CAMPAIGN, make_box

pytestmark = pytest.mark.integration


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    home = make_box(tmp_path, agents=0, numbers=6)
    one = open_store(home, load_settings(home))
    now = datetime.now(UTC)
    with one.write() as session:
        for n in range(6):
            lead = session.get_one(models.Lead, f"l{n}")
            lead.priority, lead.next_attempt_at = n % 2, now - timedelta(minutes=n)
        session.get_one(models.Lead, "l0").next_attempt_at = now + timedelta(hours=1)
        session.get_one(models.Lead, "l5").state = "done"
        session.add(models.DoNotCall(number="+8613800000003", created_at=now))
        session.add(models.PhoneNumber(number="+8613800000002", state="retired"))
    yield one
    one.close()


@pytest.mark.parametrize(("order", "expected", "index"), [
    (PriorityOrder.DUE, ["l4", "l3", "l2", "l1"], "ix_leads_next"),
    (PriorityOrder.PRIORITY, ["l3", "l1", "l4", "l2"], "ix_leads_priority"),
])  # fmt: skip
def test_order_and_index(store: Store, order: PriorityOrder, expected: list[str], index: str) -> None:
    statements: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        statements.append((statement, parameters))

    with store.read() as session:
        session.connection()
        event.listen(store.engine, "before_cursor_execute", note)
        due = leads.due(session, CAMPAIGN, now=datetime.now(UTC), order=order, limit=10)
        event.remove(store.engine, "before_cursor_execute", note)
        statement, parameters = statements[-1]
        plan = session.connection().exec_driver_sql("EXPLAIN QUERY PLAN " + statement, parameters).all()
    steps = " ".join(row[3] for row in plan)
    assert [one.lead.id for one in due] == expected
    assert {one.lead.id: (one.do_not_call, one.number_state) for one in due} == {
        "l1": (False, "good"), "l2": (False, "retired"), "l3": (True, "good"), "l4": (False, "good"),
    }  # fmt: skip
    assert index in steps
    assert "TEMP B-TREE" not in steps


def test_what_is_known_of_numbers_before_their_dial(store: Store) -> None:
    now = datetime.now(UTC)
    with store.write() as session:
        session.add(models.PhoneNumber(
            number="+8613800000001", state="good", line_type="mobile", time_zones=["Asia/Tokyo"]
        ))  # fmt: skip
        session.get_one(models.Lead, "l1").last_outcome = "no_answer"
        for n, answered in enumerate((True, False, False)):
            at = now - timedelta(days=n + 1)
            session.add(models.Attempt(
                id=f"t{n}", campaign_id=CAMPAIGN, lead_id="l1", number="+8613800000001", trunk_id="t1", created_at=at,
                originated_at=at, answered_at=at if answered else None, ended_at=at, outcome="no_answer",
            ))  # fmt: skip
        old = now - timedelta(days=200)
        session.add(models.Attempt(
            id="old", campaign_id=CAMPAIGN, lead_id="l1", number="+8613800000001", trunk_id="t1", created_at=old,
            originated_at=old, ended_at=old, outcome="no_answer",
        ))  # fmt: skip
    with store.read() as session:
        asked = [session.get_one(models.Lead, lead_id) for lead_id in ("l1", "l4")]
        known = histories(session, asked, "UTC", now)
    tokyo = now.astimezone(ZoneInfo("Asia/Tokyo")).hour
    assert known == {
        "l1": NumberHistory(3, 1, "no_answer", tokyo, "mobile"), "l4": NumberHistory(0, 0, "", now.hour, ""),
    }  # fmt: skip
