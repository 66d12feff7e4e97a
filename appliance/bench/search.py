"""`callbox bench search`: how fast calls and recordings are found among very many.

The database is SQLite, made by bulk inserts of invented calls with the tokens that real ones get. The
searches are a fixed mix: what people look for, and the worst that can be asked (a name that one call has, a word that
every other note has, the last digits of a number, two common things that never meet). Latency is the wall time of one
page of 50 with everything that is shown of it.
"""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from appliance.domain.call_words import CallFacts, tokens
from appliance.store.db import Store, migrate
from appliance.store.models import CallChange, CallSearch
from appliance.store.read.call_search import CallFilter, search

_BATCH = 10_000
_ROUNDS = 5
_AGENTS, _CAMPAIGNS = 30, 8
_FIRST = datetime(2025, 1, 6, 1, tzinfo=UTC)
_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高"
_GIVEN = "伟芳娜敏静强磊军洋勇艳杰娟涛明超秀霞平刚"
_LATIN = ("Ivanova Anna", "Petrov Oleg", "Smith John", "Brown Mary", "Сидоров Пётр", "Кузнецова Ольга")
_NOTES = (
    "客户答应月底还款", "said he paid last week, check the account", "просит перезвонить вечером", "号码不是本人",
    "wants the contract sent again", "обещал оплатить в пятницу", "家人接听，本人不在",
)  # fmt: skip
_DISPOSITIONS = ("promise_to_pay", "call_back", "refused", "not_at_home", "paid", "wrong_number", "informed")
_SILENT = ("no_answer", "busy", "machine", "powered_off", "vacant", "ringback")
_PEAKS = json.dumps({"left": [0.123] * 90, "right": [0.456] * 90, "per_s": 10})
_EVIDENCE = json.dumps({"features": [0.125] * 30})
_ODD = 1234  # the one call with a note that no other has


def register(app: typer.Typer) -> None:
    """Add the command to `callbox bench`."""
    app.command("search")(search_command)


