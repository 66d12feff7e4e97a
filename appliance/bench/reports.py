"""`callbox bench reports`: how long a supervisor waits for a report over a year of attempts.

The rows are as wide as real ones (the ear's evidence, media figures, facts of the rules), spread over 300 working days.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Table, insert

from appliance.store.db import Store, migrate
from appliance.store.models import AgentStateLog, Attempt, Campaign, Contact, Import, Lead, User
from appliance.store.read import reports
from appliance.store.read.report_rows import attempt_rows
from appliance.store.read.report_scope import Scope
from appliance.store.read.tallies import DIMENSIONS, tallies, tally
from appliance.types import CampaignMode, CampaignState, LeadState

_BATCH = 20_000
_DAYS, _AGENTS, _CAMPAIGNS, _LEADS, _TRUNKS = 300, 30, 5, 20_000, 4
_START = datetime(2026, 1, 5, 0, 0, tzinfo=UTC)  # 08:00 in Shanghai
_ZONE = "Asia/Shanghai"
_OUTCOMES = (
    "human", "no_answer", "no_answer", "machine", "busy", "human", "vacant", "no_answer", "unreachable", "human",
)  # fmt: skip
_SAID = ("promise_to_pay", "refused", "not_at_home", "call_back", "informed")
_EVIDENCE = {"onset_ms": 420, "talk_ms": 910, "frames": 212, "scores": [0.02, 0.91, 0.07], "features": "x" * 300}
_MEDIA = {"packets": 4100, "lost": 3, "jitter_ms": 2.1, "mos": 4.2, "codec": "PCMA", "note": "x" * 80}
_INPUTS = {"zones": ["Asia/Shanghai"], "debt": "HT0001234", "lead_attempts": 2, "channel": "call"}


def register(app: typer.Typer) -> None:
    """Add the command to `callbox bench`."""
    app.command("reports")(reports_command)


def reports_command(
    attempts: Annotated[int, typer.Option("--attempts", help="Attempts in the database.", min=1000)] = 1_000_000,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Reports over many attempts: today, a month, the year, by each side, and the rows behind a figure."""
    with tempfile.TemporaryDirectory(prefix="callbox-bench-") as folder:
        store = Store(f"sqlite:///{Path(folder) / 'bench.sqlite'}")
        migrate(store)
        fill(store, attempts)
        found: dict[str, Any] = {"attempts": attempts}
        found["size_mb"] = round((Path(folder) / "bench.sqlite").stat().st_size / 1e6)
        found |= measure(store)
        store.close()
    if as_json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:24} {value}")


