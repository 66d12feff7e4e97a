"""From spool to archive and away again, over a real database and a real disk: also killed, full, cut short."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from appliance import commands
from appliance.clock import ManualClock
from appliance.errors import BoxError, CallerError, NotFoundError
from appliance.events import Bridged, ConversationEnded, RecordingArchived, RecordingClosed, RecordingStarted
from appliance.jobs.archive import Archive
from appliance.jobs.context import Context
from appliance.jobs.intake import Intake
from appliance.jobs.office import Office
from appliance.jobs.retention import Retention
from appliance.jobs.tickets import Tickets
from appliance.store.models import Recording, RecordingKey
from appliance.store.repositories import recordings
from appliance.store.sealed import SealBrokenError, SealedReader
from appliance.types import LOCAL_ACTOR
from tests.integration.jobs.boxes import START, Shown, new_context
from tests.integration.jobs.service import RATE_HZ, tones, write_spool

pytestmark = pytest.mark.integration

ABOUT = {"conversation_id": "conv", "attempt_id": "conv", "campaign_id": "", "started_at_unix_s": START.timestamp()}


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return new_context(tmp_path / "home")


def _row(context: Context, recording_id: str) -> Recording:
    with context.store.read() as session:
        return recordings.get(session, recording_id)


def _plain(context: Context, recording_id: str) -> bytes:
    """The Ogg file as the web would get it: by a ticket."""
    ticket = Tickets(context).open_recording(
        commands.OpenRecording(actor_id=LOCAL_ACTOR, recording_id=recording_id, purpose="export")
    ).data  # fmt: skip
    with SealedReader(Path(ticket["path"]), base64.b64decode(ticket["key_b64"])) as reader:
        return reader.read(0, ticket["size_bytes"])


def _level_db(samples: npt.NDArray[np.float64], hz: float) -> float:
    """Level of one frequency in a second of sound, dB of full scale."""
    window = np.hanning(len(samples))
    spectrum = np.abs(np.fft.rfft(samples * window)) / window.sum() * 2
    return float(20 * np.log10(spectrum[round(hz * len(samples) / RATE_HZ)] + 1e-12))


def test_both_sides_come_out_of_the_archive_apart(context: Context) -> None:
    spool = write_spool(context.home, "rec1", tones(7.3), **ABOUT)
    assert Archive(context).archive("rec1")
    row, ogg = _row(context, "rec1"), _plain(context, "rec1")
    samples, rate = soundfile.read(io.BytesIO(ogg))
    assert (rate, samples.shape) == (RATE_HZ, (int(7.3 * RATE_HZ), 2))
    second = samples[2 * RATE_HZ : 3 * RATE_HZ]
    for side, own_hz, other_hz in ((0, 440, 1000), (1, 1000, 440)):
        assert _level_db(second[:, side], own_hz) == pytest.approx(20 * np.log10(8000 / 32768), abs=1.0)
        assert _level_db(second[:, side], other_hz) < _level_db(second[:, side], own_hz) - 40
    assert (row.state, row.duration_s, row.sha256) == ("archived", 7.3, hashlib.sha256(ogg).hexdigest())
    assert row.size_bytes == len(ogg)
    assert row.archive_path == "2026-03/rec1.cbr"
    assert row.expires_at == START + timedelta(days=180)
    assert len(row.peaks["left"]) == len(row.peaks["right"]) == 73
    assert row.peaks["per_s"] == 10
    assert max(row.peaks["left"]) == pytest.approx(8000 / 32768, abs=0.01)
    assert not spool.exists()
    assert not spool.with_suffix(".json").exists()
    assert isinstance(context.publish, Shown)
    assert ("recording", RecordingArchived(recording_id="rec1", conversation_id="conv")) in context.publish


def test_the_file_on_disk_holds_no_sound_in_the_clear(context: Context) -> None:
    write_spool(context.home, "rec1", tones(2), **ABOUT)
    Archive(context).archive("rec1")
    ogg = _plain(context, "rec1")
    on_disk = (context.home.archive / "2026-03/rec1.cbr").read_bytes()
    assert b"OggS" not in on_disk
    assert ogg[64:96] not in on_disk
    with context.store.read() as session:
        wrapped = session.get_one(RecordingKey, "rec1").wrapped_key
    ticket = Tickets(context).open_recording(commands.OpenRecording(actor_id=LOCAL_ACTOR, recording_id="rec1"))
    assert ticket.data["key_b64"] not in wrapped


def test_archiving_again_changes_nothing(context: Context) -> None:
    write_spool(context.home, "rec1", tones(1), **ABOUT)
    archive = Archive(context)
    archive.archive("rec1")
    before = _row(context, "rec1")
    assert archive.archive("rec1")
    assert _row(context, "rec1").sha256 == before.sha256


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_spool_cut_within_a_frame_is_archived_up_to_the_last_full_one(context: Context, cut: int) -> None:
    path = write_spool(context.home, "rec1", tones(1), **ABOUT)
    os.truncate(path, path.stat().st_size - cut)
    Archive(context).archive("rec1")
    assert round(_row(context, "rec1").duration_s * RATE_HZ) == RATE_HZ - 1


def test_a_spool_without_sidecar_or_sound_or_header_is_archived_too(context: Context) -> None:
    archive = Archive(context)
    write_spool(context.home, "alone", tones(1))
    write_spool(context.home, "silent", tones(0), **ABOUT)
    (context.home.spool / "headless.au").write_bytes(b".sn")
    (context.home.spool / "headless.json").write_text("{ not json")
    assert all(archive.archive(name) for name in ("alone", "silent", "headless"))
    assert _row(context, "alone").conversation_id == "alone"
    assert _row(context, "silent").duration_s == 0.0
    assert len(_plain(context, "headless")) > 0


def test_a_tampered_archive_is_not_played_and_a_spool_replaces_it(context: Context) -> None:
    write_spool(context.home, "rec1", tones(1), **ABOUT)
    archive = Archive(context)
    archive.archive("rec1")
    path = context.home.archive / _row(context, "rec1").archive_path
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(SealBrokenError):
        _plain(context, "rec1")
    write_spool(context.home, "rec1", tones(1), **ABOUT)  # as if the spool had not gone yet
    archive.archive("rec1")
    assert len(_plain(context, "rec1")) == _row(context, "rec1").size_bytes


# ---- killed ------------------------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from pathlib import Path
from appliance.jobs import archive
from appliance.jobs.spool import Spool
from appliance.store import sealed
from tests.integration.jobs.boxes import new_context

def die(*_args, **_keywords):
    os.kill(os.getpid(), signal.SIGKILL)

where = sys.argv[2]
go_on = die if where == "encode" else lambda done, total: None
if where == "close": sealed.os.fsync = die
if where == "verify": archive.Archive._verify = die
if where == "rename": archive._sync_folder = die
if where == "commit": archive.Archive._record = die
if where == "release": Spool.remove = die
if where == "sidecar": Spool.remove = lambda self: (self.audio.unlink(), die())
archive.Archive(new_context(Path(sys.argv[1]))).archive("rec1", go_on)
"""


