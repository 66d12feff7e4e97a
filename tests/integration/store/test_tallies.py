"""A day of random calls through the engine's repositories: board, pace, report and drill-down say the same, and what
the test reckons from the raw rows."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from appliance.domain.call_model import Call
from appliance.domain.outcome import Verdict
from appliance.store.db import Store
from appliance.store.models import (
    AgentStateLog,
    Attempt,
    Campaign,
    Contact,
    EarLabel,
    EarVerdict,
    Import,
    Lead,
    Trunk,
    User,
)
from appliance.store.read import abandoned, campaigns, reports
from appliance.store.read.report_rows import attempt_rows, attempt_view, attempts_count
from appliance.store.read.report_scope import NONE, Scope, scope_of
from appliance.store.read.tallies import DIMENSIONS, Dimension, Tally, tallies, tally
from appliance.store.repositories import agents, attempts
from appliance.types import AgentState, Outcome

pytestmark = pytest.mark.integration

ZONE = "Europe/Berlin"
MIDNIGHT = datetime(2026, 10, 25, tzinfo=ZoneInfo(ZONE)).astimezone(UTC)  # the day has 25 hours
NOW = MIDNIGHT + timedelta(hours=24, minutes=30)
END = MIDNIGHT + timedelta(hours=25)
TODAY = Scope(since=MIDNIGHT, until=END, zone=ZONE)
CAMPAIGNS, AGENTS, TRUNKS, LISTS = ("uk", "plain"), ("anna", "boris", "chen"), ("t1", "t2"), ("i1", "i2", None)
SAID = ["promise_to_pay", "refused", "not_at_home", "wrong_number", "own_code", "machine", "none", "paid"]


@pytest.fixture
def room(store: Store) -> Store:
    """Two campaigns, one under a profile that counts people taken for machines; lists, trunks, agents."""
    with store.write() as session:
        for campaign_id in CAMPAIGNS:
            config = {"rule_profile": "uk"} if campaign_id == "uk" else {}
            session.add(Campaign(id=campaign_id, name=campaign_id.upper(), mode="predictive", state="running",
                                 config=config, created_at=MIDNIGHT))  # fmt: skip
        for login in AGENTS:
            session.add(User(id=login, login=login, role="agent", password_hash="", created_at=MIDNIGHT))
        session.add_all(Trunk(id=trunk, config={}) for trunk in TRUNKS)
        session.flush()
        session.add_all(
            Import(id=one, file_name=f"{one}.xlsx", dry_run=False, state="finished", created_at=MIDNIGHT)
            for one in LISTS if one
        )  # fmt: skip
        session.flush()
        for n in range(12):
            session.add(Contact(id=f"k{n}", number=f"+4930000{n:04}", created_at=MIDNIGHT))
            session.flush()
            session.add(Lead(id=f"l{n}", campaign_id=CAMPAIGNS[n % 2], contact_id=f"k{n}", number=f"+4930000{n:04}",
                             import_id=LISTS[n % 3], state="waiting", next_attempt_at=MIDNIGHT))  # fmt: skip
    return store


def _call(dice: random.Random, number: int) -> tuple[Call, Verdict | None]:
    """A call of some kind; None: it is still open."""
    at = MIDNIGHT + timedelta(milliseconds=dice.randrange(-7_200_000, 24 * 3_600_000))
    lead = dice.randrange(12)
    call = Call(f"a{number:05}", CAMPAIGNS[lead % 2], f"l{lead}", f"+4930000{lead:04}", dice.choice(TRUNKS), at)
    later = at
    outcome = dice.choice([Outcome.HUMAN] * 5 + [Outcome.UNKNOWN, Outcome.MACHINE, Outcome.MACHINE, Outcome.BUSY,
                          Outcome.NO_ANSWER, Outcome.LOST])  # fmt: skip
    if outcome not in (Outcome.BUSY, Outcome.NO_ANSWER):
        later += timedelta(milliseconds=dice.randrange(1000, 9000))
        call = replace(call, answered_at=later, verdict_at=later, clock_at=later, within_s=2.0)
        if outcome != Outcome.MACHINE or dice.random() < 0.3:
            waited_s = dice.choice([0.4, 1.9, 2.6, 5.0])
            bridged = later + timedelta(seconds=waited_s)
            later = bridged + timedelta(milliseconds=dice.randrange(100, 200_000))
            if dice.random() < 0.85:
                call = replace(call, bridged_at=bridged, agent_id=dice.choice(AGENTS), seat_id="s1")
            else:
                call = replace(call, abandoned=dice.random() < 0.5)  # was told so; or had left by himself
    if dice.random() < 0.05:
        return replace(call, originated_at=at), None
    later += timedelta(milliseconds=dice.randrange(1, 3000))
    return replace(call, originated_at=at, left_at=later, ended_at=later), Verdict(outcome)


def _drive(store: Store, seed: int, calls: int = 400) -> None:
    """Calls, dispositions and agents' states as the engine writes them."""
    dice = random.Random(seed)
    with store.write() as session:
        for number in range(calls):
            call, verdict = _call(dice, number)
            attempts.add(session, replace(call, answered_at=None, bridged_at=None, ended_at=None))
            session.flush()
            attempts.save(session, call, verdict)
            row = session.get_one(Attempt, call.attempt_id)
            if call.bridged_at and call.ended_at and dice.random() < 0.9:
                row.disposition = dice.choice(SAID)
                row.disposed_at = call.ended_at + timedelta(milliseconds=dice.randrange(0, 60_000))
    with store.write() as session:
        for agent_id in AGENTS:
            at = MIDNIGHT - timedelta(hours=3)
            while at < NOW:
                agents.log_state(session, agent_id, dice.choice(list(AgentState)), "", at)
                at += timedelta(milliseconds=dice.choice([dice.randrange(300_000), dice.randrange(9_000_000)]))
        for n, label in enumerate(["human", "machine", "machine"]):
            session.add(EarVerdict(attempt_id=f"a{n:05}", phase="answered", campaign_id="uk", trunk_id="t1",
                                   at=MIDNIGHT, label="machine"))  # fmt: skip
            session.add(EarLabel(attempt_id=f"a{n:05}", stage="answered", label=label, labelled_by="u",
                                 labelled_at=MIDNIGHT))  # fmt: skip


