"""Reports that are kept: saved, made when they are due or asked for, sent by e-mail.

A saved report has one job in the durable queue (`report-<id>`), which waits for its next time. What cannot be sent is
an alert until it can; a mail server that does not answer is tried again, a wrong setting waits for the next time.
"""

from __future__ import annotations

import re
import socket
import ssl
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from appliance import commands
from appliance.alerting import told
from appliance.commands import Done
from appliance.domain.report_times import EVERY, TIME, next_time
from appliance.errors import CallboxError, CallerError, NotFoundError, ValidationErrors
from appliance.ids import new_id
from appliance.jobs import audit
from appliance.jobs.context import Context
from appliance.jobs.queue import Progress, WorkQueue
from appliance.jobs.report_tables import Tables
from appliance.jobs.reports import EXPORT_PREFIX, write_table
from appliance.logs import get_logger
from appliance.outside.mail import send, sender
from appliance.store import versions
from appliance.store.models import Job, SavedReport
from appliance.store.read.report_scope import FIELDS, days_of
from appliance.store.repositories import users
from appliance.texts import LANGUAGES, figure_words
from appliance.types import Permission, Severity

SAVED_REPORT = "saved_report"
"""Kind of the job; its payload is {report_id, at}: the report is made as of the instant when it was due."""

_ADDRESSES = re.compile(r"[^\s@,<>\"]+@[A-Za-z0-9.-]+")
_ATTACHED_MAX = 20 * 2**20  # most mail servers take 25 MB, a third more in base64

log = get_logger()


