"""The job that writes a report or a list to a table file in the upload folder, where it is kept for a day."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import select

from appliance import commands
from appliance.errors import NotFoundError, ValidationErrors
from appliance.jobs.context import Context
from appliance.jobs.queue import Progress
from appliance.jobs.rejects import write_rejects
from appliance.outside.table_files import write_csv, write_xlsx
from appliance.store.models import Attempt, Lead
from appliance.store.read import campaigns, recordings, reports

REPORT = "report"
"""Kind of the job; its payload is {report, campaign_id, import_id, file_format, job_id}."""

EXPORT_PREFIX = "export-"
_REPORTS = ("campaign", "attempts", "recordings", "rejects")
_FORMATS = ("csv", "xlsx")
_PAGE = 500

Rows = Iterator[Sequence[Any]]

_ATTEMPT_COLUMNS = (
    "attempt", "number", "name", "external_id", "dialled_at", "answered_at", "connected_at", "ended_at", "outcome",
    "heard_by", "confidence", "sip_status", "q850", "agent", "seat", "abandoned", "disposition", "note",
    "promise_amount_minor", "promise_date",
)  # fmt: skip
_RECORDING_COLUMNS = (
    "recording", "campaign", "agent", "seat", "number", "name", "started_at", "duration_s", "outcome", "disposition",
    "state", "size_bytes", "sha256", "expires_at", "legal_hold",
)  # fmt: skip


def ask_for(command: commands.ExportReport, job_id: str) -> dict[str, Any]:
    """Check the request and return the job's payload; raises ValidationErrors."""
    faults = []
    if command.report not in _REPORTS:
        faults.append(("report", "report.unknown", f"Use one of {', '.join(_REPORTS)}."))
    if command.file_format not in _FORMATS or (command.report == "rejects" and command.file_format != "xlsx"):
        faults.append(("file_format", "report.bad_format", "Use csv or xlsx; rejects come as xlsx."))
    if command.report == "attempts" and not command.campaign_id:
        faults.append(("campaign_id", "report.no_campaign", "Say which campaign."))
    if command.report == "rejects" and not command.import_id:
        faults.append(("import_id", "report.no_import", "Say which import."))
    if faults:
        raise ValidationErrors(faults)
    return {
        "report": command.report, "campaign_id": command.campaign_id, "import_id": command.import_id,
        "file_format": command.file_format, "job_id": job_id, "language": command.language,
    }  # fmt: skip


class Reports:
    """The handler: rows are streamed, so memory stays bounded."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def run(self, payload: dict[str, Any], progress: Progress) -> dict[str, Any]:
        """Returns {path, file_name, rows}; raises NotFoundError for an unknown campaign or import."""
        kind, extension = payload["report"], payload["file_format"]
        path = self._context.home.uploads / f"{EXPORT_PREFIX}{payload['job_id']}.{extension}"
        name = f"callbox-{kind}-{self._context.clock.now():%Y%m%d-%H%M}.{extension}"
        if kind == "rejects":
            write_rejects(
                self._context.store, payload["import_id"], path, language=payload.get("language", "en")
            )
            return {"path": str(path), "file_name": name, "rows": None}
        header, rows = self._table(kind, payload["campaign_id"])
        counted = _Counted(rows, progress)
        _write(path, kind, header, counted)
        return {"path": str(path), "file_name": name, "rows": counted.count}

    def _table(self, kind: str, campaign_id: str | None) -> tuple[Sequence[str], Rows]:
        if kind == "recordings":
            return _RECORDING_COLUMNS, self._recordings(campaign_id)
        if campaign_id and campaigns.campaign(self._context.store, campaign_id) is None:
            raise NotFoundError("campaign.unknown", f"There is no campaign {campaign_id}.", campaign=campaign_id)
        if kind == "attempts":
            return _ATTEMPT_COLUMNS, self._attempts(campaign_id or "")
        found = reports.report(self._context.store, campaign_id=campaign_id)
        return ("figure", "value"), _figures(dataclasses.asdict(found))

    def _attempts(self, campaign_id: str) -> Rows:
        after = ""
        query = select(Attempt, Lead.name, Lead.external_id).join(Lead, Lead.id == Attempt.lead_id)
        query = query.where(Attempt.campaign_id == campaign_id).order_by(Attempt.id).limit(_PAGE)
        while True:
            with self._context.store.read() as session:
                page = session.execute(query.where(Attempt.id > after)).all()
            for attempt, name, external_id in page:
                yield (
                    attempt.id, attempt.number, name, external_id, attempt.originated_at, attempt.answered_at,
                    attempt.bridged_at, attempt.ended_at, attempt.outcome, attempt.kind, attempt.confidence,
                    attempt.sip_status, attempt.q850, attempt.agent_id, attempt.seat_id, attempt.abandoned,
                    attempt.disposition, attempt.note, attempt.promise_amount_minor, attempt.promise_date,
                )  # fmt: skip
            if len(page) < _PAGE:
                return
            after = page[-1][0].id

    def _recordings(self, campaign_id: str | None) -> Rows:
        before: str | None = None
        wanted = recordings.RecordingFilter(campaign_id=campaign_id)
        while True:
            page = recordings.search(self._context.store, wanted, before=before, size=_PAGE)
            for one in page.rows:
                yield (
                    one.id, one.campaign_name, one.agent_name, one.seat_id, one.number, one.name, one.started_at,
                    round(one.duration_s, 1), one.outcome, one.disposition, one.state, one.size_bytes, one.sha256,
                    one.expires_at, one.legal_hold,
                )  # fmt: skip
            before = page.older
            if before is None:
                return


def _figures(plain: dict[str, Any], prefix: str = "") -> Rows:
    """A report as rows (dotted name, value): nested figures one below the other."""
    for name, value in plain.items():
        match value:
            case dict():
                yield from _figures(value, f"{prefix}{name}.")
            case list():
                for number, item in enumerate(value, start=1):
                    yield from _figures(item, f"{prefix}{name}.{number}.")
            case _:
                yield f"{prefix}{name}", value


class _Counted:
    """Rows on their way into the file, counted and shown."""

    def __init__(self, rows: Rows, progress: Progress) -> None:
        self._rows = rows
        self._progress = progress
        self.count = 0

    def __iter__(self) -> Rows:
        for row in self._rows:
            self.count += 1
            if self.count % 100 == 0:
                self._progress(self.count, 0)
            yield row


def _write(path: Path, sheet: str, header: Sequence[str], rows: _Counted) -> None:
    if path.suffix == ".xlsx":
        write_xlsx(path, [(sheet, header, rows)])
        return
    with path.open("wb") as target:
        write_csv(target, header, rows)