def search_command(
    attempts: Annotated[int, typer.Option("--attempts", help="Calls in the database.", min=100)] = 1_000_000,
    recordings: Annotated[int, typer.Option("--recordings", help="How many were recorded.", min=10)] = 300_000,
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Keep the database here, and use it again when it is there.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Searches of calls and recordings over a large database."""
    place: AbstractContextManager[Any] = (
        nullcontext(folder) if folder else tempfile.TemporaryDirectory(prefix="callbox-bench-")
    )
    with place as made:
        path = Path(made) / f"search-{attempts}-{recordings}.sqlite"
        path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not path.exists()
        store = Store(f"sqlite:///{path}")
        migrate(store)
        if is_new:
            _fill(store, attempts, recordings)
        found = {"attempts": attempts, "recordings": recordings, **_measure(store)}
        store.close()
    if as_json:
        print(json.dumps(found))
    else:
        _show(found)


def _fill(store: Store, attempts: int, recordings: int) -> None:
    """Calls of many months: one every few seconds, every third or so recorded. Plain inserts of whole rows."""
    dice = random.Random(7)
    people = max(1, attempts // 4)
    names = [_name(person, dice) for person in range(people)]
    with store.write() as db:
        _put(db, "users", ("id", "login", "display_name", "role", "password_hash", "totp_secret", "totp_last_step",
                           "language", "theme", "enabled", "created_at", "failed_logins"),
             [(f"agent{n}", f"agent{n}", f"Agent {n}", "agent", "", "", 0, "en", "auto", 1, _text(_FIRST), 0)
              for n in range(_AGENTS)])  # fmt: skip
        _put(db, "campaigns", ("id", "name", "mode", "state", "config", "created_at"),
             [(f"campaign{n}", f"Campaign {n}", "progressive", "running", "{}", _text(_FIRST))
              for n in range(_CAMPAIGNS)])  # fmt: skip
    for batch in _batches(people):
        with store.write() as db:
            _put(db, "contacts", ("id", "number", "name", "created_at"),
                 [(f"contact{n}", _number(n), "", _text(_FIRST)) for n in batch])  # fmt: skip
            _put(db, "leads", ("id", "campaign_id", "contact_id", "number", "name", "external_id", "currency", "fields",
                               "state", "priority", "attempts", "next_attempt_at", "last_outcome"),
                 [(f"lead{n}", f"campaign{n % _CAMPAIGNS}", f"contact{n}", _number(n), names[n], "", "", "{}", "done",
                   0, 4, _text(_FIRST), "") for n in batch])  # fmt: skip
    every = attempts / recordings
    for batch in _batches(attempts):
        calls = [
            _call(n, n % people, names[n % people], recorded=int((n + 1) / every) > int(n / every), dice=dice)
            for n in batch
        ]
        with store.write() as db:
            _put(db, "attempts", _ATTEMPT, [call.attempt for call in calls])
            _put(db, "recordings", _RECORDING, [call.recording for call in calls if call.recording])
            _put(db, "call_search", _SEARCH, [call.found for call in calls])
            db.execute(delete(CallChange))


_ATTEMPT = (
    "id", "campaign_id", "lead_id", "number", "trunk_id", "created_at", "ended_at", "outcome", "kind", "reason",
    "agent_id", "abandoned", "disposition", "note", "evidence", "rule_inputs", "last_seq", "media",
)  # fmt: skip
_RECORDING = (
    "id", "conversation_id", "attempt_id", "campaign_id", "agent_id", "kind", "state", "started_at", "duration_s",
    "spool_path", "archive_path", "sha256", "size_bytes", "peaks", "legal_hold", "legal_hold_reason",
)  # fmt: skip
_SEARCH = ("seq", "conversation_id", "at", "recording_id", "duration_s", "words")


@dataclass(frozen=True)
class _Call:
    """The rows of one call."""

    attempt: tuple[Any, ...]
    recording: tuple[Any, ...] | None
    found: tuple[Any, ...]


def _put(db: Session, name: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    places = ", ".join("?" * len(columns))
    plain = f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({places})"  # noqa: S608 - names of ours
    if rows:
        db.connection().exec_driver_sql(plain, list(rows))


def _call(n: int, person: int, name: str, *, recorded: bool, dice: random.Random) -> _Call:
    at, call_id, campaign = _FIRST + timedelta(seconds=19.3 * n), f"call{n:09d}", f"campaign{person % _CAMPAIGNS}"
    seconds = round(min(3000.0, dice.lognormvariate(4, 0.9)), 1) if recorded else None
    agent = f"agent{dice.randrange(_AGENTS)}" if recorded else None
    note = dice.choice(_NOTES) if recorded and dice.random() < 0.6 else ""
    if n == _ODD:
        note = "quetzalcoatl"
    outcome = "human" if recorded else dice.choice(_SILENT)
    disposition = dice.choice(_DISPOSITIONS) if recorded else ""
    held = recorded and n % 20_011 == 0
    attempt = (
        call_id, campaign, f"lead{person}", _number(person), "bench", _text(at), _text(at + timedelta(seconds=60)),
        outcome, "", "", agent, 0, disposition, note, _EVIDENCE, "{}", 9, "{}",
    )  # fmt: skip
    recording_id = f"recording{n:09d}" if recorded else None
    recording = (
        recording_id, call_id, call_id, campaign, agent, "conversation", "archived", _text(at), seconds, "", "", "",
        int((seconds or 0) * 3000), _PEAKS, int(held), "",
    )  # fmt: skip
    facts = CallFacts(
        number=_number(person), name=name, note=note, agent_id=agent or "", campaign_id=campaign, outcome=outcome,
        disposition=disposition, held=held, duration_s=seconds,
    )  # fmt: skip
    found = (int(at.timestamp() * 1e6), call_id, _text(at), recording_id, seconds, " ".join(tokens(facts)))
    return _Call(attempt, recording if recorded else None, found)


def _text(at: datetime) -> str:
    """An instant as SQLite keeps it."""
    return at.strftime("%Y-%m-%d %H:%M:%S.%f")


def _number(person: int) -> str:
    return f"+8613{person * 7919 % 10**9:09d}"


def _name(person: int, dice: random.Random) -> str:
    if person == 77:
        return "欧阳若兰"
    if person % 5 == 0:
        return dice.choice(_LATIN)
    return dice.choice(_SURNAMES) + dice.choice(_GIVEN) + (dice.choice(_GIVEN) if dice.random() < 0.5 else "")


def _batches(count: int) -> Iterator[range]:
    for first in range(0, count, _BATCH):
        yield range(first, min(first + _BATCH, count))


def _measure(store: Store) -> dict[str, Any]:
    """Wall time, and the processor's own time, which other work on the machine does not lengthen."""
    found: dict[str, Any] = {}
    wall_ms: list[float] = []
    cpu_ms: list[float] = []
    for kind, wanted in _kinds(store).items():
        first = len(wall_ms)
        for _ in range(_ROUNDS):
            for one in wanted:
                began, began_cpu = time.perf_counter(), time.process_time()
                search(store, one)
                wall_ms.append((time.perf_counter() - began) * 1000)
                cpu_ms.append((time.process_time() - began_cpu) * 1000)
        found[kind] = {**_figures(wall_ms[first:]), "cpu_max": round(max(cpu_ms[first:]), 1)}
    return {"search_ms": {**_figures(wall_ms), "by_kind": found}, "cpu_ms": _figures(cpu_ms)}


def _kinds(store: Store) -> dict[str, list[CallFilter]]:
    """The fixed mix."""
    with store.read() as db:
        middle = db.scalar(select(func.avg(CallSearch.seq)))
    when = datetime.fromtimestamp(float(middle or 0) / 1e6, UTC)
    make: Callable[..., CallFilter] = CallFilter
    return {
        "newest": [make(), make(recorded=False)],
        "agent": [make(agent_id="agent3"), make(agent_id="agent3", since=when, until=when + timedelta(days=7))],
        "team": [make(agent_ids=frozenset(f"agent{n}" for n in range(12)))],
        "campaign": [make(campaign_id="campaign2"), make(campaign_id="campaign2", sort="oldest")],
        "outcome": [make(outcome="busy", recorded=False), make(outcome="human")],
        "nothing_meets": [
            make(outcome="busy", campaign_id="campaign2"), make(agent_id="agent3", outcome="machine", recorded=False),
            make(note="paid account", agent_id="agent3", at_least_s=2900, campaign_id="campaign1"),
        ],
        "disposition": [make(disposition="promise_to_pay"), make(disposition="paid", agent_id="agent7")],
        "number_last_digits": [make(number=digits, recorded=recorded) for digits in ("919", "0000", "123456")
                               for recorded in (True, False)],
        "number_whole": [make(number=_number(n), recorded=False) for n in (1, 4711)],
        "name_rare": [make(name="欧阳若兰"), make(name="欧阳若兰", recorded=False)],
        "name_common": [make(name="王"), make(name="王伟"), make(name="ivan", recorded=False)],
        "note_common": [make(note="还款"), make(note="paid"), make(note="перезвон", campaign_id="campaign1")],
        "note_rare": [make(note=words, recorded=False) for words in ("quetzalcoatl", "nobody wrote it")],
        "length": [make(at_least_s=600), make(at_most_s=5), make(at_least_s=2999), make(at_least_s=59, at_most_s=61)],
        "held": [make(held=True)],
        "sorted": [
            make(sort="longest"), make(sort="shortest"), make(sort="longest", agent_id="agent3"),
            make(sort="shortest", note="还款"), make(sort="longest", outcome="human"),
            make(sort="longest", campaign_id="campaign2"), make(sort="best"),
        ],
    }  # fmt: skip


def _figures(took_ms: list[float]) -> dict[str, float]:
    p50, p95 = np.percentile(took_ms, [50, 95])
    return {"p50": round(float(p50), 1), "p95": round(float(p95), 1), "max": round(max(took_ms), 1)}


def _show(found: dict[str, Any]) -> None:
    table = Table("searches", "p50 ms", "p95 ms", "max ms", "CPU max ms")
    everything = {**found["search_ms"], "cpu_max": found["cpu_ms"]["max"]}
    rows = {"all": everything, **found["search_ms"]["by_kind"]}
    for kind, figures in rows.items():
        table.add_row(kind, *(str(figures[name]) for name in ("p50", "p95", "max", "cpu_max")))
    Console().print(table)
