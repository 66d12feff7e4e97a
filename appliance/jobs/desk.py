"""The commands of the service `jobs`: what is done at once, and what becomes a job in the queue."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from appliance import commands
from appliance.commands import Command, Done
from appliance.domain.lists import Duplicates
from appliance.errors import CallerError, NotAllowedError
from appliance.ids import new_id
from appliance.jobs import audit
from appliance.jobs.context import Context
from appliance.jobs.imports import remembered_by
from appliance.jobs.inspection import inspect_list
from appliance.jobs.list_sources import make_list
from appliance.jobs.lists import IMPORT
from appliance.jobs.queue import WorkQueue
from appliance.jobs.reports import REPORT, ask_for
from appliance.jobs.retention import Retention
from appliance.jobs.saved_reports import SavedReports
from appliance.store.repositories import users
from appliance.types import Permission


class Desk:
    """Answers the commands of the service `jobs`; safe to call from several threads."""

    def __init__(
        self, context: Context, queue: WorkQueue, saved: SavedReports, more: dict[type[Command], Callable[[Any], Done]]
    ) -> None:
        """`more`: commands that others answer."""
        self._context = context
        self._queue = queue
        self._methods: dict[type[Command], Callable[[Any], Done]] = {
            commands.RunRetention: self._run_retention,
            commands.InspectList: self._inspect_list,
            commands.ImportList: self._import_list,
            commands.MakeList: self._make_list,
            commands.ExportReport: self._export_report,
            commands.SaveReport: saved.save,
            commands.DeleteReport: saved.delete,
            commands.RunReport: saved.run_now,
            **more,
        }

    def handle(self, command: Command) -> Done:
        """Carry out or enqueue one command; raises CallboxError."""
        method = self._methods.get(type(command))
        if method is None:
            name = type(command).__name__
            raise CallerError("jobs.unknown_command", f"Jobs do not know the command {name}.", command=name)
        return method(command)

    def _run_retention(self, command: commands.RunRetention) -> Done:
        with self._context.store.read() as session:
            users.require(session, command.actor_id, Permission.RECORDINGS_RETAIN)
        found = Retention(self._context).run(command.actor_id, command.actor_address, dry_run=command.dry_run)
        return Done(data=found)

    def _inspect_list(self, command: commands.InspectList) -> Done:
        path = self._uploaded(command.path)
        with self._context.store.read() as session:
            users.require(session, command.actor_id, Permission.LISTS_IMPORT)
        region = self._context.settings.dialling.default_region
        remembered = remembered_by(self._context.store, command.campaign_id)
        return Done(data=inspect_list(path, command.file_name, region, remembered))

    def _make_list(self, command: commands.MakeList) -> Done:
        """Lay a list made of our own rows beside the uploaded ones."""
        now, zone = self._context.clock.now(), ZoneInfo(self._context.settings.dialling.timezone)
        path = self._context.home.uploads / f"{new_id()}.xlsx"
        with self._context.store.read() as session:
            users.require(session, command.actor_id, Permission.LISTS_IMPORT)
            rows = make_list(session, command, path, zone)
        path.chmod(0o600)
        with self._context.store.write() as session:
            audit.append(
                session, now, actor_id=command.actor_id, actor_address=command.actor_address, action="list.made",
                subject=f"list:{command.source}", detail={"rows": rows, "campaign": command.campaign_id or ""},
            )  # fmt: skip
        name = f"{command.source}-{now.astimezone(zone):%Y%m%d-%H%M}.xlsx"
        return Done(data={"path": str(path), "file_name": name, "rows": rows})

    def _import_list(self, command: commands.ImportList) -> Done:
        """The import's id is the job's: progress is shown under it, and asked twice it is one import."""
        path = self._uploaded(command.path)
        if command.duplicates not in set(Duplicates):
            raise CallerError("import.bad_duplicates", f"Use one of {', '.join(Duplicates)} for duplicates.")
        duplicates = Duplicates(command.duplicates)
        import_id = new_id()
        with self._context.store.write() as session:
            users.require(session, command.actor_id, Permission.LISTS_IMPORT)
            audit.append(
                session, self._context.clock.now(), actor_id=command.actor_id, actor_address=command.actor_address,
                action="list.import", subject=f"import:{import_id}",
                detail={"file": command.file_name, "dry_run": command.dry_run,
                        "campaign": command.campaign_id or command.campaign_name},
            )  # fmt: skip
        payload = {
            "path": str(path), "file_name": command.file_name, "campaign_id": command.campaign_id,
            "campaign_name": command.campaign_name, "region": command.region, "mapping": command.mapping,
            "dry_run": command.dry_run, "import_id": import_id, "actor_id": command.actor_id,
            "duplicates": duplicates.value, "across_campaigns": command.across_campaigns,
        }  # fmt: skip
        self._queue.put(import_id, IMPORT, payload)
        return Done(id=import_id)

    def _uploaded(self, given: str) -> Path:
        """A file in the upload folder and nowhere else."""
        path = Path(given).resolve()
        if not path.is_relative_to(self._context.home.uploads) or not path.is_file():
            raise NotAllowedError("import.no_upload", "This is not a file that was uploaded here; send it again.")
        return path

    def _export_report(self, command: commands.ExportReport) -> Done:
        job_id = new_id()
        payload = ask_for(command, job_id)
        with self._context.store.write() as session:
            rejects = command.report == "rejects"
            needed = Permission.LISTS_IMPORT if rejects else Permission.REPORTS_EXPORT
            users.require(session, command.actor_id, needed)
            audit.append(
                session, self._context.clock.now(), actor_id=command.actor_id, actor_address=command.actor_address,
                action="report.exported", subject=f"report:{command.report}",
                detail={"campaign_id": command.campaign_id, "import_id": command.import_id,
                        "format": command.file_format, "choice": payload["choice"]},
            )  # fmt: skip
        self._queue.put(job_id, REPORT, payload)
        return Done(id=job_id)