# ---- the same, reckoned without SQL and without the house's words -----------------------------------------------


def _local(at: datetime) -> datetime:
    return at.astimezone(ZoneInfo(ZONE))


def _key(row: Any, by: str, lists: dict[str, str | None]) -> str:
    side = {
        "": "", "campaign": row.campaign_id, "agent": row.agent_id, "trunk": row.trunk_id,
        "list": lists[row.lead_id], "hour": str(_local(row.created_at).hour), "day": f"{_local(row.created_at):%F}",
    }[by]  # fmt: skip
    return NONE if side is None else side


def _spoke(row: Any) -> bool:
    if row.bridged_at is None or row.disposition == "machine":
        return False
    return row.outcome in (None, "human", "unknown", "lost") or row.disposition not in ("", "none", "abandoned")


def _reckon(rows: list[Any]) -> dict[str, float]:
    found: Counter[str] = Counter(attempts=len(rows))
    for row in rows:
        live = row.outcome in ("human", "unknown") and row.answered_at is not None
        found["open"] += row.ended_at is None
        found["persons"] += live or (row.ended_at is None and row.bridged_at is not None)
        found["connected"] += row.bridged_at is not None
        found["conversations"] += _spoke(row)
        found["rpc"] += _spoke(row) and row.disposition in ("promise_to_pay", "refused", "paid")
        found["promises"] += row.disposition == "promise_to_pay"
        if row.ended_at is not None:
            # the rule itself, from the instants in the row
            over = row.bridged_at or row.left_at
            waited_too_long = live and over is not None and (over - row.clock_at).total_seconds() > row.answer_within_s
            found["abandoned"] += bool(waited_too_long)
            found["people"] += live
            machine = row.outcome == "machine" and row.answered_at is not None and row.bridged_at is None
            found["machines"] += machine and row.campaign_id == "uk"
    return dict(found)


