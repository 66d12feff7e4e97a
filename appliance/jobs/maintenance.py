"""What is done once a day: expired recordings deleted, old sessions, jobs and export files forgotten."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from appliance.jobs import api_requests, audit, contact_merges, webhooks
from appliance.jobs.context import Context
from appliance.jobs.queue import Progress, WorkQueue
from appliance.jobs.reports import EXPORT_PREFIX
from appliance.jobs.retention import Retention
from appliance.logs import get_logger
from appliance.store.repositories import jobs_queue, users

MAINTENANCE = "maintenance"
"""Kind and id of the one daily job."""

ACTOR = "jobs"
_JOBS_KEPT = timedelta(days=7)
_EXPORTS_KEPT_S = 86400.0
_UPLOADS_KEPT_S = 7 * 86400.0

log = get_logger()


class Maintenance:
    """The handler asks `queue` for the next day's run when it is done."""

    def __init__(self, context: Context, queue: WorkQueue) -> None:
        self._context = context
        self._queue = queue

    def run(self, _payload: dict[str, Any], progress: Progress) -> dict[str, Any]:
        """The job's handler."""
        now = self._context.clock.now()
        retention = Retention(self._context)
        retention.sweep_files()
        found = retention.run(ACTOR, "", dry_run=False, go_on=progress.check)
        with self._context.store.write() as session:
            users.purge_sessions(session, now)
            jobs_queue.purge(session, now - _JOBS_KEPT)
            api_requests.purge(session, self._context)
            webhooks.purge(session, now)
            contact_merges.forget(session, now)
        self._remove_old_files()
        chain = audit.verify(self._context.store)
        if chain.broken_at is not None:
            log.error("audit log was changed", line=chain.broken_at, reason=chain.reason)
        else:
            log.info("audit log verified", lines=chain.entries, head=chain.head_hash)
        self._queue.put(MAINTENANCE, MAINTENANCE, {}, run_at=now + timedelta(days=1), again=True)
        return {"deleted": found["deleted"], "on_hold": found["on_hold"]}

    def _remove_old_files(self) -> None:
        """Exports after a day, uploaded lists after a week: both hold customers' data."""
        now_s = self._context.clock.now().timestamp()
        for path in self._context.home.uploads.iterdir():
            kept_s = _EXPORTS_KEPT_S if path.name.startswith(EXPORT_PREFIX) else _UPLOADS_KEPT_S
            if path.is_file() and now_s - path.stat().st_mtime > kept_s:
                path.unlink(missing_ok=True)