def fill(store: Store, attempts: int) -> None:
    """Write a year of calls."""
    with store.write() as session:
        session.add_all(
            Campaign(id=f"c{n}", name=f"bench {n}", mode=CampaignMode.PREDICTIVE, state=CampaignState.RUNNING,
                     config={"rule_profile": "uk"} if n == 0 else {}, created_at=_START)
            for n in range(_CAMPAIGNS)
        )  # fmt: skip
        session.add_all(
            User(id=f"u{n:02}", login=f"agent{n:02}", role="agent", password_hash="", created_at=_START)
            for n in range(_AGENTS)
        )
        session.flush()
        session.add_all(
            Import(id=f"i{n}", file_name=f"list{n}.xlsx", dry_run=False, state="finished", created_at=_START)
            for n in range(10)
        )
        session.flush()
        session.execute(insert(Contact), [
            {"id": f"k{n:06}", "number": f"+86138{n:08}", "created_at": _START} for n in range(_LEADS)
        ])  # fmt: skip
        session.execute(insert(Lead), [
            {"id": f"l{n:06}", "campaign_id": f"c{n % _CAMPAIGNS}", "contact_id": f"k{n:06}",
             "number": f"+86138{n:08}", "import_id": f"i{n % 10}", "state": LeadState.WAITING,
             "next_attempt_at": _START}
            for n in range(_LEADS)
        ])  # fmt: skip
    _write(store, Attempt.__table__, (_attempt(n, attempts) for n in range(attempts)))
    per_agent = max(2, attempts // 10 // _AGENTS * 4)
    _write(store, AgentStateLog.__table__, (_state(n, per_agent) for n in range(per_agent * _AGENTS)))
    with store.write() as session:
        session.connection().exec_driver_sql("ANALYZE")


def _write(store: Store, table: Any, rows: Iterator[dict[str, Any]]) -> None:
    assert isinstance(table, Table)
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            _put(store, table, batch)
            batch = []
    if batch:
        _put(store, table, batch)


def _put(store: Store, table: Table, batch: list[dict[str, Any]]) -> None:
    with store.write() as session:
        session.execute(insert(table), batch)


def _at(n: int, of: int) -> datetime:
    """The n-th of so many instants: ten hours a day on all the days."""
    per_day = max(1, of // _DAYS)
    day, within = divmod(n, per_day)
    return _START + timedelta(days=day, milliseconds=int(36_000_000 * within / per_day))


def _attempt(n: int, of: int) -> dict[str, Any]:
    at, outcome = _at(n, of), _OUTCOMES[n % 10]
    live, answered = outcome == "human", outcome in ("human", "machine")
    lost = live and n % 97 == 0
    bridged = live and not lost
    lead = n * 7919 % _LEADS
    return {
        "id": f"{int(at.timestamp() * 1000):012x}{n:014x}", "campaign_id": f"c{lead % _CAMPAIGNS}",
        "lead_id": f"l{lead:06}", "contact_id": f"k{lead:06}", "number": f"+86138{lead:08}",
        "trunk_id": f"trunk{n % _TRUNKS}", "created_at": at, "originated_at": at,
        "answered_at": at + timedelta(seconds=9) if answered else None,
        "verdict_at": at + timedelta(seconds=9.8) if answered else None,
        "clock_at": at + timedelta(seconds=9.8) if live else None, "answer_within_s": 2.0 if live else None,
        "bridged_at": at + timedelta(seconds=10) if bridged else None,
        "ended_at": at + timedelta(seconds=40 + n % 180), "left_at": at + timedelta(seconds=40 + n % 180),
        "outcome": outcome, "kind": "speech", "reason": "two words, then silence", "confidence": 0.93,
        "agent_id": f"u{n % _AGENTS:02}" if bridged else None, "abandoned": lost,
        "disposition": _SAID[n % 5] if bridged else "abandoned" if lost else "",
        "disposed_at": at + timedelta(seconds=60 + n % 180) if bridged else None,
        "evidence": _EVIDENCE, "media": _MEDIA, "rule_inputs": _INPUTS,
    }  # fmt: skip


def _state(n: int, per_agent: int) -> dict[str, Any]:
    agent, step = divmod(n, per_agent)
    state = ("ready", "talking", "wrap_up", "paused" if step % 40 == 3 else "ready")[step % 4]
    return {"agent_id": f"u{agent:02}", "at": _at(step, per_agent), "state": state}


def measure(store: Store) -> dict[str, dict[str, float]]:
    """Wall and processor seconds for each question: the quickest of three, so that others' work counts less."""
    with store.read() as session:
        last = reports.newest(session) or _START
    now = last + timedelta(minutes=1)
    today = Scope(since=now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(hours=8), zone=_ZONE)
    month = Scope(since=now - timedelta(days=30), zone=_ZONE)
    year = Scope(zone=_ZONE)
    questions: dict[str, Callable[[], Any]] = {
        "board_today": lambda: tally(store, today, now=now),
        "today_by_hour": lambda: tallies(store, today, now=now, by="hour"),
        "month": lambda: tally(store, month, now=now),
        "month_by_day": lambda: tallies(store, month, now=now, by="day"),
        "month_by_agent": lambda: tallies(store, month, now=now, by="agent"),
        "rows_behind_month_abandoned": lambda: attempt_rows(store, month, "abandoned"),
        "campaign": lambda: tally(store, year.only(campaign_id="c1"), now=now),
        "all": lambda: tally(store, year, now=now),
    }
    for side in DIMENSIONS:
        questions[f"all_by_{side}"] = partial(tallies, store, year, now=now, by=side)
    return {name: _took(question) for name, question in questions.items()}


def _took(work: Callable[[], Any]) -> dict[str, float]:
    wall_s, cpu_s = float("inf"), float("inf")
    for _ in range(3):
        began, busy = time.perf_counter(), time.process_time()
        work()
        wall_s = min(wall_s, time.perf_counter() - began)
        cpu_s = min(cpu_s, time.process_time() - busy)
    return {"wall_s": round(wall_s, 3), "cpu_s": round(cpu_s, 3)}
