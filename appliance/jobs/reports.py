"""The job that writes a report or a list to a table file in the upload folder, where it is kept for a day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from appliance import commands
from appliance.errors import ValidationErrors
from appliance.jobs.context import Context
from appliance.jobs.queue import Progress
from appliance.jobs.rejects import write_rejects
from appliance.jobs.report_tables import Rows, Tables
from appliance.outside.table_files import write_csv, write_xlsx
from appliance.store.read import call_filter
from appliance.store.read.report_scope import FIELDS

REPORT = "report"
"""Kind of the job; its payload is {report, campaign_id, import_id, file_format, job_id, language, choice, actor_id}."""

EXPORT_PREFIX = "export-"
_REPORTS = ("campaign", "figures", "attempts", "recordings", "rejects", "contacts", "answers")
_FORMATS = ("csv", "xlsx")
_CHOICE = frozenset({*FIELDS, *call_filter.FIELDS, "by", "q"})


def ask_for(command: commands.ExportReport, job_id: str) -> dict[str, Any]:
    """Check the request and return the job's payload; raises ValidationErrors."""
    faults = []
    if command.report not in _REPORTS:
        faults.append(("report", "report.unknown", f"Use one of {', '.join(_REPORTS)}."))
    if command.file_format not in _FORMATS or (command.report == "rejects" and command.file_format != "xlsx"):
        faults.append(("file_format", "report.bad_format", "Use csv or xlsx; rejects come as xlsx."))
    if command.report == "answers" and not command.campaign_id:
        faults.append(("campaign_id", "report.no_campaign", "Say which campaign."))
    if command.report == "attempts" and not command.campaign_id and not command.choice:
        faults.append(("campaign_id", "report.no_campaign", "Say which campaign."))
    if command.report == "rejects" and not command.import_id:
        faults.append(("import_id", "report.no_import", "Say which import."))
    if faults:
        raise ValidationErrors(faults)
    return {
        "report": command.report, "campaign_id": command.campaign_id, "import_id": command.import_id,
        "file_format": command.file_format, "job_id": job_id, "language": command.language,
        "choice": {name: value for name, value in command.choice.items() if name in _CHOICE},
        "actor_id": command.actor_id,
    }  # fmt: skip


class Reports:
    """The handler: rows are streamed, so memory stays bounded."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._tables = Tables(context)

    def run(self, payload: dict[str, Any], progress: Progress) -> dict[str, Any]:
        """Returns {path, file_name, rows}; raises NotFoundError for an unknown campaign or import."""
        kind, extension = payload["report"], payload["file_format"]
        path = self._context.home.uploads / f"{EXPORT_PREFIX}{payload['job_id']}.{extension}"
        now = self._context.clock.now().astimezone(ZoneInfo(self._context.settings.dialling.timezone))
        name = f"callbox-{kind}-{now:%Y%m%d-%H%M}.{extension}"
        if kind == "rejects":
            write_rejects(
                self._context.store, payload["import_id"], path, language=payload.get("language", "en")
            )
            return {"path": str(path), "file_name": name, "rows": None}
        header, rows = self._tables.table(payload)
        counted = _Counted(rows, progress)
        write_table(path, kind, header, counted, ZoneInfo(self._context.settings.dialling.timezone))
        return {"path": str(path), "file_name": name, "rows": counted.count}


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


def write_table(path: Path, sheet: str, header: Sequence[str], rows: Iterable[Sequence[Any]], zone: ZoneInfo) -> None:
    """Write .xlsx or .csv, as the path says, with the times of a zone."""
    if path.suffix == ".xlsx":
        write_xlsx(path, [(sheet, header, rows)], zone=zone)
        return
    with path.open("wb") as target:
        write_csv(target, header, rows, zone=zone)
