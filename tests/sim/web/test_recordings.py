"""Recordings: no byte without an audit line, ranges, who may hear what, legal hold."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import UTC, datetime, timedelta

import pytest

from appliance.store.read import audit
from tests.sim.web.fakes import FakeBox
from tests.sim.web.forms import post
from tests.sim.web.recording_scene import SOUND, make_call, make_recording

pytestmark = pytest.mark.sim

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


@pytest.fixture(scope="module")
def calls(archive: FakeBox) -> FakeBox:
    """Calls of two campaigns, some of them recorded."""
    spring, autumn = archive.campaign("Spring"), archive.campaign("Autumn")
    old = datetime.now(UTC) - timedelta(days=40)
    make_call(archive, spring, "a1", number="+8613812345678", name="王小明", agent="agent",
              disposition="promise_to_pay", note="=客户答应月底还款")  # fmt: skip
    make_call(archive, autumn, "a2", number="+79161234567", name="Пётр Сидоров", agent="supervisor",
              disposition="refused", note="просил не звонить", at=old)  # fmt: skip
    make_call(archive, spring, "a3", number="+8613900001111", name="Anna Smith", outcome="busy")
    make_recording(archive, "r1", "agent", conversation_id="a1", attempt_id="a1", campaign_id=spring.id,
                   duration_s=95.0, gaps=[[3.0, 5.5]])  # fmt: skip
    make_recording(archive, "r2", "supervisor", conversation_id="a2", attempt_id="a2", campaign_id=autumn.id,
                   duration_s=700.0, started_at=old)  # fmt: skip
    return archive


@pytest.mark.parametrize(
    ("asked", "found"),
    [("number=5678", ["r1"]), ("number=13812345678", ["r1"]), ("number=4567", ["r2"]), ("name=王小明", ["r1"]),
     ("name=сидоров", ["r2"]), ("note=还款", ["r1"]), ("note=звон", ["r2"]), ("disposition=refused", ["r2"]),
     ("at_least=10:00", ["r2"]), ("at_least=1:00&at_most=2:00", ["r1"]), ("note=还款&disposition=refused", []),
     ("agent=nobody", []), ("score_from=50", []), ("number=9999", []), ("outcome=human&sort=shortest", ["r1", "r2"]),
     ("sort=longest&outcome=human", ["r2", "r1"])],
)  # fmt: skip
def test_search(calls: FakeBox, asked: str, found: list[str]) -> None:
    page = calls.client("supervisor").get(f"/recordings?{asked}").text
    places = {one: page.find(f'href="/recordings/{one}"') for one in ("r1", "r2")}
    assert sorted((one for one, at in places.items() if at > 0), key=places.__getitem__) == found


def test_days_and_calls_without_a_recording(calls: FakeBox) -> None:
    client = calls.client("supervisor")
    day = f"{datetime.now(UTC) - timedelta(days=40):%Y-%m-%d}"
    assert "Пётр" in client.get(f"/recordings?until={day}").text
    assert "王小明" not in client.get(f"/recordings?until={day}").text
    assert "Anna Smith" not in client.get("/recordings").text
    page = client.get("/recordings?what=calls&number=1111").text
    assert "Anna Smith" in page
    assert "/reports/attempts/a3" in page


@pytest.mark.parametrize("asked", ["before=x", "before=1:x", "at_least=abc&score_from=-1&since=9999-99-99", "sort=drop",
                                   "name=%22%20OR%20*&note=NEAR(a)&team=%00", "until=9999-12-31"])  # fmt: skip
def test_nonsense_is_no_error(calls: FakeBox, asked: str) -> None:
    assert calls.client("supervisor").get(f"/recordings?{asked}").status_code == 200


def test_agents_find_only_their_own_and_not_by_number(calls: FakeBox) -> None:
    page = calls.client("agent").get("/recordings?number=4567&what=calls&agent=" + calls.people["supervisor"]).text
    assert '"/recordings/r2"' not in page
    assert "13812345678" not in page


def test_comments_belong_to_their_writer_and_are_audited(calls: FakeBox) -> None:
    client, agent = calls.client("supervisor"), calls.client("agent")
    said = {"at_s": "1:02.5", "text": "Good <b>start</b>"}
    made = post(client, "/recordings/r1/notes", said, page="/recordings/r1")
    assert "Good &lt;b&gt;start&lt;/b&gt;" in made.text
    assert 'data-at="62.5 "' in made.text
    page = agent.get("/recordings/r1?t=83").text
    assert "Good" in page
    assert 'data-start="83.0"' in page
    assert 'data-gaps="3.0-5.5 "' in page
    note_id = made.text.split("/notes/")[1].split("/")[0]
    assert post(agent, f"/recordings/r1/notes/{note_id}/delete", page="/recordings/r1").status_code == 403
    assert post(agent, "/recordings/r1/notes", {"note_id": note_id, "at_s": "1", "text": "no"},
                page="/recordings/r1").status_code == 403  # fmt: skip
    late = {"at_s": "99999", "text": "x"}
    assert post(client, "/recordings/r1/notes", late, page="/recordings/r1").status_code == 400
    assert "changed" in post(client, "/recordings/r1/notes", {"note_id": note_id, "at_s": "60", "text": "Better"},
                             page="/recordings/r1").text  # fmt: skip
    assert "Better" not in post(client, f"/recordings/r1/notes/{note_id}/delete", page="/recordings/r1").text
    said = [row.action for row in audit.search(calls.bus.store, action="recording.note").rows]
    assert said == ["recording.note_deleted", "recording.note_changed", "recording.noted"]


def test_many_are_taken_away_with_a_manifest(calls: FakeBox) -> None:
    client = calls.client("supervisor")
    page = client.get("/recordings").text
    assert 'name="id" value="r1"' in page
    made = post(client, "/recordings/packs", {"id": ["r1", "own"]}, page="/recordings")
    wait = made.headers["Location"]
    assert "2 recordings with a manifest" in client.get(wait).text
    answer = client.get(f"{wait}/file")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as pack:
        rows = list(csv.DictReader(io.StringIO(pack.read("manifest.csv").decode("utf-8-sig"))))
        plain = json.loads(pack.read("manifest.json"))["recordings"]
        assert pack.read(rows[0]["file"]) == SOUND
    answer.close()
    assert [row["recording"] for row in rows] == ["r1", "own"]
    assert rows[0]["note"] == "'=客户答应月底还款"  # no formula of a customer
    assert plain[0]["call"]["disposition"] == "promise_to_pay"
    assert plain[0]["sha256"] == rows[0]["sha256"]
    exports = [row.subject for row in audit.search(calls.bus.store, action="recording.export").rows]
    assert {"recording:r1", "recording:own"} <= set(exports)
    assert calls.client("administrator").get(f"{wait}/file").status_code == 404  # only for who asked


def test_packing_is_bounded(calls: FakeBox) -> None:
    client = calls.client("supervisor")
    assert post(client, "/recordings/packs", {}, page="/recordings").status_code == 400
    assert post(client, "/recordings/packs", {"id": ["../../x"]}, page="/recordings").status_code == 404
    every = post(client, "/recordings/packs", {"all": "1", "note": "还款"}, page="/recordings")
    assert "1 recordings with a manifest" in client.get(every.headers["Location"]).text
    assert post(calls.client("agent"), "/recordings/packs", {"id": ["r1"]}, page="/recordings").status_code == 403