@pytest.mark.parametrize("where", ["encode", "close", "verify", "rename", "commit", "release", "sidecar"])
def test_killed_at_any_step_it_is_done_again_and_nothing_is_lost(tmp_path: Path, where: str) -> None:
    context = new_context(tmp_path / "home")
    spool = write_spool(context.home, "rec1", tones(3), **ABOUT)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(context.home.root), where], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert spool.exists() == (where != "sidecar")
    assert Archive(context).archive("rec1")
    assert soundfile.info(io.BytesIO(_plain(context, "rec1"))).frames == 3 * RATE_HZ
    assert list(context.home.spool.iterdir()) == []
    assert [p.name for p in context.home.archive.rglob("*") if p.is_file()] == ["rec1.cbr"]


# ---- disk full ---------------------------------------------------------------------------------------------

FULL = """
import json, sys
from pathlib import Path
from appliance.errors import BoxError
from appliance.jobs.archive import Archive
from tests.integration.jobs.boxes import new_context

context = new_context(Path(sys.argv[1]))
archive = Archive(context)
ballast = context.home.archive / "ballast"
found = {}
try:
    archive.archive("rec1")
except BoxError as error:
    found["error_id"], found["retryable"] = error.error_id, error.retryable
found["spool"] = (context.home.spool / "rec1.au").exists()
found["left"] = sorted(p.name for p in context.home.archive.iterdir())
ballast.unlink()
found["then"] = archive.archive("rec1")
print(json.dumps(found))
"""


