"""What the box heard: figures, the doubtful, labels and their way back, announcements taught from calls and files."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import soundfile

from appliance.jobs import ear_labels
from appliance.jobs.ear_clusters import Clusters
from appliance.store.announcements import in_use, retired
from appliance.store.models import Alert, EarLabel
from appliance.store.read import audit, heard
from appliance.store.read.heard import HeardFilter
from audio import wavio
from tests.sim.web.ear_scene import EarScene, spoken
from tests.sim.web.fakes import FakeBox
from tests.sim.web.forms import post

pytestmark = pytest.mark.sim

TOP = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def scene(box: FakeBox) -> EarScene:
    made = EarScene(box)
    for n in range(4):
        made.call("answered", "human", 0.9 + n / 100, decided_at_ms=1500 + 500 * n)
    made.call("answered", "human", 0.95, sound=spoken(4), disposition="machine")
    made.call("answered", "machine", 0.97, ago=timedelta(days=30))
    return made


def test_figures_of_some_days_and_of_one_trunk(scene: EarScene) -> None:
    store = scene.box.bus.store
    week = HeardFilter(since=scene.now - timedelta(days=7))
    found = heard.figures(store, week)["answered"]
    assert found.labels == {"human": 5}
    assert sum(found.confidences) == sum(found.times) == 5
    assert found.confidences[18:] == [4, 1]
    assert found.times[3] == 2
    assert heard.figures(store, HeardFilter())["answered"].labels == {"human": 5, "machine": 1}
    assert heard.figures(store, HeardFilter(trunk_id="other"))["answered"].count == 0


def test_page_shows_figures_and_the_doubtful(scene: EarScene) -> None:
    page = scene.box.client("supervisor").get("/heard").text
    assert "5 verdicts" in page
    assert "the agent says otherwise" in page
    empty = scene.box.client("supervisor").get("/heard?since=2001-01-01&until=2001-01-02").text
    assert "Nothing was heard yet" in empty


def test_a_call_is_heard_labelled_and_the_label_taken_back(scene: EarScene) -> None:
    box = scene.box
    attempt_id = scene.call("answered", "unknown", 0.0, sound=spoken(4), doubt="unknown")
    client = box.client("supervisor")
    panel = client.get(f"/heard/calls/{attempt_id}/answered").text
    recording_id = heard.one(box.bus.store, attempt_id, "answered").recording_id  # type: ignore[union-attr]
    assert f"/recordings/{recording_id}/sound" in panel
    assert 'data-jump="1.8"' in panel
    before = len(audit.search(box.bus.store, action="recording.listen").rows)
    assert client.get(f"/recordings/{recording_id}/sound").data[:4] == b"OggS"
    assert len(audit.search(box.bus.store, action="recording.listen").rows) == before + 1

    form = {"attempt_id": attempt_id, "stage": "answered", "label": "machine"}
    told = post(client, "/heard/label", form, page="/heard", htmx=True)
    assert '"label": "machine"' in told.headers["HX-Trigger"]
    assert attempt_id not in client.get("/heard").text
    assert f"{attempt_id}:answered" in client.get("/heard?show=all").text
    assert [row.label for row in heard.labels(box.bus.store) if row.attempt_id == attempt_id] == ["machine"]
    assert audit.search(box.bus.store, action="ear.labelled").rows[0].subject == f"attempt:{attempt_id}"
    post(client, "/heard/label", {**form, "label": ""}, page="/heard", htmx=True)
    assert f"{attempt_id}:answered" in client.get("/heard").text


def test_agents_and_strangers_label_nothing(scene: EarScene) -> None:
    attempt_id = scene.call("answered", "unknown", 0.0, sound=spoken(4), doubt="unknown")
    agent = scene.box.client("agent")
    assert agent.get("/heard").status_code == 403
    assert agent.get(f"/heard/calls/{attempt_id}/answered").status_code == 403
    form = {"attempt_id": attempt_id, "stage": "answered", "label": "machine"}
    assert post(agent, "/heard/label", form, page="/desk").status_code == 403
    with scene.box.bus.store.read() as session:
        assert session.get(EarLabel, (attempt_id, "answered")) is None


def test_what_a_line_cannot_be_is_refused(scene: EarScene) -> None:
    attempt_id = scene.call("answered", "unknown", 0.0, sound=spoken(4), doubt="unknown")
    client = scene.box.client("supervisor")
    form = {"attempt_id": attempt_id, "stage": "answered", "label": "trunk_failed"}
    assert post(client, "/heard/label", form, page="/heard", htmx=True).status_code == 400


def test_a_labelled_announcement_is_enrolled_and_undone(scene: EarScene) -> None:
    box = scene.box
    attempt_id = scene.call("early", "announcement_unknown", 0.9, sound=spoken(0), doubt="announcement")
    client = box.client("supervisor")
    form = {"attempt_id": attempt_id, "stage": "early", "label": "vacant", "teach": "1"}
    told = post(client, "/heard/label", form, page="/heard", htmx=True)
    assert '"announcement": "vacant-1"' in told.headers["HX-Trigger"]
    entry = in_use(box.home.announcements)[-1]
    assert (entry.ann_id, entry.label) == ("vacant-1", "vacant")
    assert wavio.read(box.home.announcements / entry.file).size > 3 * 8000
    undo = {**form, "label": "", "teach": "", "untaught": "vacant-1"}
    post(client, "/heard/label", undo, page="/heard", htmx=True)
    assert "vacant-1" not in [e.ann_id for e in in_use(box.home.announcements)]
    assert "vacant-1" in [e.ann_id for e in retired(box.home.announcements)]


def test_an_announcement_that_comes_again_is_named_once(scene: EarScene) -> None:
    box, sound = scene.box, spoken(1)
    for cut in (0, 2400, 6000):
        scene.call("early", "announcement_unknown", 0.9, sound=sound[cut:], doubt="announcement")
    scene.call("early", "announcement_unknown", 0.9, sound=spoken(2), doubt="announcement")
    clusters = Clusters(box.bus.context)
    while clusters.sweep():
        continue
    found = heard.clusters(box.bus.store, HeardFilter())
    assert [cluster.count for cluster in found] == [3]
    client = box.client("supervisor")
    assert "heard 3 times" in client.get("/heard").text
    post(client, f"/heard/clusters/{found[0].cluster}", {"label": "powered_off", "name": "关机"}, page="/heard")
    assert heard.clusters(box.bus.store, HeardFilter()) == []
    entry = in_use(box.home.announcements)[-1]
    assert (entry.label, entry.name) == ("powered_off", "关机")
    scene.call("early", "announcement_unknown", 0.9, sound=sound, doubt="announcement")
    clusters.sweep()
    assert heard.clusters(box.bus.store, HeardFilter(), least=1)[0].count == 1, "the named one does not come back"


def _wav(seed: int) -> tuple[io.BytesIO, str]:
    data = io.BytesIO()
    soundfile.write(data, spoken(seed), 8000, format="WAV")
    data.seek(0)
    return data, "关机.wav"


def test_a_file_is_enrolled_renamed_retired_and_used_again(box: FakeBox) -> None:
    client = box.client("supervisor")
    assert "Enrol an announcement" in client.get("/announcements").text
    form = {"label": "unreachable", "name": "无法接通", "country": "cn", "language": "ZH", "file": _wav(3)}
    assert post(client, "/announcements/new", form).status_code == 302
    entry = next(e for e in in_use(box.home.announcements) if e.name == "无法接通")
    assert (entry.ann_id, entry.country, entry.language) == ("cn-unreachable-1", "CN", "zh")
    with (box.home.announcements / "library.csv").open(newline="") as table:
        assert csv.DictReader(table).fieldnames[:3] == ["ann_id", "label", "file"]  # type: ignore[index]
    with client.get(f"/announcements/{entry.ann_id}/sound") as response:
        assert response.data[:4] == b"RIFF"
    change = {"label": "powered_off", "name": "关机"}
    post(client, f"/announcements/{entry.ann_id}", change, page="/announcements")
    assert "关机" in client.get("/announcements").text
    post(client, f"/announcements/{entry.ann_id}/retire", page="/announcements")
    assert entry.ann_id in [e.ann_id for e in retired(box.home.announcements)]
    post(client, f"/announcements/{entry.ann_id}/retire", {"back": "1"}, page="/announcements")
    assert entry.ann_id in [e.ann_id for e in in_use(box.home.announcements)]
    actions = [row.action for row in audit.search(box.bus.store).rows]
    for action in ("announcement.enrolled", "announcement.saved", "announcement.retired", "announcement.back"):
        assert action in actions


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [("list.xlsx", b"PK", "no sound file"), ("empty.wav", b"", "no sound"), ("short.wav", None, "clear speech")],
)
def test_bad_files_are_told_in_words(box: FakeBox, name: str, content: bytes | None, said: str) -> None:
    data = io.BytesIO(content or b"")
    if content is None:
        soundfile.write(data, spoken(3)[:4000], 8000, format="WAV")
        data.seek(0)
    page = post(box.client("supervisor"), "/announcements/new", {"label": "vacant", "file": (data, name)})
    assert said in page.text
    assert page.status_code == 200


@pytest.mark.parametrize("ann_id", ["..", "..%2f..%2fsecrets.toml", "nobody"])
def test_no_other_file_is_handed_out(box: FakeBox, ann_id: str) -> None:
    assert box.client("supervisor").get(f"/announcements/{ann_id}/sound").status_code == 404


def test_labels_leave_the_box_for_training(scene: EarScene, tmp_path: Path) -> None:
    box = scene.box
    attempt_id = scene.call("answered", "unknown", 0.0, sound=spoken(4), doubt="unknown")
    form = {"attempt_id": attempt_id, "stage": "answered", "label": "human"}
    post(box.client("supervisor"), "/heard/label", form, page="/heard", htmx=True)
    done = subprocess.run(
        [sys.executable, "-m", "appliance.cli", "ear", "export", "--out", str(tmp_path / "set"), "--json"],
        env={"CALLBOX_HOME": str(box.home.root), "PATH": "/usr/bin"}, cwd=TOP, capture_output=True, check=True,
        timeout=120,
    )  # fmt: skip
    told = json.loads(done.stdout)
    with (tmp_path / "set" / "labels.csv").open(newline="") as table:
        rows = {row["file"]: row for row in csv.DictReader(table)}
    assert told["written"] == len(rows)
    own = rows[f"answered-{attempt_id}.wav"]
    assert (own["label"], own["stage"], own["country"]) == ("human", "answered", "CN")
    assert abs(wavio.read(tmp_path / "set" / own["file"]).size - spoken(4).size) < 800
    assert audit.search(box.bus.store, action="recording.export").rows


def test_an_alert_of_the_ear_leads_to_the_calls_behind_it(scene: EarScene) -> None:
    box = scene.box
    data = {
        "alert": "ear.drift.announcements", "name": "联通", "trunk": "trunk1", "now": 0.6, "base": 0.05,
        "now_count": 80, "base_count": 300, "since": scene.now.isoformat(),
    }  # fmt: skip
    with box.bus.store.write() as session:
        session.add(Alert(key="ear.drift.trunk1.announcements", severity="warning", title="t", text="x",
                          raised_at=scene.now, data=data))  # fmt: skip
    page = box.client("supervisor").get("/alerts").text
    link = f"/heard?trunk=trunk1&amp;since={scene.now:%Y-%m-%d}&amp;label=announcement_unknown&amp;show=every"
    assert "联通" in page
    assert link in page
    assert "Nothing was heard" not in box.client("supervisor").get(link.replace("&amp;", "&")).text


def test_the_setting_is_shown_with_what_it_costs(box: FakeBox, monkeypatch: pytest.MonkeyPatch) -> None:
    client = box.client("administrator")
    monkeypatch.setattr(ear_labels, "_tradeoff", lambda: ())
    assert "dialling.machine_certainty" in client.get("/settings").text
    assert "<polyline" not in client.get("/settings").text
    points = [{"setting": s, "people_dropped": 1 - s, "machines_passed": s / 10} for s in (0.9, 0.99)]
    monkeypatch.setattr(ear_labels, "_tradeoff", lambda: points)
    assert "<polyline" in client.get("/settings").text