def _hours_of(rows: list[Any], by: str) -> dict[str, dict[str, float]]:
    """Seconds by key and state, stepped through second by second boundaries of states and hours."""
    sums: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    end = NOW
    for agent_id in AGENTS:
        steps = [(row.at, row.state) for row in rows if row.agent_id == agent_id]
        for (at, state), (after, _) in zip(steps, [*steps[1:], (end, "")], strict=True):
            begin, over = max(at, MIDNIGHT), min(after, end)
            while begin < over and state != "offline":
                cut = min(over, datetime.fromtimestamp((begin.timestamp() // 3600 + 1) * 3600, UTC))
                key = {"": "", "agent": agent_id, "hour": str(_local(begin).hour), "day": f"{_local(begin):%F}"}[by]
                sums[key][state] += (cut - begin).total_seconds()
                begin = cut
    return sums


def _raw(store: Store) -> tuple[list[Attempt], list[AgentStateLog], dict[str, str | None]]:
    with store.read() as session:
        rows = [row for row in session.scalars(select(Attempt)) if MIDNIGHT <= row.created_at < END]
        log = list(session.scalars(select(AgentStateLog).order_by(AgentStateLog.at, AgentStateLog.id)))
        return rows, log, {lead.id: lead.import_id for lead in session.scalars(select(Lead))}


def _agrees(one: Tally, wanted: dict[str, float]) -> None:
    for name in ("attempts", "open", "persons", "connected", "conversations", "rpc", "promises", "abandoned"):
        assert getattr(one, name) == wanted.get(name, 0), (one.key, name)
    dropped = wanted.get("machines", 0) * (1 + 3) / (3 + 400)  # one of three labels, and the prior
    people = wanted.get("people", 0) + dropped
    share = (wanted.get("abandoned", 0) + dropped) / people if people else None
    assert one.abandoned_share == (pytest.approx(share, rel=1e-12) if share is not None else None)


@pytest.mark.parametrize("seed", [1, 2])
def test_report_board_and_rows_say_the_same(room: Store, seed: int) -> None:
    _drive(room, seed)
    rows, log, lists = _raw(room)
    assert len(rows) > 300
    dimensions: tuple[Dimension, ...] = ("", *DIMENSIONS)
    for by in dimensions:
        found = {one.key if by else "": one for one in tallies(room, TODAY, now=NOW, by=by)}
        keys = {_key(row, by, lists) for row in rows}
        time = _hours_of(log, by) if by in ("", "agent", "hour", "day") else {}
        assert found.keys() == keys | time.keys()
        for key, one in found.items():
            _agrees(one, _reckon([row for row in rows if _key(row, by, lists) == key]))
            if one.work is not None:
                wanted = time.get(key, {})
                assert one.work.talk_s == pytest.approx(wanted.get("talking", 0.0), abs=0.2)
                assert one.work.staffed_s == pytest.approx(
                    sum(seconds for state, seconds in wanted.items() if state != "paused"), abs=0.5
                )
    for campaign_id in CAMPAIGNS:
        _board_agrees(room, campaign_id)


def _board_agrees(store: Store, campaign_id: str) -> None:
    """The engine's counts (board), the campaign's page, the pace's figure and the report of the same attempts."""
    line = tally(store, Scope(campaign_id=campaign_id, zone=ZONE), now=NOW)
    with store.read() as session:
        counts = attempts.counts(session, campaign_id)
    page = campaigns.campaign_with_figures(store, campaign_id)
    assert page is not None
    whole = reports.report(store, campaign_id=campaign_id, zone=ZONE)
    figures = [
        (one.attempts, one.live_answers, one.connected, one.abandoned) for one in (counts, page, whole)
    ]
    assert figures == [(line.attempts, line.persons, line.connected, line.abandoned)] * 3
    assert counts.outcomes == page.outcomes == whole.outcomes
    pace = abandoned.abandoned(
        store, campaign_id, MIDNIGHT - timedelta(days=30), estimate_dropped=campaign_id == "uk"
    )
    assert pace == line.figure
    assert whole.abandoned_ratio == line.figure.share


def test_behind_each_figure_stand_its_rows(room: Store) -> None:
    _drive(room, 3, calls=120)
    for by in DIMENSIONS:
        for line in tallies(room, TODAY, now=NOW, by=by):
            scope = TODAY.only(**_narrowed(by, line.key))
            for measure in ("attempts", "persons", "connected", "conversations", "rpc", "promises", "abandoned"):
                figure = getattr(line, measure)
                assert attempts_count(room, scope, measure) == figure
                seen: list[str] = []
                before = None
                while True:
                    page = attempt_rows(room, scope, measure, before=before, size=20)
                    seen += [row.id for row in page.rows]
                    before = page.older
                    if before is None:
                        break
                assert len(seen) == len(set(seen)) == figure
                for attempt_id in seen[:2]:
                    view = attempt_view(room, attempt_id)
                    assert view is not None
                    assert measure in ("attempts", *view.measures)


def _narrowed(by: str, key: str) -> dict[str, Any]:
    field = {"campaign": "campaign_id", "agent": "agent_id", "list": "import_id", "trunk": "trunk_id"}.get(by)
    if field:
        return {field: key}
    if by == "hour":
        return {"hour": int(key)}
    days = scope_of({"since": key, "until": key}, ZONE, NOW)
    return {"since": days.since, "until": days.until}


def test_nobody_there_and_nothing_dialled(store: Store) -> None:
    line = tally(store, TODAY, now=NOW)
    assert (line.attempts, line.connect_rate, line.abandoned_share, line.utilisation) == (0, None, None, None)
    assert all(tallies(store, TODAY, now=NOW, by=by) == [] for by in DIMENSIONS)