def test_a_full_disk_keeps_the_spool_and_the_archive_is_made_later(tmp_path: Path) -> None:
    context = new_context(tmp_path / "home")
    noise = np.random.default_rng(1).integers(-8000, 8000, (60 * RATE_HZ, 2)).astype(np.int16)
    write_spool(context.home, "rec1", noise, **ABOUT)
    mount = (
        f'mount -t tmpfs -o size=1m tmpfs "{context.home.archive}" && '
        f'head -c 950000 /dev/zero > "{context.home.archive}/ballast" && exec "$0" -c "$1" "$2"'
    )
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", mount, sys.executable, FULL, str(context.home.root)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    found = json.loads(done.stdout.splitlines()[-1])  # a slow disk may have put a log line before it
    assert found == {"error_id": "disk.full", "retryable": True, "spool": True, "left": ["ballast"], "then": True}


# ---- what the switch tells, and what it leaves --------------------------------------------------------------


def _event(kind: type, seq: int, **fields: object) -> object:
    return kind(conversation_id="conv", attempt_id="conv", seq=seq, at_unix_s=START.timestamp(), **fields)


def test_events_make_the_row_and_ask_for_the_archive_in_any_order(context: Context) -> None:
    asked: list[str] = []
    intake = Intake(context, asked.append)
    spool = write_spool(context.home, "rec1", tones(1), **ABOUT)
    started = _event(RecordingStarted, 1, recording_id="rec1", spool_path=str(spool))
    closed = _event(RecordingClosed, 3, recording_id="rec1", spool_path=str(spool), frames=RATE_HZ)
    bridged = _event(Bridged, 2, seat_id="101", agent_id="anna")
    for event in (closed, started, bridged, closed):
        intake.on_event(event)  # type: ignore[arg-type]
    assert asked == ["rec1", "rec1"]
    row = _row(context, "rec1")
    assert (row.state, row.agent_id, row.seat_id, row.duration_s) == ("spool", "anna", "101", 1.0)


def test_a_lost_conversation_is_archived_at_once(context: Context) -> None:
    asked: list[str] = []
    intake = Intake(context, asked.append)
    spool = write_spool(context.home, "rec1", tones(1), **ABOUT)
    intake.on_event(_event(RecordingStarted, 1, recording_id="rec1", spool_path=str(spool)))  # type: ignore[arg-type]
    intake.on_event(_event(ConversationEnded, 1_000_000, lost=True))  # type: ignore[arg-type]
    assert asked == ["rec1"]


def test_only_spools_that_nobody_writes_are_left_over(tmp_path: Path) -> None:
    clock = ManualClock(START)
    context = new_context(tmp_path / "home", clock=clock)
    asked: list[str] = []
    intake = Intake(context, asked.append)
    for name in ("dead", "alive", "fresh"):
        path = write_spool(context.home, name, tones(1), **{**ABOUT, "conversation_id": name})
        age_s = 1.0 if name == "fresh" else 60.0
        os.utime(path, (START.timestamp() - age_s,) * 2)
    assert intake.sweep() == 0  # too early to know who beats
    clock.advance(6)
    intake.on_beat("alive")
    assert intake.sweep() == 1
    assert asked == ["dead"]
    clock.advance(10)
    intake.sweep()
    assert asked[1:] == ["alive", "dead"]


# ---- retention ----------------------------------------------------------------------------------------------


def _aged(context: Context, recording_id: str, days: int, **fields: object) -> None:
    started = START - timedelta(days=days)
    about = {**ABOUT, "conversation_id": recording_id, "started_at_unix_s": started.timestamp()}
    write_spool(context.home, recording_id, tones(0.5), **about)
    Archive(context).archive(recording_id)
    with context.store.write() as session:
        row = recordings.get(session, recording_id)
        for name, value in fields.items():
            setattr(row, name, value)


def _database_bytes(context: Context) -> bytes:
    return b"".join(path.read_bytes() for path in context.home.root.glob("callbox.sqlite*"))


