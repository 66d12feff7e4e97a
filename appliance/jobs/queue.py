"""The durable work queue: a few threads that take jobs from the table, one lane for each sort of work.

A job survives `kill -9`: what was running is waiting again after a start, so handlers must be idempotent. A job that
fails for the box's sake (`retryable`, or not foreseen) is tried again with growing delay; one that fails for the
caller's sake is not.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from appliance.alerting import told
from appliance.errors import BoxError, CallboxError, StoreError
from appliance.events import LiveJob
from appliance.jobs.context import Context
from appliance.logs import get_logger
from appliance.store.models import Job
from appliance.store.repositories import jobs_queue
from appliance.types import Severity

UNFORESEEN_TRIES = 8
_LONGEST_WAIT_S = 300.0
_PROGRESS_INTERVAL_S = 0.25
_LOOK_AGAIN_S = 5.0  # another process may have put a job

log = get_logger()


class StoppedError(BoxError):
    """The service is stopping: the job is done after the next start."""

    def __init__(self) -> None:
        super().__init__("jobs.stopped", "The service stops; the work goes on after its next start.", retryable=True)


class Progress:
    """What a handler tells while it works, and where it hears that the service stops."""

    def __init__(self, context: Context, job: Job, stopping: threading.Event, *, shown: bool) -> None:
        self._context = context
        self._shown = shown
        self._job = job
        self._stopping = stopping
        self._told_s = float("-inf")
        self._seen = (0, 0)

    def check(self) -> None:
        """Raises StoppedError when the work should be left for later; call it every second or so."""
        if self._stopping.is_set():
            raise StoppedError

    def __call__(self, done: int, total: int, message: str = "") -> None:
        """Show how far the work is, at most four times a second."""
        self.check()
        self._seen = (done, total)
        now_s = self._context.clock.monotonic_s()
        if now_s - self._told_s >= _PROGRESS_INTERVAL_S:
            self._told_s = now_s
            self._tell("running", done, total, message, {})

    def ended(self, state: str, message: str, result: dict[str, Any]) -> None:
        """Show the end: `state` finished | failed, `result` the handler's or the error_id."""
        self._tell(state, *self._seen, message, result)

    def _tell(self, state: str, done: int, total: int, message: str, result: dict[str, Any]) -> None:
        if not self._shown:
            return
        event = LiveJob(
            job_id=self._job.id, kind=self._job.kind, done=done, total=total, state=state, message=message,
            result=result,
        )  # fmt: skip
        self._context.publish(f"job.{self._job.id}", event)


Handler = Callable[[dict[str, Any], Progress], dict[str, Any]]


@dataclass(frozen=True)
class Lane:
    """Threads that do some kinds of work; `niceness` keeps heavy work from slowing the rest of the box.

    Work that somebody waits for is `shown` as LiveJob events.
    """

    name: str
    handlers: dict[str, Handler]
    threads: int = 1
    niceness: int = 0
    shown: bool = False
    may_run: Callable[[], bool] = lambda: True
    """Asked before each job; work that may not be done now waits, and nothing is lost."""


def wait_s(tries: int) -> float:
    """Delay before the next try: 2 s, doubling up to five minutes."""
    return float(min(2.0 ** min(tries, 20), _LONGEST_WAIT_S))


