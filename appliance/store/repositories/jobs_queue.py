"""The durable queue of `jobs`: waiting, running, finished or failed rows. A job's id names the work, so that asking
twice for the same work (`archive-<recording>`) makes one job."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from appliance.store.models import Job

WAITING, RUNNING, FINISHED, FAILED = "waiting", "running", "finished", "failed"


def put(
    session: Session, job_id: str, kind: str, payload: dict[str, Any], now: datetime, *, run_at: datetime | None = None,
    again: bool = False,
) -> Job:  # fmt: skip
    """Ask for work. A job of this id that waits or runs stays as it is, unless `again` asks to do it (once more, with
    this payload and time); a finished one is done again; a failed one only with `again`."""
    job = session.get(Job, job_id)
    if job is None:
        job = Job(id=job_id, kind=kind, created_at=now)
    elif not again and job.state != FINISHED:
        return job
    job.payload, job.state, job.tries, job.error, job.result = payload, WAITING, 0, "", {}
    job.run_at, job.finished_at = run_at or now, None
    session.add(job)
    return job


def claim(session: Session, kinds: Iterable[str], now: datetime) -> Job | None:
    """Take the job that is due longest and mark it running; None when none is due."""
    query = (
        select(Job).where(Job.state == WAITING, Job.kind.in_(list(kinds)), Job.run_at <= now)
        .order_by(Job.run_at, Job.id).limit(1).with_for_update(skip_locked=True)
    )  # fmt: skip
    job = session.scalar(query)
    if job is not None:
        job.state, job.tries = RUNNING, job.tries + 1
    return job


def next_due(session: Session, kinds: Iterable[str]) -> datetime | None:
    """When the next waiting job of these kinds is due."""
    return session.scalar(select(func.min(Job.run_at)).where(Job.state == WAITING, Job.kind.in_(list(kinds))))


def finish(session: Session, job_id: str, result: dict[str, Any], now: datetime) -> None:
    """Note success, unless the job was asked for again in the meantime."""
    job = session.get(Job, job_id)
    if job is not None and job.state == RUNNING:
        job.state, job.result, job.error, job.finished_at = FINISHED, result, "", now


def set_back(session: Session, job_id: str, error: str, run_at: datetime) -> None:
    """Try again at `run_at`."""
    job = session.get(Job, job_id)
    if job is not None and job.state == RUNNING:
        job.state, job.error, job.run_at = WAITING, error, run_at


def fail(session: Session, job_id: str, error: str, now: datetime) -> None:
    """Give up."""
    job = session.get(Job, job_id)
    if job is not None and job.state == RUNNING:
        job.state, job.error, job.finished_at = FAILED, error, now


def resume(session: Session, now: datetime, *, but_not: Iterable[str] = ()) -> int:
    """What counts as running but is not (the service died under it) waits again; returns how many jobs."""
    interrupted = list(session.scalars(select(Job).where(Job.state == RUNNING, Job.id.not_in(list(but_not)))))
    for job in interrupted:
        job.state, job.run_at = WAITING, now
    return len(interrupted)


def retry_failed(session: Session, kind: str, now: datetime) -> None:
    """Give failed jobs of a kind a new chance."""
    session.execute(update(Job).where(Job.state == FAILED, Job.kind == kind).values(state=WAITING, tries=0, run_at=now))


def purge(session: Session, before: datetime) -> None:
    """Forget jobs that finished or failed before an instant."""
    session.execute(delete(Job).where(Job.state.in_((FINISHED, FAILED)), Job.finished_at < before))
