"""The rows of `jobs` on both databases: audit chain under contention, queue, sessions, keys."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from appliance.errors import NotAllowedError
from appliance.jobs import audit
from appliance.store.db import Store
from appliance.store.models import Job, Recording, RecordingKey, Session, User
from appliance.store.repositories import jobs_queue, recordings, users
from appliance.types import LOCAL_ACTOR, Permission, Role

pytestmark = pytest.mark.integration
NOW = datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC)


def _in_threads(count: int, work: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=work, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


def test_the_audit_chain_holds_when_several_write_at_once(store: Store) -> None:
    def write(n: int) -> None:
        for m in range(10):
            with store.write() as session:
                audit.append(session, NOW, actor_id=f"user{n}", action="test", subject="x",
                             detail={"ж": m, "half": 0.1, "list": [1, None]})  # fmt: skip

    _in_threads(4, write)
    report = audit.verify(store)
    assert (report.entries, report.broken_at) == (40, None)


def test_a_job_is_claimed_once(store: Store) -> None:
    with store.write() as session:
        for n in range(20):
            jobs_queue.put(session, f"job{n:02}", "kind", {}, NOW)
        jobs_queue.put(session, "later", "kind", {}, NOW, run_at=NOW + timedelta(hours=1))
        jobs_queue.put(session, "other", "another kind", {}, NOW)
    claimed: list[str] = []

    def claim(_n: int) -> None:
        while True:
            with store.write() as session:
                job = jobs_queue.claim(session, ["kind"], NOW)
            if job is None:
                return
            claimed.append(job.id)

    _in_threads(4, claim)
    assert sorted(claimed) == [f"job{n:02}" for n in range(20)]
    with store.write() as session:
        assert jobs_queue.next_due(session, ["kind"]) == NOW + timedelta(hours=1)
        assert jobs_queue.resume(session, NOW, but_not=["job00"]) == 19


def test_asking_again_while_it_runs_has_it_done_once_more(store: Store) -> None:
    with store.write() as session:
        jobs_queue.put(session, "job", "kind", {"n": 1}, NOW)
        jobs_queue.put(session, "job", "kind", {"n": 2}, NOW)
        job = jobs_queue.claim(session, ["kind"], NOW)
        assert job is not None
        assert job.payload == {"n": 1}
        jobs_queue.put(session, "job", "kind", {"n": 3}, NOW, again=True)
        jobs_queue.finish(session, "job", {}, NOW)
    with store.read() as session:
        row = session.get_one(Job, "job")
        assert (row.state, row.payload) == ("waiting", {"n": 3})


def test_permissions_sessions_and_administrators(store: Store) -> None:
    with store.write() as session:
        for login, role, enabled in (("boss", Role.ADMINISTRATOR, True), ("gone", Role.ADMINISTRATOR, False),
                                     ("anna", Role.AGENT, True)):  # fmt: skip
            session.add(User(id=login, login=login, role=role, password_hash="", enabled=enabled, created_at=NOW))
        session.flush()
        for n in range(3):
            session.add(Session(token_hash=f"{n}", user_id="anna", created_at=NOW, expires_at=NOW + timedelta(hours=n)))
    with store.write() as session:
        assert users.administrators(session) == 1
        assert users.require(session, LOCAL_ACTOR, Permission.USERS_WRITE).role == Role.ADMINISTRATOR
        assert users.require(session, "anna", Permission.USERS_WRITE, Permission.AGENT_WORK).id == "anna"
        for actor_id, permission in (("anna", Permission.USERS_WRITE), ("gone", Permission.AGENT_WORK),
                                     ("", Permission.AGENT_WORK)):  # fmt: skip
            with pytest.raises(NotAllowedError):
                users.require(session, actor_id, permission)
        users.purge_sessions(session, NOW)
        assert session.scalar(select(func.count()).select_from(Session)) == 2
        users.end_sessions(session, "anna", keep_hash="2")
        assert session.scalars(select(Session.token_hash)).all() == ["2"]


def test_a_deleted_key_is_gone(store: Store) -> None:
    with store.write() as session:
        recordings.note(session, "r", conversation_id="c", attempt_id="c", started_at=NOW, spool_path="/x")
        session.add(RecordingKey(recording_id="r", wrapped_key="wrapped"))
    with store.write() as session:
        recordings.delete_key(session, "r")
    store.scrub()
    with store.read() as session:
        assert session.get(RecordingKey, "r") is None
        assert session.get_one(Recording, "r").started_at == NOW
