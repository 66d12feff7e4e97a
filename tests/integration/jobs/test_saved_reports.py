"""Reports that are kept: made when due, sent by e-mail through a real mail server on loopback, told when they fail."""

from __future__ import annotations

import csv
import dataclasses
import email
import email.policy
import io
import ssl
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import openpyxl
import pytest
from pydantic import SecretStr

from appliance import commands
from appliance.errors import BoxError, NotFoundError, ValidationErrors
from appliance.events import LiveAlert
from appliance.jobs.context import Context
from appliance.jobs.queue import Progress, WorkQueue
from appliance.jobs.saved_reports import SAVED_REPORT, SavedReports
from appliance.settings import EmailSettings
from appliance.store.models import Attempt, Campaign, Contact, Job, Lead, SavedReport
from appliance.types import LOCAL_ACTOR
from tests.integration.jobs.boxes import START, Shown, new_context
from tests.sim.watch import receivers

pytestmark = pytest.mark.integration


class Box:
    """Saved reports of one box, with a queue that nothing works off, and a mail server."""

    def __init__(self, folder: Path, mail: receivers.Kept, tls: ssl.SSLContext) -> None:
        self.mail = mail
        settings = EmailSettings(
            host="127.0.0.1", port=mail.port, user="box", password=SecretStr("secret"), sender="box@example.com"
        )
        self.context: Context = _with_mail(new_context(folder), settings)
        self.saved = SavedReports(self.context, WorkQueue(self.context, []), tls)
        with self.context.store.write() as session:
            session.add(Campaign(id="c", name="Spring", mode="progressive", state="running", config={},
                                 created_at=START))  # fmt: skip
            session.add(Contact(id="p", number="+8613800138000", created_at=START))
            session.flush()
            session.add(Lead(id="l", campaign_id="c", contact_id="p", number="+8613800138000", state="done",
                             next_attempt_at=START))  # fmt: skip
            session.flush()
            for n in range(3):
                at = START - timedelta(minutes=n)
                session.add(Attempt(id=f"a{n}", campaign_id="c", lead_id="l", number="+8613800138000", trunk_id="t",
                                    created_at=at, answered_at=at, ended_at=at, outcome="human"))  # fmt: skip

    def save(self, **fields: Any) -> str:
        given = {
            "name": "Yesterday", "choice": {"period": "yesterday", "by": "campaign"}, "every": "day",
            "at_time": "08:30", "recipients": "chief@example.com, second@example.com", "language": "ru", **fields,
        }  # fmt: skip
        return self.saved.save(commands.SaveReport(actor_id=LOCAL_ACTOR, **given)).id or ""

    @property
    def alerts(self) -> list[LiveAlert]:
        return [event for _topic, event in cast("Shown", self.context.publish) if isinstance(event, LiveAlert)]

    def row(self, report_id: str) -> SavedReport:
        with self.context.store.read() as session:
            return session.get_one(SavedReport, report_id)

    def job(self, report_id: str) -> Job:
        with self.context.store.read() as session:
            return session.get_one(Job, f"report-{report_id}")

    def run(self, report_id: str) -> dict[str, Any]:
        job = self.job(report_id)
        return self.saved.run(job.payload, Progress(self.context, job, threading.Event(), shown=False))


def _with_mail(context: Context, settings: EmailSettings) -> Context:
    return dataclasses.replace(context, settings=context.settings.model_copy(update={"email": settings}))


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    server_tls, client_tls = receivers.certificate(tmp_path)
    with receivers.smtp_server(server_tls) as mail:
        yield Box(tmp_path / "home", mail, client_tls)


