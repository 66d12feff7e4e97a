"""No way of dialling passes the rules by: asked again where the attempt is written, over campaigns, and replayed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import appliance
from appliance.domain import call as calls
from appliance.domain.call_model import Call
from appliance.domain.campaign import ALL_DAY, parse_config
from appliance.domain.compliance import Allow, Deny, Reason, Verdict
from appliance.engine.choosing import Chooser
from appliance.engine.room import Campaign, Line
from appliance.ids import new_id
from appliance.settings import load_settings
from appliance.store import models
from appliance.store.db import Store, open_store
from appliance.store.read import why
from appliance.types import CampaignMode, CampaignState, LeadState
from tests.integration.engine.scene import make_box

pytestmark = pytest.mark.integration
NUMBER = "+8613800000000"  # of lead l0
BOX_ZONE = "Asia/Shanghai"
NOON = datetime(2026, 3, 5, 4, tzinfo=UTC)  # 12:00 in Shanghai


def _config(**own: Any) -> dict[str, Any]:
    return {"calling_hours": ALL_DAY, "rule_profile": "cn", "attempts_per_day_max": 20, "attempts_total_max": 50, **own}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Two campaigns that both have the person p in their lists; he has two numbers."""
    home = make_box(tmp_path, agents=1, numbers=1)
    one = open_store(home, load_settings(home))
    with one.write() as session:
        first = session.get_one(models.Campaign, "c1")
        first.state, first.config = "running", _config()
        session.add(models.Campaign(id="c2", name="Second", mode="progressive", state="running", config=_config(),
                                    created_at=NOON))  # fmt: skip
        lead = session.get_one(models.Lead, "l0")
        lead.external_id, lead.next_attempt_at = "loan-1", NOON - timedelta(hours=1)
        session.flush()
        session.add(models.Lead(
            id="m0", campaign_id="c2", contact_id=lead.contact_id, number="+8613900000009", state="waiting",
            external_id="loan-2", next_attempt_at=NOON - timedelta(hours=1),
        ))  # fmt: skip
        for position, number in enumerate((NUMBER, "+8613900000009")):
            if session.get(models.ContactNumber, (lead.contact_id, position)) is None:
                session.add(models.ContactNumber(contact_id=lead.contact_id, position=position, number=number))
    yield one
    one.close()


def _campaign(store: Store, campaign_id: str) -> Campaign:
    with store.read() as session:
        row = session.get_one(models.Campaign, campaign_id)
        return Campaign(row.id, row.name, CampaignMode(row.mode), CampaignState(row.state), parse_config(row.config))


def _new_call(campaign: Campaign, lead_id: str, number: str, line: Line, now: datetime) -> Call:
    return calls.start(Call(new_id(), campaign.campaign_id, lead_id, number, line.trunk_id, created_at=now))


def _pick(store: Store, campaign_id: str, now: datetime) -> list[str]:
    """Pick as the dialler does; returns the numbers whose attempts were written."""
    campaign = _campaign(store, campaign_id)
    with store.write() as session:
        found = Chooser(BOX_ZONE).pick(session, campaign, 5, [Line("t1")] * 5, now, _new_call)
    return [call.number for call, _ in found.calls]


def _end(store: Store, at: datetime, **facts: Any) -> str:
    """Close the one open attempt."""
    with store.write() as session:
        row = session.query(models.Attempt).filter(models.Attempt.ended_at.is_(None)).one()
        row.originated_at, row.ended_at = row.created_at, at
        row.outcome = facts.pop("outcome", "no_answer")
        for name, value in facts.items():
            setattr(row, name, value)
        session.get_one(models.Lead, row.lead_id).state = LeadState.WAITING
        return row.id


