"""Tables to take away: what stands in them, and that no cell becomes a formula in somebody's spreadsheet."""

from __future__ import annotations

import csv
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from appliance import commands
from appliance.errors import ValidationErrors
from appliance.jobs.context import Context
from appliance.jobs.queue import Progress
from appliance.jobs.reports import Reports, ask_for
from appliance.jobs.search_index import SearchIndex
from appliance.store.models import Attempt, Campaign, Contact, Job, Lead, Recording, User
from appliance.types import LOCAL_ACTOR
from tests.integration.jobs.boxes import START, new_context

pytestmark = pytest.mark.integration


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """One campaign with 501 attempts (two pages), the first one with everything a row can hold."""
    context = new_context(tmp_path / "home")
    with context.store.write() as session:
        session.add(Campaign(id="c", name="Spring", mode="progressive", state="running", config={}, created_at=START))
        session.add(Contact(id="p", number="+8613800138000", name="=cmd()", created_at=START))
        session.flush()
        session.add(Lead(id="l", campaign_id="c", contact_id="p", number="+8613800138000", name="=cmd()",
                         external_id="7", state="done", next_attempt_at=START))  # fmt: skip
        session.flush()
        session.add(
            Attempt(id="a0000", campaign_id="c", lead_id="l", number="+8613800138000", trunk_id="main",
                    created_at=START, originated_at=START, answered_at=START + timedelta(seconds=9), outcome="human",
                    ended_at=START + timedelta(seconds=60), disposition="promise_to_pay", note="前天 said")
        )  # fmt: skip
        session.add_all(
            Attempt(id=f"a{n:04}", campaign_id="c", lead_id="l", number="+8613800138000", trunk_id="main",
                    created_at=START + timedelta(minutes=n), outcome="busy", ended_at=START + timedelta(minutes=n + 1))
            for n in range(1, 501)
        )  # fmt: skip
        session.add(Recording(id="r", conversation_id="a0000", attempt_id="a0000", campaign_id="c", state="archived",
                              started_at=START, duration_s=51.26, sha256="f" * 64))  # fmt: skip
    SearchIndex(context.store).sweep()
    return context


def _made(
    context: Context, report: str, file_format: str, campaign_id: str | None = "c", actor_id: str = LOCAL_ACTOR,
    **choice: str,
) -> dict[str, Any]:
    command = commands.ExportReport(
        actor_id=actor_id, report=report, campaign_id=campaign_id, file_format=file_format, choice=choice
    )
    job = Job(id="job", kind="report")
    return Reports(context).run(ask_for(command, job.id), Progress(context, job, threading.Event(), shown=False))


def test_attempts_in_csv(context: Context) -> None:
    found = _made(context, "attempts", "csv")
    assert (found["rows"], found["file_name"]) == (501, "callbox-attempts-20260302-0900.csv")
    with Path(found["path"]).open(encoding="utf-8-sig", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert len({row["attempt"] for row in rows}) == 501
    first = rows[0]
    assert (first["number"], first["name"], first["outcome"], first["note"]) == (
        "+8613800138000", "'=cmd()", "human", "前天 said",
    )  # fmt: skip
    assert first["answered_at"] == "2026-03-02T09:00:09+00:00"
    assert {row["outcome"] for row in rows[1:]} == {"busy"}


def test_recordings_in_xlsx(context: Context) -> None:
    found = _made(context, "recordings", "xlsx", campaign_id=None)
    sheet = openpyxl.load_workbook(found["path"]).active
    assert sheet is not None
    header, row = ([cell.value for cell in line] for line in sheet.iter_rows())
    shown = dict(zip(header, row, strict=True))
    assert (shown["recording"], shown["campaign"], shown["duration_s"]) == ("r", "Spring", 51.3)
    assert shown["name"] == "=cmd()"
    assert sheet["F2"].data_type == "s"


def test_recordings_are_those_that_the_search_finds(context: Context) -> None:
    for choice, count in (
        ({"name": "cmd", "at_least": "0:51"}, 1), ({"at_least": "0:52"}, 0), ({"disposition": "promise_to_pay"}, 1),
        ({"what": "calls", "outcome": "busy"}, 500),
    ):  # fmt: skip
        assert _made(context, "recordings", "csv", campaign_id=None, **choice)["rows"] == count, choice
    with context.store.write() as session:
        session.add(User(id="u", login="u", role="agent", password_hash="", created_at=START))
    assert _made(context, "recordings", "csv", campaign_id=None, actor_id="u")["rows"] == 0, "only what he may hear"


def test_what_cannot_be_made_is_said_at_once() -> None:
    command = commands.ExportReport(actor_id=LOCAL_ACTOR, report="attempts", file_format="pdf")
    with pytest.raises(ValidationErrors) as caught:
        ask_for(command, "job")
    assert {field for field, _, _ in caught.value.errors} == {"campaign_id", "file_format"}
