"""The durable queue over a real database: what is tried again, what is not, what a stop leaves."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from appliance import commands
from appliance.clock import ManualClock, SystemClock
from appliance.errors import BoxError, CallerError
from appliance.events import LiveAlert, LiveJob
from appliance.jobs import queue as queue_module
from appliance.jobs.context import Context
from appliance.jobs.office import Office
from appliance.jobs.provisioning import Provisioning
from appliance.jobs.queue import Handler, Lane, Progress, WorkQueue
from appliance.store.models import Job
from appliance.types import LOCAL_ACTOR
from tests.integration.jobs.boxes import START, Shown, new_context
from tests.integration.jobs.service import SeatFile, until

pytestmark = pytest.mark.integration


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    monkeypatch.setattr(queue_module, "wait_s", lambda _tries: 0.01)
    return new_context(tmp_path / "home", clock=SystemClock())


def _job(context: Context, job_id: str) -> Job:
    with context.store.read() as session:
        return session.get_one(Job, job_id)


def _working(context: Context, handler: Handler) -> WorkQueue:
    queue = WorkQueue(context, [Lane("lane", {"kind": handler}, shown=True)])
    queue.start()
    return queue


def _events(context: Context, kind: type) -> list[Any]:
    assert isinstance(context.publish, Shown)
    return [event for _, event in context.publish if isinstance(event, kind)]


def test_the_boxs_failures_are_tried_again_until_done(context: Context) -> None:
    tries: list[int] = []

    def handler(payload: dict[str, Any], progress: Progress) -> dict[str, Any]:
        tries.append(payload["n"])
        progress(1, 2)
        if len(tries) < 12:  # more often than unforeseen errors would be tried
            raise BoxError("disk.full", "full", retryable=True)
        return {"made": "it"}

    queue = _working(context, handler)
    queue.put("job", "kind", {"n": 7})
    until(lambda: _job(context, "job").state == "finished")
    queue.stop()
    job = _job(context, "job")
    assert (job.tries, job.result, tries) == (12, {"made": "it"}, [7] * 12)
    ended = _events(context, LiveJob)[-1]
    assert (ended.state, ended.result, ended.done, ended.total) == ("finished", {"made": "it"}, 1, 2)


def test_the_callers_mistakes_are_not(context: Context) -> None:
    def handler(_payload: dict[str, Any], _progress: Progress) -> dict[str, Any]:
        raise CallerError("import.wrong_file_type", "This is a picture.")

    queue = _working(context, handler)
    queue.put("job", "kind", {})
    until(lambda: _job(context, "job").state == "failed")
    queue.put("job", "kind", {})  # asked again: it stays as it is
    queue.stop()
    assert (_job(context, "job").tries, _job(context, "job").error) == (1, "This is a picture.")
    assert _events(context, LiveJob)[-1].result == {"error_id": "import.wrong_file_type"}
    assert not [alert for alert in _events(context, LiveAlert) if alert.raised]


def test_a_bug_ends_one_job_after_eight_tries_and_no_lane(context: Context) -> None:
    def handler(payload: dict[str, Any], _progress: Progress) -> dict[str, Any]:
        return {"half": 1 / payload["n"]}

    queue = _working(context, handler)
    queue.put("bad", "kind", {"n": 0})
    until(lambda: _job(context, "bad").state == "failed")
    queue.put("good", "kind", {"n": 2})
    until(lambda: _job(context, "good").state == "finished")
    queue.stop()
    assert _job(context, "bad").tries == queue_module.UNFORESEEN_TRIES
    assert [alert.key for alert in _events(context, LiveAlert) if alert.raised] == ["job.kind.failed"]


def test_a_stop_leaves_the_work_for_the_next_start(context: Context) -> None:
    begun = threading.Event()

    def endless(_payload: dict[str, Any], progress: Progress) -> dict[str, Any]:
        begun.set()
        while True:
            progress.check()

    first = _working(context, endless)
    first.put("job", "kind", {})
    assert begun.wait(10)
    first.stop()
    assert _job(context, "job").state == "running"
    second = _working(context, lambda _payload, _progress: {})
    until(lambda: _job(context, "job").state == "finished")
    second.stop()


def test_a_browser_phones_password_runs_out(tmp_path: Path) -> None:
    clock = ManualClock(START)
    context = new_context(tmp_path / "home", clock=clock)
    office, seats = Office(context), SeatFile(context.home.root / "seats.json")
    office.handle(commands.SaveSeat(actor_id=LOCAL_ACTOR, id="101", phone="browser"))
    asked = commands.SeatPhoneCredentials(actor_id=LOCAL_ACTOR, seat_id="101")
    first = office.handle(asked).data
    clock.advance(5 * 3600)
    assert office.handle(asked).data == first
    clock.advance(2 * 3600)  # less than half of its twelve hours is left
    second = office.handle(asked).data
    assert second["password"] != first["password"]
    assert seats.known()["101"] == second["password"]
    Provisioning(context).expire_seat_credentials("101")
    assert seats.known()["101"] == second["password"]  # not yet
    clock.advance(timedelta(hours=12).total_seconds())
    Provisioning(context).expire_seat_credentials("101")
    assert seats.known()["101"] not in (first["password"], second["password"])
