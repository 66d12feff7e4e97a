"""`callbox bench store`: how fast lists come in, leads are picked and attempts are written, alone and under an import.

Each figure is measured on a database of its own: SQLite in a temporary folder, and PostgreSQL when `--url` names an
empty database. Latencies are wall time of whole transactions, commit included.
"""

from __future__ import annotations

import json
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import insert, select

from appliance.domain.campaign import PriorityOrder
from appliance.ids import new_id
from appliance.jobs.imports import run_import
from appliance.logs import configure
from appliance.store.db import Store, migrate
from appliance.store.models import Attempt, Lead
from appliance.store.read import reports
from appliance.store.repositories import leads
from appliance.types import LeadState

PICKS = 300
WRITES = 500
PICK_LIMIT = 30  # one lead for each seat
_BATCH = 5000


def register(app: typer.Typer) -> None:
    """Add the command to `callbox bench`."""
    app.command("store")(store_command)


def store_command(
    rows: Annotated[int, typer.Option("--rows", help="Rows of the imported list.", min=2000)] = 50_000,
    attempts: Annotated[int, typer.Option("--attempts", help="Attempts that the report is made of.", min=1)] = 100_000,
    url: Annotated[str, typer.Option("--url", help="An empty PostgreSQL database, measured beside SQLite.")] = "",
    only_import: Annotated[bool, typer.Option("--only-import", help="Nothing but the import.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Import, picking, attempt writes and the report, on SQLite and PostgreSQL."""
    found: dict[str, Any] = {"rows": rows, "attempts": 0 if only_import else attempts}
    with tempfile.TemporaryDirectory(prefix="callbox-bench-") as folder:
        found["sqlite"] = _measure(f"sqlite:///{Path(folder) / 'bench.sqlite'}", Path(folder), rows, found["attempts"])
        if url:
            found["postgresql"] = _measure(url, Path(folder), rows, found["attempts"])
    if as_json:
        print(json.dumps(found))
    else:
        _show(found)


def _measure(url: str, folder: Path, rows: int, attempts: int) -> dict[str, Any]:
    store = Store(url)
    migrate(store)
    first, second = _list(folder / "first.csv", rows, "138"), _list(folder / "second.csv", rows, "139")
    cpu_began_s = time.process_time()
    imported = run_import(store, first, campaign_name=f"bench {new_id()}")
    campaign_id = imported.campaign_id or ""
    figures: dict[str, Any] = {
        "import_s": imported.elapsed_s,
        "import_cpu_s": round(time.process_time() - cpu_began_s, 2),
        "import_rows_per_s": round(imported.accepted / imported.elapsed_s, 1),
    }
    if not attempts:
        store.close()
        return figures
    figures["pick_ms"] = _latency(lambda: _pick(store, campaign_id), PICKS)
    waiting = _waiting(store, campaign_id)
    figures["attempt_ms"] = _latency(lambda: _dial(store, campaign_id, next(waiting)), WRITES)
    importer = multiprocessing.get_context("spawn").Process(target=_import_beside, args=(url, second))
    importer.start()
    _await_rows_of_another(store, campaign_id)
    figures["attempt_during_import_ms"] = _latency(lambda: _dial(store, campaign_id, next(waiting)), WRITES)
    importer.terminate()
    importer.join()
    _many_attempts(store, campaign_id, next(waiting), attempts)
    began = time.monotonic()
    reports.report(store, campaign_id=campaign_id)
    figures["report_s"] = round(time.monotonic() - began, 3)
    store.close()
    return figures


def _list(path: Path, rows: int, prefix: str) -> Path:
    """A list of valid, different mobile numbers."""
    with path.open("w", encoding="utf-8") as handle:
        handle.write("姓名,电话,欠款,合同号\n")
        handle.writelines(f"客户{n},{prefix}{n * 1999 % 10**8:08d},{n % 9999}.50,HT{n:07d}\n" for n in range(rows))
    return path


def _import_beside(url: str, path: Path) -> None:
    configure("bench", level="ERROR")  # a process of its own; stdout is for the figures
    store = Store(url)
    run_import(store, path, campaign_name=f"beside {new_id()}")
    store.close()


def _await_rows_of_another(store: Store, campaign_id: str) -> None:
    """Wait until the import beside has written its first leads."""
    deadline = time.monotonic() + 60
    query = select(Lead.id).where(Lead.campaign_id != campaign_id).limit(1)
    while time.monotonic() < deadline:
        with store.read() as session:
            if session.scalar(query) is not None:
                return
        time.sleep(0.02)
    raise TimeoutError("the import beside did not begin within 60 s")


def _latency(work: Callable[[], None], times: int) -> dict[str, float]:
    took_ms = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        took_ms.append((time.perf_counter() - began) * 1000)
    p50, p99 = np.percentile(took_ms, [50, 99])
    return {"p50": round(float(p50), 2), "p99": round(float(p99), 2), "max": round(max(took_ms), 2)}


def _pick(store: Store, campaign_id: str) -> None:
    with store.read() as session:
        leads.due(session, campaign_id, now=datetime.now(UTC), order=PriorityOrder.DUE, limit=PICK_LIMIT)


def _waiting(store: Store, campaign_id: str) -> Iterator[tuple[str, str]]:
    """(id, number) of leads that nobody has dialled."""
    with store.read() as session:
        rows = session.execute(select(Lead.id, Lead.number).where(Lead.campaign_id == campaign_id)).all()
    return ((lead_id, number) for lead_id, number in rows)


def _dial(store: Store, campaign_id: str, lead: tuple[str, str]) -> None:
    """What the engine commits before it dials: the attempt, and the lead reserved."""
    with store.write() as session:
        session.add(_attempt(campaign_id, lead, datetime.now(UTC)))
        leads.set_state(session, lead[0], LeadState.RESERVED)


def _attempt(campaign_id: str, lead: tuple[str, str], now: datetime) -> Attempt:
    return Attempt(
        id=new_id(), campaign_id=campaign_id, lead_id=lead[0], number=lead[1], trunk_id="bench", created_at=now
    )


def _many_attempts(store: Store, campaign_id: str, lead: tuple[str, str], count: int) -> None:
    """Closed attempts of many numbers, one in five a live answer."""
    start = datetime.now(UTC) - timedelta(days=1)
    for first in range(0, count, _BATCH):
        rows = []
        for n in range(first, min(first + _BATCH, count)):
            at, live = start + timedelta(milliseconds=800 * n), n % 5 == 0
            rows.append(
                {
                    "id": new_id(), "campaign_id": campaign_id, "lead_id": lead[0], "number": f"+86137{n:08d}",
                    "trunk_id": "bench", "created_at": at, "ended_at": at + timedelta(seconds=60),
                    "outcome": "human" if live else "no_answer",
                    "answered_at": at + timedelta(seconds=9) if live else None,
                    "verdict_at": at + timedelta(seconds=10) if live else None,
                    "bridged_at": at + timedelta(seconds=11) if live else None,
                    "agent_id": f"agent{n % 30}" if live else None,
                }
            )  # fmt: skip
        with store.write() as session:
            session.execute(insert(Attempt), rows)


def _show(found: dict[str, Any]) -> None:
    table = Table("figure", *[name for name in ("sqlite", "postgresql") if name in found])
    for key in found["sqlite"]:
        cells = []
        for name in ("sqlite", "postgresql"):
            if name in found:
                value = found[name][key]
                cells.append(f"{value['p50']} / {value['p99']}" if isinstance(value, dict) else str(value))
        table.add_row(f"{key} p50 / p99" if isinstance(found["sqlite"][key], dict) else key, *cells)
    Console().print(table)
