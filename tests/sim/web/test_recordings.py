"""Recordings: no byte without an audit line, ranges, who may hear what, legal hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from appliance.settings import load_secrets
from appliance.store import sealed
from appliance.store.models import Recording, RecordingKey
from appliance.store.read import audit
from tests.sim.web.fakes import FakeBox
from tests.sim.web.forms import post

pytestmark = pytest.mark.sim

SOUND = bytes(range(256)) * 1000  # four sealed chunks


def make_recording(box: FakeBox, recording_id: str, agent: str) -> None:
    """An archived recording with its wrapped key."""
    key = sealed.new_key()
    with sealed.SealedWriter(box.home.archive / f"{recording_id}.cbr", key) as writer:
        writer.write(SOUND)
    now = datetime.now(UTC)
    secret = load_secrets(box.home).archive_key.get_secret_value()
    with box.bus.store.write() as session:
        session.add(
            Recording(
                id=recording_id, conversation_id=recording_id, agent_id=box.people[agent], state="archived",
                started_at=now, duration_s=12.0, archive_path=f"{recording_id}.cbr", size_bytes=len(SOUND),
                peaks={"left": [0.1, 0.9], "right": [0.5], "per_s": 1}, expires_at=now + timedelta(days=9),
            )
        )  # fmt: skip
        session.add(
            RecordingKey(recording_id=recording_id, wrapped_key=sealed.wrap(secret, key, f"recording:{recording_id}"))
        )


@pytest.fixture(scope="module")
def archive(box: FakeBox) -> FakeBox:
    make_recording(box, "own", "agent")
    make_recording(box, "others", "supervisor")
    return box


def _listens(box: FakeBox) -> int:
    return len(audit.search(box.bus.store, action="recording.listen").rows)


def test_page_alone_asks_for_no_sound(archive: FakeBox) -> None:
    before = _listens(archive)
    page = archive.client("supervisor").get("/recordings/own").text
    assert '"left": [0.1, 0.9]' in page
    assert 'preload="none"' in page
    assert _listens(archive) == before


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [("bytes=0-99", 0, 100), ("bytes=65530-65550", 65530, 65551), ("bytes=-10", len(SOUND) - 10, len(SOUND)),
     ("bytes=250000-", 250000, len(SOUND))],
)  # fmt: skip
def test_ranges(archive: FakeBox, asked: str, start: int, end: int) -> None:
    response = archive.client("supervisor").get("/recordings/own/sound", headers={"Range": asked})
    assert response.status_code == 206
    assert response.data == SOUND[start:end]
    assert response.headers["Content-Range"] == f"bytes {start}-{end - 1}/{len(SOUND)}"


def test_one_sitting_is_one_line_in_the_log(archive: FakeBox) -> None:
    client = archive.client("administrator")
    before = _listens(archive)
    for start in (0, 1000, 70000):
        assert client.get("/recordings/own/sound", headers={"Range": f"bytes={start}-"}).status_code == 206
    assert _listens(archive) == before + 1


def test_impossible_range(archive: FakeBox) -> None:
    assert archive.client("supervisor").get(
        "/recordings/own/sound", headers={"Range": "bytes=999999999-"}
    ).status_code == 416  # fmt: skip


def test_export_is_an_export_in_the_log(archive: FakeBox) -> None:
    response = archive.client("supervisor").get("/recordings/own/file")
    assert response.data == SOUND
    assert "attachment" in response.headers["Content-Disposition"]
    assert audit.search(archive.bus.store, action="recording.export").rows[0].subject == "recording:own"


def test_agents_hear_their_own_and_take_nothing_away(archive: FakeBox) -> None:
    client = archive.client("agent")
    assert client.get("/recordings/own/sound").status_code == 200
    assert client.get("/recordings/others").status_code == 404
    assert client.get("/recordings/others/sound").status_code == 404
    assert client.get("/recordings/own/file").status_code == 403
    listed = client.get("/recordings").text
    assert "/recordings/own" in listed
    assert "/recordings/others" not in listed


def test_legal_hold(archive: FakeBox) -> None:
    client = archive.client("administrator")
    post(client, "/recordings/own/hold", {"hold": "1", "reason": "Court 7"}, page="/recordings/own")
    assert "Court 7" in client.get("/recordings/own").text
    post(client, "/recordings/own/hold", {"hold": "0"}, page="/recordings/own")
    assert "Court 7" not in client.get("/recordings/own").text


@pytest.mark.parametrize("recording_id", ["..%2f..%2fsecrets", "%00", "own.cbr"])
def test_no_path_tricks(archive: FakeBox, recording_id: str) -> None:
    assert archive.client("supervisor").get(f"/recordings/{recording_id}/sound").status_code == 404
