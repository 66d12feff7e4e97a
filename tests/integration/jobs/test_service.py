"""The whole service over the real bus: a call's events to a verified archive, killed in between; lists; reports."""

from __future__ import annotations

import base64
import csv
import io
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from appliance import commands
from appliance.errors import NotAllowedError
from appliance.events import (
    Bridged,
    ConversationEnded,
    ConversationEvent,
    LiveAlert,
    LiveJob,
    RecordingArchived,
    RecordingClosed,
    RecordingStarted,
)
from appliance.settings import load_settings, save_settings
from appliance.store.models import Job, Lead, Recording
from appliance.store.sealed import SealedReader
from appliance.thread_bus import ThreadBus
from appliance.types import LOCAL_ACTOR
from tests.integration.jobs.service import RATE_HZ, Service, ask, connected, new_service, tones, until, write_spool

pytestmark = pytest.mark.integration


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    one = new_service(tmp_path / "box")
    one.start_bus()
    one.start()
    yield one
    one.close()


@pytest.fixture
def bus(service: Service) -> Iterator[ThreadBus]:
    one = connected(service)
    yield one
    one.close()


def _about(conversation_id: str) -> dict[str, object]:
    return {"conversation_id": conversation_id, "attempt_id": conversation_id, "campaign_id": "",
            "started_at_unix_s": time.time()}  # fmt: skip


def _events(conversation_id: str, spool: Path, frames: int) -> list[ConversationEvent]:
    def made(kind: type[ConversationEvent], seq: int, **fields: object) -> ConversationEvent:
        return kind(
            conversation_id=conversation_id, attempt_id=conversation_id, seq=seq, at_unix_s=time.time(), **fields
        )  # type: ignore[arg-type]

    recording = {"recording_id": spool.stem, "spool_path": str(spool)}
    return [
        made(RecordingStarted, 1, **recording), made(Bridged, 2, seat_id="101", agent_id="anna"),
        made(RecordingClosed, 3, frames=frames, **recording), made(ConversationEnded, 4, reason="hangup"),
    ]  # fmt: skip


def _archived(service: Service, recording_id: str) -> Recording | None:
    with service.store().read() as session:
        row = session.get(Recording, recording_id)
    return row if row is not None and row.state == "archived" else None


def _archives(service: Service, state: str) -> int:
    with service.store().read() as session:
        return session.query(Job).where(Job.kind == "archive", Job.state == state).count()


def _frames(bus: ThreadBus, recording_id: str) -> int:
    ticket = ask(bus, commands.OpenRecording(actor_id=LOCAL_ACTOR, recording_id=recording_id)).data
    with SealedReader(Path(ticket["path"]), base64.b64decode(ticket["key_b64"])) as reader:
        return int(soundfile.info(io.BytesIO(reader.read(0, reader.size))).frames)


def test_a_calls_events_lead_to_a_verified_archive(service: Service, bus: ThreadBus) -> None:
    told: list[RecordingArchived] = []
    bus.subscribe_live("recording", lambda _topic, event: told.append(event))
    spool = write_spool(service.home, "rec1", tones(3), **_about("conv1"))
    for event in _events("conv1", spool, 3 * RATE_HZ):
        bus.publish_event(event)
    until(lambda: told == [RecordingArchived(recording_id="rec1", conversation_id="conv1")])
    row = _archived(service, "rec1")
    assert row is not None
    assert (row.agent_id, row.seat_id, row.duration_s) == ("anna", "101", 3.0)
    assert _frames(bus, "rec1") == 3 * RATE_HZ
    assert not spool.exists()


def test_killed_with_work_in_hand_it_goes_on_where_it_was(service: Service, bus: ThreadBus) -> None:
    names = [f"rec{n}" for n in range(5)]
    for name in names:
        spool = write_spool(service.home, name, tones(30), **_about(f"conv-{name}"))
        for event in _events(f"conv-{name}", spool, 30 * RATE_HZ):
            bus.publish_event(event)
    until(lambda: _archived(service, names[0]))
    until(lambda: _archives(service, "running"))  # not between two of them
    assert service.stop(signal.SIGKILL) == -signal.SIGKILL
    assert _archives(service, "finished") < len(names)
    service.start()
    until(lambda: all(_archived(service, name) for name in names))
    assert {_frames(bus, name) for name in names} == {30 * RATE_HZ}
    until(lambda: not list(service.home.spool.iterdir()))
    assert "jobs resumed" in service.log()
    assert {path.suffix for path in service.home.archive.rglob("*") if path.is_file()} == {".cbr"}