def test_two_campaigns_that_race_reach_a_person_once(store: Store) -> None:
    picked: list[list[str]] = []
    start = threading.Barrier(2)

    def race(campaign_id: str) -> None:
        start.wait()
        picked.append(_pick(store, campaign_id, NOON))

    threads = [threading.Thread(target=race, args=(campaign_id,)) for campaign_id in ("c1", "c2")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(map(len, picked)) == [0, 1]
    with store.read() as session:
        assert session.query(models.Attempt).count() == 1
        waiting = session.query(models.Lead).filter(models.Lead.state == LeadState.WAITING).one()
        assert waiting.next_attempt_at == NOON + timedelta(minutes=2)  # he is in a call: soon again


def test_talks_of_all_campaigns_and_numbers_count_together(store: Store) -> None:
    at = NOON
    for n in range(3):
        campaign_id = ("c1", "c2")[n % 2]
        assert len(_pick(store, campaign_id, at)) == 1
        _end(store, at + timedelta(minutes=5), outcome="human", answered_at=at, bridged_at=at + timedelta(seconds=2))
        at += timedelta(minutes=30)
        with store.write() as session:
            for lead in session.query(models.Lead):
                lead.next_attempt_at = at
    assert _pick(store, "c1", at) == []
    assert _pick(store, "c2", at) == []
    with store.read() as session:
        tomorrow = datetime(2026, 3, 6, 0, tzinfo=UTC)  # 08:00 in Shanghai
        assert {lead.next_attempt_at for lead in session.query(models.Lead)} == {tomorrow}


def _write(store: Store, now: datetime, campaign_id: str = "c1", lead_id: str = "l0", own: bool = False) -> Verdict:
    campaign, chooser = _campaign(store, campaign_id), Chooser(BOX_ZONE)
    with store.write() as session:
        lead = session.get_one(models.Lead, lead_id)
        call = _new_call(campaign, lead.id, lead.number, Line("t1"), now)
        if own:
            return chooser.write_own(session, campaign, lead, call, now, "a1")
        return chooser.write(session, campaign, lead, call, now)


@pytest.mark.parametrize("own", [False, True])
def test_what_happened_since_a_lead_was_chosen_counts(store: Store, own: bool) -> None:
    """Chosen in time, barred, closed for the night or in a call by the time it would be dialled."""
    campaign = _campaign(store, "c1")
    with store.write() as session:
        assert len(Chooser(BOX_ZONE).allowed(session, campaign, 5, NOON).leads) == 1
    night = datetime(2026, 3, 5, 14, 0, tzinfo=UTC)  # 22:00
    assert _write(store, night, own=own) == Deny("cn-gbt.quiet_hours", Reason.HOURS, datetime(2026, 3, 6, tzinfo=UTC))
    with store.write() as session:
        session.add(models.CampaignDoNotCall(campaign_id="c1", number=NUMBER, reason="", created_at=NOON))
    barred = _write(store, NOON, own=own)
    assert isinstance(barred, Deny)
    assert (barred.rule_id, barred.not_before) == ("do_not_call.campaign", None)
    assert _write(store, NOON, "c2", "m0") == Allow()  # the other campaign may, at his other number
    with store.write() as session:
        session.query(models.CampaignDoNotCall).delete()
    in_call = _write(store, NOON + timedelta(seconds=9), own=own)
    assert isinstance(in_call, Deny)
    assert in_call.rule_id == "person.in_call"


@pytest.mark.parametrize(("bar", "rule_id"), [
    (lambda: models.DoNotCall(number=NUMBER, reason="", created_at=NOON), "do_not_call.box"),
    (lambda: models.CampaignDoNotCall(campaign_id="c1", number=NUMBER, created_at=NOON), "do_not_call.campaign"),
    (lambda: models.PersonFacts(contact_id="k0", do_not_call_since=NOON, consents=[]), "do_not_call.person"),
    (lambda: models.PersonFacts(contact_id="k0", contact_revoked_at=NOON, consents=[]), "person.contact_revoked"),
    (lambda: models.PersonFacts(contact_id="k0", third_party=True, consents=[]), "cn.third_party"),
])  # fmt: skip
def test_levels_of_do_not_call_and_facts_of_a_person(store: Store, bar: Callable[[], Any], rule_id: str) -> None:
    with store.write() as session:
        row = bar()
        if isinstance(row, models.PersonFacts):
            row.contact_id = session.get_one(models.Lead, "l0").contact_id
        session.add(row)
    verdict = _write(store, NOON)
    assert isinstance(verdict, Deny)
    assert verdict.rule_id == rule_id
    assert _pick(store, "c1", NOON) == []
    with store.read() as session:
        assert session.get_one(models.Lead, "l0").state == LeadState.DO_NOT_CALL
    answer = why.now(store, NUMBER, NOON, box_zone=BOX_ZONE, campaign="c1")[0]
    assert not answer.allowed
    assert [deny.rule_id for deny in answer.denials] == [rule_id]


def test_a_third_party_is_called_once_the_debtor_was_not_reached_three_times(store: Store) -> None:
    with store.write() as session:
        debtor = session.get_one(models.Lead, "l0").contact_id
        session.add(models.Contact(id="other", number="+8613700000001", created_at=NOON))
        session.flush()
        session.add(models.Lead(id="x", campaign_id="c2", contact_id="other", number="+8613700000001", state="waiting",
                                next_attempt_at=NOON))  # fmt: skip
        session.add(models.PersonFacts(contact_id="other", third_party=True, debtor_id=debtor, consents=[]))
    at = NOON
    for _ in range(3):
        denied = _write(store, at, "c2", "x")
        assert isinstance(denied, Deny)
        assert denied.reason is Reason.THIRD_PARTY
        assert _write(store, at) == Allow()
        _end(store, at + timedelta(minutes=1))
        at += timedelta(minutes=10)
    assert _write(store, at, "c2", "x") == Allow()


def test_any_past_call_is_judged_again_by_what_was_known_then(store: Store) -> None:
    at, made = NOON, []
    for _ in range(3):
        assert _write(store, at) == Allow()
        made.append(_end(store, at + timedelta(minutes=5), outcome="human", answered_at=at, bridged_at=at))
        at += timedelta(minutes=30)
    before = [why.then(store, attempt_id, box_zone=BOX_ZONE) for attempt_id in made]
    with store.write() as session:  # much changes later
        session.get_one(models.Campaign, "c1").config = _config(rule_profile="us", attempts_per_day_max=1)
        session.add(models.DoNotCall(number=NUMBER, reason="", created_at=at))
        session.get_one(models.Lead, "l0").attempts = 49
    after = [why.then(store, attempt_id, box_zone=BOX_ZONE) for attempt_id in made]
    assert after == before
    for n, answer in enumerate(after):
        assert answer is not None
        assert answer.allowed
        assert not answer.rebuilt
        assert (answer.profile, answer.version) == ("cn", "2025-02-28+2026-01-30")
        talks = next(state for state in answer.rules if state.rule_id == "cn-gbt.conversations_per_day")
        assert (talks.used, talks.maximum) == (n, 3)
    assert why.near(store, NUMBER, NOON + timedelta(seconds=30)) == [made[0]]


def test_why_not_now_is_told_with_all_rules_in_the_way(store: Store) -> None:
    at = NOON
    for _ in range(3):
        assert _write(store, at) == Allow()
        _end(store, at + timedelta(minutes=5), outcome="human", answered_at=at, bridged_at=at)
        at += timedelta(minutes=30)
    with store.write() as session:
        session.add(models.PhoneNumber(number=NUMBER, state="parked", parked_until=at + timedelta(days=7)))
    answers = why.now(store, NUMBER, at, box_zone=BOX_ZONE)
    assert [answer.campaign_id for answer in answers] == ["c1", "c2"]
    first = answers[0]
    assert not first.allowed
    assert first.not_before == at + timedelta(days=7)
    assert [deny.rule_id for deny in first.denials] == ["number.parked", "cn-gbt.conversations_per_day"]
    assert first.denials[1].figures == {"maximum": 3, "counts": "conversations", "days": 1, "per": "person"}
    assert asdict(replace(first, denials=[]))["zones"] == ["Asia/Shanghai"]


def test_only_the_chooser_writes_attempts() -> None:
    """Every way to dial goes through the rules: nothing else calls attempts.add."""
    package = Path(appliance.__file__).parent
    callers = [
        str(file.relative_to(package)) for file in sorted(package.rglob("*.py")) if "attempts.add(" in file.read_text()
    ]  # fmt: skip
    assert callers == ["engine/choosing.py"]