class SavedReports:
    """Answers the commands about saved reports and makes them."""

    def __init__(self, context: Context, queue: WorkQueue, tls: ssl.SSLContext | None = None) -> None:
        self._context, self._queue = context, queue
        self._tables = Tables(context)
        self._tls = tls or ssl.create_default_context()

    @property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self._context.settings.dialling.timezone)

    # ---- commands ---------------------------------------------------------------------------------------------

    def save(self, command: commands.SaveReport) -> Done:
        """Raises ValidationErrors with all mistakes, NotFoundError `report.unknown_saved`."""
        recipients = _checked(command)
        now = self._context.clock.now()
        next_at = next_time(command.every, command.at_time, command.on_day, self._zone, now)
        with self._context.store.write() as session:
            users.require(session, command.actor_id, Permission.REPORTS_EXPORT)
            same = session.scalar(select(SavedReport).where(SavedReport.name == command.name.strip()))
            if same is not None and same.id != command.report_id:
                raise ValidationErrors([("name", "report.name_taken", "A saved report of this name is there.")])
            if command.report_id is None:
                row = SavedReport(id=new_id(), created_by=command.actor_id, created_at=now)
                session.add(row)
            else:
                row = _known(session.get(SavedReport, command.report_id), command.report_id)
                versions.check(session, command, f"saved_report:{row.id}", row)
            row.name, row.file_format, row.language = command.name.strip(), command.file_format, command.language
            row.choice = {name: value for name, value in command.choice.items() if name in (*FIELDS, "by") and value}
            row.every, row.at_time, row.on_day = command.every, command.at_time, command.on_day
            row.recipients, row.next_at = ", ".join(recipients), next_at
            self._audit(session, command, "report.saved", row.id, {"every": row.every, "recipients": len(recipients)})
        if next_at is not None:
            self._put(row.id, next_at)
        else:
            self._forget_job(row.id)
        return Done(id=row.id)

    def delete(self, command: commands.DeleteReport) -> Done:
        """Raises NotFoundError `report.unknown_saved`."""
        with self._context.store.write() as session:
            users.require(session, command.actor_id, Permission.REPORTS_EXPORT)
            row = _known(session.get(SavedReport, command.report_id), command.report_id)
            self._audit(session, command, "report.deleted", row.id, {})
            session.delete(row)
        self._forget_job(row.id)
        self._alert(row.id, row.name, "", raised=False)
        if row.last_file:
            Path(row.last_file).unlink(missing_ok=True)
        return Done(id=row.id)

    def run_now(self, command: commands.RunReport) -> Done:
        """Raises NotFoundError `report.unknown_saved`."""
        now = self._context.clock.now()
        with self._context.store.write() as session:
            users.require(session, command.actor_id, Permission.REPORTS_EXPORT)
            row = _known(session.get(SavedReport, command.report_id), command.report_id)
            self._audit(session, command, "report.run", row.id, {})
        self._put(row.id, now)
        return Done(id=_job_id(row.id))

    def _audit(self, session: Any, command: commands.UserCommand, action: str, of: str, detail: dict[str, Any]) -> None:
        audit.append(
            session, self._context.clock.now(), actor_id=command.actor_id, actor_address=command.actor_address,
            action=action, subject=f"saved_report:{of}", detail=detail,
        )  # fmt: skip

    # ---- the job ----------------------------------------------------------------------------------------------

    def run(self, payload: dict[str, Any], progress: Progress) -> dict[str, Any]:
        """Make the report, send it where somebody is named, ask for the next time. A deleted one is nothing."""
        with self._context.store.read() as session:
            row = session.get(SavedReport, payload["report_id"])
        if row is None:
            return {}
        try:
            due = datetime.fromisoformat(payload["at"])
            path, name, lines = self._make(row, due, progress)
            if row.recipients:
                self._send(row, due, path, name)
        except CallboxError as error:
            self._note(row, "failed", error.message)
            self._alert(row.id, row.name, error.message, raised=True)
            if error.retryable:
                raise  # the queue tries again, later and later
            return self._again(row.id, {"error_id": error.error_id})
        self._note(row, "sent" if row.recipients else "made", "", path, name)
        self._alert(row.id, row.name, "", raised=False)
        return self._again(row.id, {"path": str(path), "file_name": name, "rows": lines})

    def _make(self, row: SavedReport, due: datetime, progress: Progress) -> tuple[Path, str, int]:
        header, rows = self._tables.figures(row.choice, row.language, due)
        progress.check()
        lines = list(rows)
        path = self._context.home.uploads / f"{EXPORT_PREFIX}saved-{row.id}.{row.file_format}"
        write_table(path, row.name, header, lines, self._zone)
        plain = re.sub(r"[^\w.-]+", "-", row.name).strip("-") or "report"
        return path, f"{plain}-{due.astimezone(self._zone):%Y%m%d-%H%M}.{row.file_format}", len(lines)

    def _send(self, row: SavedReport, due: datetime, path: Path, name: str) -> None:
        settings = self._context.settings.email
        if not settings.host:
            raise CallerError("report.no_mail_server", "No mail server is set up; name one in Settings, e-mail.")
        size = path.stat().st_size
        if size > _ATTACHED_MAX:
            raise CallerError(
                "report.too_large", f"The table has {size / 1e6:.0f} MB, too much for a mail; choose fewer days.",
                size_mb=round(size / 1e6),
            )  # fmt: skip
        send(settings, self._letter(row, due, path, name), self._tls)
        log.info("report sent", report=row.id, recipients=row.recipients.count("@"))

    def _letter(self, row: SavedReport, due: datetime, path: Path, name: str) -> EmailMessage:
        words = figure_words(row.language)
        first, last = days_of(row.choice, self._zone.key, due)
        days = " – ".join(dict.fromkeys(f"{day}" for day in (first, last) if day)) or words["period.all"].title
        settings = self._context.settings
        letter = EmailMessage()
        title = words["mail"].title.format(name=" ".join(row.name.split()))
        letter["Subject"] = f"[{settings.web.host_name or socket.gethostname()}] {title}"
        letter["From"], letter["To"] = sender(settings.email), row.recipients
        letter["Date"] = format_datetime(self._context.clock.now())
        letter["Message-ID"] = make_msgid(domain="callbox.invalid")
        letter["Auto-Submitted"] = "auto-generated"
        letter.set_content(f"{title}\n\n{words['mail'].text.format(period=days, zone=self._zone.key)}\n")
        kind = ("text", "csv") if path.suffix == ".csv" else (
            "application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        )  # fmt: skip
        letter.add_attachment(path.read_bytes(), maintype=kind[0], subtype=kind[1], filename=name)
        return letter

    def _note(self, row: SavedReport, state: str, message: str, path: Path | None = None, name: str = "") -> None:
        with self._context.store.write() as session:
            kept = session.get(SavedReport, row.id)
            if kept is None:
                return
            kept.last_at, kept.last_state, kept.last_message = self._context.clock.now(), state, message
            if path is not None:
                kept.last_file, kept.last_file_name = str(path), name

    def _again(self, report_id: str, result: dict[str, Any]) -> dict[str, Any]:
        """Ask for the next time; a report that was deleted or changed meanwhile has seen to it."""
        now = self._context.clock.now()
        with self._context.store.write() as session:
            row = session.get(SavedReport, report_id)
            if row is None:
                return result
            row.next_at = next_time(row.every, row.at_time, row.on_day, self._zone, now)
            next_at = row.next_at
        if next_at is not None:
            self._put(report_id, next_at)
        return result

    def _put(self, report_id: str, at: datetime) -> None:
        payload = {"report_id": report_id, "at": at.isoformat()}
        self._queue.put(_job_id(report_id), SAVED_REPORT, payload, run_at=at, again=True)

    def _forget_job(self, report_id: str) -> None:
        with self._context.store.write() as session:
            job = session.get(Job, _job_id(report_id))
            if job is not None:
                session.delete(job)

    def _alert(self, report_id: str, name: str, error: str, *, raised: bool) -> None:
        alert = told(
            "report.failed", {"name": name, "error": error}, key=f"report.{report_id}.failed",
            severity=Severity.WARNING, raised=raised, at=self._context.clock.now(),
        )  # fmt: skip
        self._context.publish("alert", alert)


def _job_id(report_id: str) -> str:
    return f"report-{report_id}"


def _known(row: SavedReport | None, report_id: str) -> SavedReport:
    if row is None:
        raise NotFoundError("report.unknown_saved", f"There is no saved report {report_id}.", report=report_id)
    return row


def _checked(command: commands.SaveReport) -> list[str]:
    """Return the recipients; raises ValidationErrors with all mistakes."""
    recipients = [one.strip() for one in command.recipients.split(",") if one.strip()]
    longest = {"week": 7, "month": 31}.get(command.every, command.on_day)
    faults = []
    if not 0 < len(command.name.strip()) <= 120:
        faults.append(("name", "report.no_name", "Give the report a name of 1 to 120 characters."))
    if command.file_format not in ("csv", "xlsx"):
        faults.append(("file_format", "report.bad_format", "Use csv or xlsx."))
    if command.every not in ("", *EVERY):
        faults.append(("every", "report.bad_time", "Use day, week, month or nothing."))
    if not TIME.fullmatch(command.at_time) or not 1 <= command.on_day <= longest:
        faults.append(("at_time", "report.bad_time", "Give a time as HH:MM, a day of the week 1-7 or month 1-31."))
    if any(not _ADDRESSES.fullmatch(one) for one in recipients):
        faults.append(("recipients", "report.bad_address", "Give e-mail addresses, separated by commas."))
    if command.language not in LANGUAGES:
        faults.append(("language", "report.bad_language", f"Use one of {', '.join(LANGUAGES)}."))
    if faults:
        raise ValidationErrors(faults)
    return recipients