def test_a_spool_left_by_a_power_cut_is_found_and_archived(tmp_path: Path) -> None:
    service = new_service(tmp_path / "box")
    spool = write_spool(service.home, "orphan", tones(2), **_about("gone"))
    os.truncate(spool, spool.stat().st_size - 3)
    os.utime(spool, (time.time() - 60,) * 2)
    service.start_bus()
    service.start()
    bus = connected(service)
    try:
        until(lambda: _archived(service, "orphan"))
        assert _frames(bus, "orphan") == 2 * RATE_HZ - 1
    finally:
        bus.close()
        service.close()


def test_a_list_is_imported_with_progress_and_reported(service: Service, bus: ThreadBus) -> None:
    ends: dict[str, LiveJob] = {}

    def note(_topic: str, event: LiveJob) -> None:
        if event.state != "running":
            ends[event.job_id] = event

    bus.subscribe_live("job.*", note)
    path = service.home.uploads / "list.csv"
    path.write_text("name,phone\nAnna,13800138000\nBoris,138 0013 8001\nNobody,hello\n", "utf-8")
    seen = ask(bus, commands.InspectList(actor_id=LOCAL_ACTOR, path=str(path), file_name="list.csv")).data
    assert (seen["columns"], seen["mapping"]["phone"], len(seen["sample"])) == (["name", "phone"], "phone", 3)
    asked = commands.ImportList(actor_id=LOCAL_ACTOR, path=str(path), file_name="list.csv", campaign_name="Spring",
                                dry_run=False)  # fmt: skip
    import_id = ask(bus, asked).id
    assert import_id
    until(lambda: import_id in ends)
    result = ends[import_id].result
    assert (ends[import_id].state, result["accepted"], result["rejected"]) == ("finished", 2, 1)
    with service.store().read() as session:
        assert session.query(Lead).count() == 2

    elsewhere = commands.ImportList(actor_id=LOCAL_ACTOR, path=str(service.home.secrets_file), file_name="x",
                                    campaign_name="Spring")  # fmt: skip
    with pytest.raises(NotAllowedError):
        ask(bus, elsewhere)

    export = commands.ExportReport(actor_id=LOCAL_ACTOR, report="campaign", campaign_id=result["campaign_id"])
    job_id = ask(bus, export).id
    until(lambda: job_id in ends)
    assert job_id
    with Path(ends[job_id].result["path"]).open(encoding="utf-8-sig", newline="") as handle:
        figures = dict(csv.reader(handle))
    assert (figures["campaign_name"], figures["rows"], figures["rejected"], figures["attempts"]) == (
        "Spring", "3", "1", "0",
    )  # fmt: skip

    missing = ask(bus, commands.ExportReport(actor_id=LOCAL_ACTOR, report="attempts", campaign_id="none")).id
    until(lambda: missing in ends)
    assert missing
    assert (ends[missing].state, ends[missing].result) == ("failed", {"error_id": "campaign.unknown"})


def test_the_disk_reserve_is_told_until_there_is_room_again(service: Service) -> None:
    service.stop()
    settings = load_settings(service.home)
    save_settings(service.home, {"recording": {"reserve_mb": 1_000_000}})
    heard: list[tuple[bool, str]] = []

    def note(_topic: str, event: object) -> None:
        if isinstance(event, LiveAlert):
            heard.append((event.raised, event.key))

    bus = ThreadBus(settings.bus, name="listener")
    bus.connect()
    bus.subscribe_live("alert", note)
    try:
        service.start()
        until(lambda: (True, "disk.reserve") in heard)
        service.stop()
        save_settings(service.home, {"recording": {"reserve_mb": 16}})
        service.start()
        until(lambda: heard[-1] == (False, "disk.reserve"))
    finally:
        bus.close()


def test_log_in_stays_quick_while_the_archive_works(service: Service, bus: ThreadBus) -> None:
    """No figure of speed: only that log-ins are answered while archiving goes on."""
    ask(bus, commands.SaveUser(actor_id=LOCAL_ACTOR, login="anna", role="agent", password="a long enough one"))
    for n in range(3):
        spool = write_spool(service.home, f"long{n}", tones(30), **_about(f"conv{n}"))
        for event in _events(f"conv{n}", spool, 220 * RATE_HZ):
            bus.publish_event(event)
    until(lambda: (service.home.archive / "long0.new").exists())
    assert ask(bus, commands.LogIn(login="anna", password="a long enough one")).data["role"] == "agent"
    assert not all(_archived(service, f"long{n}") for n in range(3))
    until(lambda: all(_archived(service, f"long{n}") for n in range(3)), 60)