def test_retention_says_first_and_deletes_then(context: Context) -> None:
    office = Office(context)
    office.handle(commands.SaveRetention(actor_id=LOCAL_ACTOR, scope="campaign:short", keep_days=10))
    office.handle(commands.SaveRetention(actor_id=LOCAL_ACTOR, scope="seat:101", keep_days=90))
    _aged(context, "a-old", 200)
    _aged(context, "b-new", 20)
    _aged(context, "c-short", 20, campaign_id="short")
    _aged(context, "d-seat", 20, campaign_id="short", seat_id="101")
    _aged(context, "e-held", 200)
    office.handle(commands.LegalHold(actor_id=LOCAL_ACTOR, recording_id="e-held", hold=True, reason="court"))
    retention = Retention(context)
    said = retention.run(LOCAL_ACTOR, "", dry_run=True)
    assert [r["id"] for r in said["recordings"]] == ["a-old", "c-short"]
    assert (said["expired"], said["deleted"], said["on_hold"], said["kept"]) == (2, 0, 1, 2)
    assert _row(context, "a-old").state == "archived"

    with context.store.read() as session:
        wrapped = session.get_one(RecordingKey, "a-old").wrapped_key.encode()
    assert wrapped in _database_bytes(context)
    sealed_path = context.home.archive / _row(context, "a-old").archive_path
    kept_copy = sealed_path.read_bytes()
    assert retention.run(LOCAL_ACTOR, "", dry_run=False)["deleted"] == 2
    assert _row(context, "a-old").state == "deleted"
    assert not sealed_path.exists()
    with pytest.raises(NotFoundError) as caught:
        _plain(context, "a-old")
    assert caught.value.error_id == "recording.deleted"
    with context.store.read() as session:
        assert session.get(RecordingKey, "a-old") is None
        other_keys = session.query(RecordingKey).count()
    assert other_keys == 3
    assert wrapped not in _database_bytes(context)
    (context.home.root / "copy.cbr").write_bytes(kept_copy)  # a copy somebody kept is noise without its key
    with pytest.raises(SealBrokenError), SealedReader(context.home.root / "copy.cbr", bytes(32)) as reader:
        reader.read(0, 1)
    assert len(_plain(context, "e-held")) > 0


def test_a_crash_between_key_and_file_leaves_nothing(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    _aged(context, "old", 200)
    retention = Retention(context)
    monkeypatch.setattr(retention, "_remove_file", lambda _recording: None)
    retention.run(LOCAL_ACTOR, "", dry_run=False)
    path = context.home.archive / _row(context, "old").archive_path
    assert path.exists()
    assert Retention(context).sweep_files() == 1
    assert not path.exists()


def test_a_rule_shows_in_the_rows_at_once(context: Context) -> None:
    _aged(context, "rec1", 5)
    Office(context).handle(commands.SaveRetention(actor_id=LOCAL_ACTOR, scope="default", keep_days=30))
    assert _row(context, "rec1").expires_at == START + timedelta(days=25)


def test_an_agent_opens_only_his_own(context: Context) -> None:
    office = Office(context)
    anna = office.handle(
        commands.SaveUser(actor_id=LOCAL_ACTOR, login="anna", role="agent", password="a long enough one")
    ).id  # fmt: skip
    assert anna
    _aged(context, "hers", 1, agent_id=anna)
    _aged(context, "other", 1, agent_id="boris")
    assert office.handle(commands.OpenRecording(actor_id=anna, recording_id="hers")).data["size_bytes"] > 0
    for command, error_id in (
        (commands.OpenRecording(actor_id=anna, recording_id="other"), "recording.not_own"),
        (commands.OpenRecording(actor_id=anna, recording_id="hers", purpose="export"), "user.not_allowed"),
        (commands.OpenRecording(actor_id=anna, recording_id="none"), "recording.unknown"),
    ):
        with pytest.raises(CallerError) as caught:
            office.handle(command)
        assert caught.value.error_id == error_id


def test_another_boxes_secret_opens_nothing(context: Context) -> None:
    write_spool(context.home, "rec1", tones(1), **ABOUT)
    Archive(context).archive("rec1")
    with context.store.write() as session:
        session.get_one(RecordingKey, "rec1").wrapped_key = base64.b64encode(bytes(60)).decode()
    with pytest.raises(BoxError) as caught:
        _plain(context, "rec1")
    assert caught.value.error_id == "sealed.key_broken"
