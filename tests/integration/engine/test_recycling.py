"""The same person's other numbers, wrong numbers and numbers that rest; hours counted from attempts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from appliance.domain.best_hour import Cell
from appliance.domain.campaign import PriorityOrder
from appliance.domain.retry import LeadChange
from appliance.settings import load_settings
from appliance.store import models
from appliance.store.db import Store, open_store
from appliance.store.repositories import hours, leads, numbers
from appliance.types import LeadState, LineType, NumberState
from tests.integration.engine.fake_switch import Fate
from tests.integration.engine.scene import CAMPAIGN, make_box, scene

pytestmark = pytest.mark.integration

FIRST, SECOND = "+8613800000000", "+8613900000000"


def _two_numbers() -> list[models.ContactNumber]:
    return [models.ContactNumber(contact_id="k0", position=n, number=one) for n, one in enumerate((FIRST, SECOND))]


def test_a_dead_number_gives_way_to_the_persons_other_one(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path, agents=1, numbers=1, config={"attempts_total_max": 3}) as s:
            s.switch.plan = lambda _number: Fate(answer=None, sip_status=404, q850=1)
            with s.store.write() as session:
                session.add_all(_two_numbers())
            await s.seat(1)
            await s.act("start")
            await s.until(lambda: bool(s.attempts()) and not s.open_attempts(), 60)
            (lead,) = s.rows(models.Lead)
            assert (lead.state, lead.number, lead.last_outcome) == ("waiting", SECOND, "vacant")
            assert datetime.now(UTC) < lead.next_attempt_at < datetime.now(UTC) + timedelta(hours=1)
            (attempt,) = s.attempts()
            assert attempt.contact_id == "k0"
            (known,) = s.rows(models.PhoneNumber)
            assert (known.number, known.state, known.verdicts[0]["attempt_id"]) == (FIRST, "good", attempt.id)

    asyncio.run(play())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    home = make_box(tmp_path, agents=0, numbers=1)
    one = open_store(home, load_settings(home))
    with one.write() as session:
        session.add_all(_two_numbers())
    yield one
    one.close()


def _due(store: Store, now: datetime) -> list[leads.DueLead]:
    with store.read() as session:
        return leads.due(session, CAMPAIGN, now=now, order=PriorityOrder.DUE, limit=5)


def _leave(store: Store, now: datetime) -> models.Lead:
    with store.write() as session:
        (one,) = leads.due(session, CAMPAIGN, now=now, order=PriorityOrder.DUE, limit=5)
        leads.leave_number(session, one, now)
        return one.lead


def test_a_wrong_number_is_wrong_for_this_person_only(store: Store) -> None:
    now = datetime.now(UTC)
    with store.write() as session:
        leads.apply(session, "l0", LeadChange(LeadState.RETIRED, wrong_number=True), now=now)
        lead = session.get_one(models.Lead, "l0")
        assert (lead.state, lead.number) == ("waiting", SECOND)
        lead.number, lead.next_attempt_at = FIRST, now  # a list brings it again
        assert session.get(models.PhoneNumber, FIRST) is None  # nothing is said against the number
    (due,) = _due(store, now)
    assert due.number_state is NumberState.RETIRED
    assert _leave(store, now).number == SECOND
    with store.write() as session:
        leads.apply(session, "l0", LeadChange(LeadState.RETIRED, wrong_number=True), now=now)
        assert session.get_one(models.Lead, "l0").state == "retired"  # none is left


def test_a_number_that_rests_or_is_given_up(store: Store) -> None:
    now = datetime.now(UTC)
    with store.write() as session:
        numbers.decide(session, SECOND, NumberState.RETIRED, "fax", now)
        numbers.decide(session, FIRST, NumberState.PARKED, "out_of_service", now)
    lead = _leave(store, now)
    assert (lead.state, lead.number, lead.next_attempt_at) == ("waiting", FIRST, now + timedelta(days=7))
    later = now + timedelta(days=7, minutes=1)
    (due,) = _due(store, later)
    assert due.number_state is NumberState.GOOD  # its week is over
    with store.write() as session:
        numbers.decide(session, FIRST, NumberState.RETIRED, "vacant", later)
    assert _leave(store, later).state == "retired"
    with store.write() as session:
        numbers.decide(session, SECOND, NumberState.GOOD, "asked", later)
        row = session.get_one(models.PhoneNumber, SECOND)
        assert (row.state, row.verdicts) == ("good", [])


def test_hours_are_counted_where_the_number_is(store: Store) -> None:
    noon = datetime(2026, 3, 2, 12, 20, tzinfo=UTC)  # a Monday
    said = [(FIRST, "human"), (FIRST, "no_answer"), (FIRST, "vacant"), (FIRST, "congestion"), (SECOND, "machine")]
    with store.write() as session:
        session.add(models.PhoneNumber(number=FIRST, line_type="mobile", time_zones=["Asia/Shanghai"]))
        session.add_all(
            models.Attempt(id=f"a{n}", campaign_id=CAMPAIGN, lead_id="l0", number=number, trunk_id="t1",
                           created_at=noon, ended_at=noon, outcome=outcome)
            for n, (number, outcome) in enumerate(said)
        )  # fmt: skip
    with store.read() as session:
        table = hours.table(session, noon - timedelta(days=1), noon + timedelta(days=1), ZoneInfo("Europe/Moscow"))
        late = hours.table(session, noon, noon + timedelta(days=1), ZoneInfo("Europe/Moscow"))
    assert table.counts == {
        Cell(20, False, LineType.MOBILE): (1, 2), Cell(15, False, LineType.UNKNOWN): (0, 1),
    }  # fmt: skip
    assert late.counts == {}