def test_a_report_is_sent_when_due_and_waits_for_its_next_time(box: Box) -> None:
    report_id = box.save()
    job = box.job(report_id)
    assert job.kind == SAVED_REPORT
    assert job.run_at == box.row(report_id).next_at
    result = box.run(report_id)
    ((secure, _user, text),) = box.mail.wait(1)
    letter = email.message_from_string(text, policy=email.policy.default)
    assert secure
    assert letter["To"] == "chief@example.com, second@example.com"
    assert "Отчёт «Yesterday»" in letter["Subject"]
    (table,) = letter.iter_attachments()
    sheet = openpyxl.load_workbook(io.BytesIO(table.get_content())).active
    assert sheet is not None
    header, line, whole = ([cell.value for cell in row] for row in sheet.iter_rows())
    assert (header[0], line[0], whole[0]) == ("Кампания", "Spring", "Всего")
    assert (line[1], line[2]) == (whole[1], whole[2]) == (3, 3)
    row = box.row(report_id)
    assert (row.last_state, row.last_file) == ("sent", result["path"])
    assert box.job(report_id).state == "waiting"
    assert [alert.raised for alert in box.alerts] == [False]


def test_what_cannot_be_sent_is_an_alert_until_it_can(box: Box) -> None:
    report_id = box.save()
    box.mail.failing = True
    with pytest.raises(BoxError) as caught:
        box.run(report_id)
    assert caught.value.retryable  # so the queue tries again
    assert box.row(report_id).last_state == "failed"
    assert "452" in box.row(report_id).last_message
    box.mail.failing = False
    box.run(report_id)
    assert [(alert.key, alert.raised) for alert in box.alerts] == [
        (f"report.{report_id}.failed", True), (f"report.{report_id}.failed", False),
    ]  # fmt: skip
    assert "Yesterday" in box.alerts[0].title


def test_without_a_mail_server_it_is_said_and_the_next_time_comes(box: Box) -> None:
    box.saved = SavedReports(_with_mail(box.context, EmailSettings()), WorkQueue(box.context, []))
    report_id = box.save()
    assert box.run(report_id) == {"error_id": "report.no_mail_server"}
    assert box.alerts[-1].raised
    assert box.job(report_id).state == "waiting"
    assert not box.mail.got


def test_by_hand_into_a_file_only(box: Box) -> None:
    report_id = box.save(
        every="", recipients="", file_format="csv", language="en", choice={"period": "today", "by": "campaign"}
    )
    with box.context.store.read() as session:
        assert session.get(Job, f"report-{report_id}") is None
    box.saved.run_now(commands.RunReport(actor_id=LOCAL_ACTOR, report_id=report_id))
    found = box.run(report_id)
    with Path(found["path"]).open(encoding="utf-8-sig", newline="") as handle:
        rows = list(csv.reader(handle))
    assert rows[0][:2] == ["Campaign", "Attempts"]
    assert rows[1][:2] == ["Spring", "3"]
    assert box.row(report_id).last_state == "made"
    assert not box.mail.got


def test_as_of_the_time_it_was_due(box: Box) -> None:
    """Tried again after midnight, "yesterday" is still the day it was asked for."""
    report_id = box.save(recipients="", file_format="csv")
    payload = {"report_id": report_id, "at": (START + timedelta(days=3)).isoformat()}
    job = Job(id="x", kind=SAVED_REPORT)
    found = box.saved.run(payload, Progress(box.context, job, threading.Event(), shown=False))
    assert found["rows"] == 1  # the line of all together, and nothing was dialled two days later


def test_mistakes_are_said_all_at_once(box: Box) -> None:
    with pytest.raises(ValidationErrors) as caught:
        box.save(name=" ", file_format="pdf", every="hour", at_time="25:00", recipients="nobody", language="xx")
    fields = {field for field, _, _ in caught.value.errors}
    assert fields == {"name", "file_format", "every", "at_time", "recipients", "language"}
    box.save()
    with pytest.raises(ValidationErrors):
        box.save()  # the name is taken


def test_a_deleted_one_is_forgotten(box: Box) -> None:
    report_id = box.save()
    path = Path(box.run(report_id)["path"])
    payload = box.job(report_id).payload
    box.saved.delete(commands.DeleteReport(actor_id=LOCAL_ACTOR, report_id=report_id))
    assert not path.exists()
    job = Job(id="x", kind=SAVED_REPORT)
    assert box.saved.run(payload, Progress(box.context, job, threading.Event(), shown=False)) == {}
    with pytest.raises(NotFoundError):
        box.saved.run_now(commands.RunReport(actor_id=LOCAL_ACTOR, report_id=report_id))