class WorkQueue:
    """All lanes of one service. `start` once, `stop` once."""

    def __init__(self, context: Context, lanes: list[Lane]) -> None:
        self._context = context
        self._lanes = lanes
        self._stopping = threading.Event()
        self._news = {lane.name: threading.Event() for lane in lanes}
        self._threads: list[threading.Thread] = []
        self._busy: set[str] = set()  # ids of the jobs that really run
        self._unsettled = False  # the store failed when a job's end was to be written

    def start(self) -> None:
        """Take up what a killed service left running, then work."""
        now = self._context.clock.now()
        with self._context.store.write() as session:
            interrupted = jobs_queue.resume(session, now)
        if interrupted:
            log.info("jobs resumed", count=interrupted)
        for lane in self._lanes:
            for kind in lane.handlers:
                self._alert(kind, "", raised=False)  # a new chance; what fails again is said again
        for lane in self._lanes:
            for number in range(lane.threads):
                thread = threading.Thread(target=self._work, args=(lane,), name=f"{lane.name}-{number}", daemon=True)
                thread.start()
                self._threads.append(thread)

    def stop(self, timeout_s: float = 10.0) -> None:
        """Have the handlers stop at their next `Progress.check` and wait for them."""
        self._stopping.set()
        self.wake()
        for thread in self._threads:
            thread.join(timeout_s)

    def wake(self) -> None:
        """Look for new jobs now."""
        for news in self._news.values():
            news.set()

    def put(self, job_id: str, kind: str, payload: dict[str, Any], *, run_at: datetime | None = None,
            again: bool = False) -> None:  # fmt: skip
        """Ask for work (see `jobs_queue.put`) and wake its lane."""
        with self._context.store.read() as session:
            standing = session.get(Job, job_id)
        if standing is not None and standing.state != jobs_queue.FINISHED and not again:
            return  # asked for already: the usual case of a sweep, without a write
        with self._context.store.write() as session:
            jobs_queue.put(session, job_id, kind, payload, self._context.clock.now(), run_at=run_at, again=again)
        self.wake()

    # ---- one thread of a lane -----------------------------------------------------------------------------

    def _work(self, lane: Lane) -> None:
        if lane.niceness:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), lane.niceness)  # Linux: of this thread
        news = self._news[lane.name]
        while not self._stopping.is_set():
            news.clear()
            try:
                if self._unsettled:
                    self._settle()
                if not lane.may_run():
                    news.wait(_LOOK_AGAIN_S)
                    continue
                job = self._claim(lane)
                idle_s = self._idle_s(lane) if job is None else 0.0
                if job is not None:
                    self._do(lane, job)
            except StoreError as error:
                log.warning("queue waits for the store", lane=lane.name, error_id=error.error_id)
                self._unsettled = True
                idle_s = 1.0
            if idle_s:
                news.wait(idle_s)

    def _settle(self) -> None:
        with self._context.store.write() as session:
            jobs_queue.resume(session, self._context.clock.now(), but_not=self._busy)
        self._unsettled = False

    def _claim(self, lane: Lane) -> Job | None:
        with self._context.store.read() as session:
            due = jobs_queue.next_due(session, lane.handlers)
        if due is None or due > self._context.clock.now():
            return None  # most looks end here, without a write
        with self._context.store.write() as session:
            job = jobs_queue.claim(session, lane.handlers, self._context.clock.now())
            if job is not None:
                self._busy.add(job.id)  # before the commit: another lane must not take it for a dead one
            return job

    def _idle_s(self, lane: Lane) -> float:
        with self._context.store.read() as session:
            due = jobs_queue.next_due(session, lane.handlers)
        if due is None:
            return _LOOK_AGAIN_S
        return max(0.01, min(_LOOK_AGAIN_S, (due - self._context.clock.now()).total_seconds()))

    def _do(self, lane: Lane, job: Job) -> None:
        try:
            self._carry_out(lane, job, Progress(self._context, job, self._stopping, shown=lane.shown))
        finally:
            self._busy.discard(job.id)

    def _carry_out(self, lane: Lane, job: Job, progress: Progress) -> None:
        try:
            result = lane.handlers[job.kind](job.payload, progress)
        except StoppedError:
            return  # stays 'running'; `start` takes it up again
        except CallboxError as error:
            if error.retryable:
                self._set_back(job, f"{error.error_id}: {error.message}")
            else:
                self._give_up(job, error.error_id, error.message, progress)
        except Exception as error:  # one bad job must not end the lane
            log.exception("job failed", job=job.id, tries=job.tries)
            if job.tries < UNFORESEEN_TRIES:
                self._set_back(job, f"{type(error).__name__}: {error}")
            else:
                self._give_up(job, "box.internal", f"{type(error).__name__}: {error}", progress)
                self._alert(job.kind, f"{error} ({job.id})", raised=True)
        else:
            with self._context.store.write() as session:
                jobs_queue.finish(session, job.id, result, self._context.clock.now())
            progress.ended("finished", "", result)

    def _set_back(self, job: Job, error: str) -> None:
        delay_s = wait_s(job.tries)
        log.warning("job put back", job=job.id, tries=job.tries, again_in_s=delay_s, error=error)
        with self._context.store.write() as session:
            jobs_queue.set_back(session, job.id, error, self._context.clock.now() + timedelta(seconds=delay_s))

    def _give_up(self, job: Job, error_id: str, error: str, progress: Progress) -> None:
        log.error("job given up", job=job.id, tries=job.tries, error_id=error_id, error=error)
        with self._context.store.write() as session:
            jobs_queue.fail(session, job.id, error, self._context.clock.now())
        progress.ended("failed", error, {"error_id": error_id})

    def _alert(self, kind: str, error: str, *, raised: bool) -> None:
        alert = told(
            "job.failed", {"kind": kind, "error": f"{error}."}, key=f"job.{kind}.failed", severity=Severity.WARNING,
            raised=raised, at=self._context.clock.now(),
        )  # fmt: skip
        self._context.publish("alert", alert)
