"""Backups as the service `jobs` has them: commands, jobs in the queue, and the plan of when each is due."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from appliance import commands
from appliance.commands import Command, Done
from appliance.domain.backups import TEST_EVERY
from appliance.domain.report_times import next_time
from appliance.errors import BoxError, CallboxError, CallerError, NotAllowedError
from appliance.events import LiveJob
from appliance.ids import new_id
from appliance.jobs import audit
from appliance.jobs.backup import copies, keys, restore, shelf, trial
from appliance.jobs.backup.archive import Archive
from appliance.jobs.context import Context
from appliance.jobs.queue import Progress, WorkQueue
from appliance.logs import get_logger
from appliance.settings import load_settings
from appliance.store.models import Job
from appliance.store.read import backups as read
from appliance.store.repositories import jobs_queue, users
from appliance.types import Permission

BACKUP, TRIAL, COPY = "backup", "backup_test", "backup_copy"
"""Kinds of jobs; payload of BACKUP {why}, the others need none."""

_SCHEDULED, _BY_HAND, _TEST, _COPY = "backup-schedule", "backup-hand", "backup-test", "backup-copy"
_SUNDAY = 7
_NICENESS = 10

log = get_logger()


class Backups:
    """Answers the commands about backups and does what is due."""

    def __init__(self, context: Context, queue: WorkQueue) -> None:
        self._context, self._queue = context, queue
        self._home = context.home
        self._one_at_a_time = threading.Lock()

    def register(self) -> None:
        """Put backup and update into the console's menu (console.entries)."""
        self._home.console_entries.mkdir(parents=True, exist_ok=True)
        for name, title in (("backup", "Backup now"), ("update", "Update state")):
            entry = {"name": name, "title": title, "changes": name == "backup",
                     "command": [sys.executable, "-P", "-m", "appliance.cli", name]}  # fmt: skip
            (self._home.console_entries / f"{name}.json").write_text(json.dumps(entry), "utf-8")

    def handlers(self) -> dict[type[Command], Callable[[Any], Done]]:
        """Command -> what answers it."""
        return {
            commands.SetBackupPassphrase: self.set_passphrase, commands.MakeBackup: self.make,
            commands.TryBackup: self.try_, commands.RemoveBackup: self.remove, commands.AdoptBackup: self.adopt,
            commands.FetchBackup: self.fetch, commands.RestoreBackup: self.restore,
            commands.CancelRestore: self.cancel,
        }  # fmt: skip

    # ---- commands --------------------------------------------------------------------------------------------

    def set_passphrase(self, command: commands.SetBackupPassphrase) -> Done:
        """Raises CallerError `backup.short_passphrase`."""
        self._allowed(command)
        keys.keep(self._home, keys.new_key(command.passphrase))
        self._audit(command, "backup.passphrase", "box")
        if read.state(self._home).since is None:
            shelf.note_state(self._home, since=self._context.clock.now())
        self.plan()
        return Done()

    def make(self, command: commands.MakeBackup) -> Done:
        """Raises CallerError `backup.no_passphrase`."""
        self._allowed(command)
        keys.needed(self._home)
        self._audit(command, "backup.asked", "box")
        self._queue.put(_BY_HAND, BACKUP, {"why": shelf.HAND}, again=True)
        return Done(id=_BY_HAND)

    def remove(self, command: commands.RemoveBackup) -> Done:
        """Raises NotFoundError `backup.unknown`."""
        self._allowed(command)
        path = shelf.find(self._home, command.name)
        self._audit(command, "backup.removed", f"backup:{path.name}")
        shelf.remove(path)
        return Done(id=path.name)

    def adopt(self, command: commands.AdoptBackup) -> Done:
        """Raises CallerError `backup.not_a_backup`, NotAllowedError `backup.no_upload`."""
        self._allowed(command)
        given = Path(command.path).resolve()
        if not given.is_relative_to(self._home.uploads) or not given.is_file():
            raise NotAllowedError("backup.no_upload", "This is not a file that was uploaded here; send it again.")
        kept = shelf.adopt(self._home, given)
        self._audit(command, "backup.uploaded", f"backup:{kept.name}")
        return Done(id=kept.name)

    def fetch(self, command: commands.FetchBackup) -> Done:
        """Raises NotFoundError `backup.unknown`."""
        self._allowed(command)
        path = shelf.find(self._home, command.name)
        self._audit(command, "backup.downloaded", f"backup:{path.name}")
        return Done(id=path.name, data={"path": str(path)})

    def try_(self, command: commands.TryBackup) -> Done:
        """Raises CallerError as opening does; the test itself goes on by itself."""
        self._allowed(command)
        path = shelf.find(self._home, command.name)
        with Archive(path, command.passphrase, key=keys.kept(self._home)) as archive:
            key = archive.key
        self._audit(command, "backup.tested", f"backup:{path.name}")
        return self._aside(TRIAL, lambda step: self._try(path, key, step))

    def restore(self, command: commands.RestoreBackup) -> Done:
        """Raises CallerError as opening does: a wrong passphrase is told at once."""
        who = self._allowed(command)
        path = shelf.find(self._home, command.name)
        archive = Archive(path, command.passphrase, key=keys.kept(self._home))
        try:
            restore.check_version(archive.manifest)
            self._audit(command, "backup.restore", f"backup:{path.name}")
        except BaseException:
            archive.close()
            raise

        def work(step: Callable[[int, int], None]) -> dict[str, Any]:
            with archive:
                manifest = restore.prepare(self._home, self._context.settings, archive, by=who, step=step)
            return {"rows": manifest.rows, "made_at": manifest.made_at, "restarts": self._restart(who)}

        return self._aside("restore", work)

    def cancel(self, command: commands.CancelRestore) -> Done:
        """Raises CallerError `backup.nothing_ready`."""
        self._allowed(command)
        if not restore.is_ready(self._home):
            raise CallerError("backup.nothing_ready", "No restore waits.")
        restore.forget(self._home)
        self._audit(command, "backup.restore_cancelled", "box")
        return Done()

    def _restart(self, actor_id: str) -> bool:
        """Start the box anew; `callbox run` sees by itself that a restore is ready. False: nobody does."""
        try:
            self._context.doors.root("reboot", actor_id, {})
        except CallerError as error:
            if error.error_id != "box.not_a_device":
                raise
            return (self._home.run / "run.pid").exists()
        return True

    def _allowed(self, command: commands.UserCommand) -> str:
        with self._context.store.read() as session:
            users.require(session, command.actor_id, Permission.BOX_MAINTAIN)
        return command.actor_id

    def _audit(self, command: commands.UserCommand, action: str, subject: str) -> None:
        with self._context.store.write() as session:
            audit.append(
                session, self._context.clock.now(), actor_id=command.actor_id, actor_address=command.actor_address,
                action=action, subject=subject,
            )  # fmt: skip

    def _aside(self, kind: str, work: Callable[[Callable[[int, int], None]], dict[str, Any]]) -> Done:
        """Do it in a thread, shown as a job: what needs a passphrase is never written into the queue."""
        if not self._one_at_a_time.acquire(blocking=False):
            raise CallerError("backup.busy", "A backup is being tested or restored already. Wait for its end.")
        job_id = new_id()

        def tell(state: str, done: int = 0, total: int = 0, message: str = "", **result: Any) -> None:
            event = LiveJob(
                job_id=job_id, kind=kind, done=done, total=total, state=state, message=message, result=result
            )
            self._context.publish(f"job.{job_id}", event)

        def run() -> None:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
            try:
                found = work(lambda done, total: tell("running", done, total))
                tell("finished", **found)
            except CallboxError as error:
                log.warning("not done", kind=kind, error_id=error.error_id, error=error.message)
                tell("failed", message=error.message, error_id=error.error_id)
            except Exception as error:  # what is shown must end
                log.exception("not done", kind=kind)
                tell("failed", message=f"{type(error).__name__}: {error}", error_id="box.internal")
            finally:
                self._one_at_a_time.release()

        threading.Thread(target=run, name=kind, daemon=True).start()
        return Done(id=job_id)

    # ---- jobs ------------------------------------------------------------------------------------------------

    def run_backup(self, payload: dict[str, Any], progress: Progress) -> dict[str, Any]:
        """Make one, take away those whose time is over, have it copied."""
        path = self.make_now(str(payload.get("why") or shelf.HAND), lambda done, total: progress(done, total))
        settings = load_settings(self._home)
        gone = shelf.rotate(self._home, settings.backup, ZoneInfo(settings.dialling.timezone))
        if settings.backup.copy_to:
            self._queue.put(_COPY, COPY, {}, again=True)
        return {"name": path.name, "bytes": path.stat().st_size, "removed": gone}

    def make_now(self, why: str, step: Callable[[int, int], None] = lambda *_: None) -> Path:
        """Make one at once and note how it went. Raises CallboxError."""
        context = self._context
        now = context.clock.now()
        try:
            return shelf.make(
                self._home, context.settings, context.store, keys.needed(self._home), now, why=why, step=step
            )
        except CallboxError as error:
            if error.error_id != "jobs.stopped":
                shelf.note_state(self._home, error=error.message, error_at=now)
            raise

    def run_trial(self, _payload: dict[str, Any], progress: Progress) -> dict[str, Any]:
        """The weekly restore test, of the newest backup that the box made with its present key."""
        path = self._newest()
        return {} if path is None else self._try(path, keys.needed(self._home), lambda a, b: progress(a, b))

    def _newest(self) -> Path | None:
        names = (one.name for one in read.backups(self._home) if one.why != shelf.UPLOAD)
        return next((self._home.backups / name for name in names), None)

    def _try(self, path: Path, key: keys.BackupKey, step: Callable[[int, int], None]) -> dict[str, Any]:
        now = self._context.clock.now()
        try:
            found = trial.run(self._home, self._context.settings, path, now, key=key, step=step)
        except CallboxError as error:
            if error.error_id != "jobs.stopped":
                shelf.note(path, test="failed", tested_at=now.isoformat(), test_message=error.message)
                shelf.note_state(self._home, last_test_at=now, test_error=error.message)
            raise
        shelf.note(path, test="good", tested_at=now.isoformat(), test_message="", rows=found.rows)
        shelf.note_state(self._home, last_test_at=now, test_error="")
        log.info("backup tested", file=path.name, rows=found.rows, files=found.files, keys=found.keys_opened,
                 elapsed_s=found.elapsed_s)  # fmt: skip
        return {"rows": found.rows, "files": found.files, "keys_opened": found.keys_opened,
                "elapsed_s": found.elapsed_s}  # fmt: skip

    def run_copy(self, _payload: dict[str, Any], progress: Progress) -> dict[str, Any]:
        """Copy what was not copied yet. Raises BoxError `copy.failed` (tried again, later and later)."""
        settings = load_settings(self._home).backup
        to = copies.place(settings)
        if to is None:
            return {}
        try:
            sent = [one for one in read.backups(self._home) if not one.copied]
            for one in sent:
                progress.check()
                path = self._home.backups / one.name
                to.put(path, f"backups/{one.name}")
                shelf.note(path, copied=True)
            recordings = self._copy_recordings(settings.copy_to, to, progress) if settings.recordings else 0
        except BoxError as error:
            if error.error_id != "jobs.stopped":
                shelf.note_state(self._home, copy_error=error.message, copy_error_id=error.error_id)
            raise
        shelf.note_state(self._home, copy_error="")
        return {"backups": len(sent), "recordings": recordings}

    def _copy_recordings(self, target: str, to: copies.Place, progress: Progress) -> int:
        told = read.plain(read.state_file(self._home))
        known = told if told.get("recordings_target") == target else {}
        begun = int(known.get("recordings_copied") or 0)
        count = 0

        def done(at: datetime, recording_id: str) -> None:
            nonlocal count
            count += 1
            shelf.note_state(
                self._home, recordings_target=target, recordings_at=at, recordings_last=recording_id,
                recordings_copied=begun + count,
            )  # fmt: skip
            progress.check()

        after = (read.instant(known, "recordings_at"), str(known.get("recordings_last") or ""))
        return copies.copy_recordings(self._context.store, self._home.archive, to, after, done)

    # ---- the plan ----------------------------------------------------------------------------------------------

    def plan(self) -> None:
        """Have the queue know when the next backup and the next test are due; safe to call often."""
        settings = load_settings(self._home)
        state = read.state(self._home)
        now = self._context.clock.now()
        due = None
        if state.has_passphrase:
            zone = ZoneInfo(settings.dialling.timezone)
            due = next_time(settings.backup.every, settings.backup.at_time, _SUNDAY, zone, now)
        if self._due(_SCHEDULED, BACKUP, {"why": shelf.SCHEDULE}, due, now) and due != state.next_at:
            shelf.note_state(self._home, next_at=due)
        test_at = None
        if state.has_passphrase and self._newest() is not None:
            test_at = state.last_test_at + TEST_EVERY if state.last_test_at else now
        self._due(_TEST, TRIAL, {}, test_at, now)
        if settings.backup.copy_to:
            self._due(_COPY, COPY, {}, now + timedelta(hours=1), now)

    def _due(self, job_id: str, kind: str, payload: dict[str, Any], at: datetime | None, now: datetime) -> bool:
        """Put the job at its time unless it runs, is due or is tried again; True when its time is as it should be."""
        with self._context.store.read() as session:
            job = session.get(Job, job_id)
        waits = job is not None and job.state == jobs_queue.WAITING
        if job is not None and (job.state == jobs_queue.RUNNING or (waits and (job.tries or job.run_at <= now))):
            return False
        if at is None:
            if waits:
                with self._context.store.write() as session:
                    session.delete(session.get_one(Job, job_id))
            return True
        if not waits or (kind != COPY and job is not None and job.run_at != at):
            self._queue.put(job_id, kind, payload, run_at=at, again=True)
        return True
