"""Backup, updates and reset as pages: by an administrator alone, large files to the disk, nothing by accident."""

from __future__ import annotations

import json
import socket
import sys
import threading
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.commands import SaveRole, SaveUser
from appliance.jobs.backup import keys, restore
from appliance.store.read import backups as read
from tests.sim.web.fakes import FakeBox
from tests.sim.web.forms import post, token_of
from webui import raw_upload

pytestmark = pytest.mark.sim
WORDS = "a long passphrase"
PAGE, UPDATES, RESET = "/system/backup", "/system/updates", "/system/reset"


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "_COST", 2**4)


@pytest.fixture
def fresh(box: FakeBox) -> FakeBox:
    """The module's box as it was at first: making people is slow on purpose."""
    for path in (*box.home.backups.iterdir(), *box.home.updates.iterdir(), *box.home.uploads.iterdir()):
        path.unlink()
    restore.forget(box.home)
    box.home.backup_key.unlink(missing_ok=True)
    box.bus.root_answers = None
    box.bus.asked_root.clear()
    return box


def _send(client: FlaskClient, page: str, data: bytes, query: str = "") -> TestResponse:
    headers = {"X-CSRFToken": token_of(client, page), "Referer": f"https://localhost{page}",
               "Accept": "application/json", "Content-Type": "application/octet-stream"}  # fmt: skip
    return client.put(f"{page}/upload{query}", data=data, headers=headers)


def _ended() -> None:
    for thread in threading.enumerate():
        if thread.name in ("restore", "backup_test"):
            thread.join(60)


def _backup(client: FlaskClient, box: FakeBox) -> str:
    post(client, f"{PAGE}/passphrase", {"passphrase": WORDS, "again": WORDS}, page=PAGE)
    assert post(client, f"{PAGE}/make", page=PAGE).status_code == 302
    return read.backups(box.home)[0].name


def test_a_backup_is_made_shown_tested_taken_away_and_removed(fresh: FakeBox) -> None:
    client = fresh.client("administrator")
    assert "Set a passphrase first" in client.get(PAGE).text
    refused = post(client, f"{PAGE}/passphrase", {"passphrase": WORDS, "again": "another"}, page=PAGE)
    assert (refused.status_code, fresh.home.backup_key.exists()) == (400, False)
    name = _backup(client, fresh)
    assert "The backup is made" in client.get(f"{PAGE}?job=backup-hand").text
    shown = client.get(PAGE).text
    assert "by hand" in shown
    assert "not tested" in shown
    at = post(client, f"{PAGE}/{name}/try", page=PAGE).headers["Location"]
    _ended()
    assert "The test is passed" in client.get(at).text
    assert "passed" in client.get(f"{PAGE}/{name}").text
    with client.get(f"{PAGE}/{name}/file") as taken:
        assert taken.data == (fresh.home.backups / name).read_bytes()
    assert post(client, f"{PAGE}/{name}/remove", page=PAGE).status_code == 302
    assert read.backups(fresh.home) == []
    assert client.get(f"{PAGE}/{name}").status_code == 404


def test_an_uploaded_backup_is_restored_with_its_passphrase_only(fresh: FakeBox) -> None:
    client = fresh.client("administrator")
    name = _backup(client, fresh)
    data = (fresh.home.backups / name).read_bytes()
    post(client, f"{PAGE}/{name}/remove", page=PAGE)
    fresh.home.backup_key.unlink()
    answer = _send(client, PAGE, data, "?next=wizard")
    assert answer.json == {"url": "/setup/box/restore"}
    step = client.get("/setup/box/restore").text
    assert "Restore it here" in step
    name = read.backups(fresh.home)[0].name
    assert post(client, f"{PAGE}/restore", {"name": name, "passphrase": WORDS}, page=PAGE).status_code == 400
    wrong = post(client, f"{PAGE}/restore", {"name": name, "passphrase": "not the one", "sure": "y"}, page=PAGE)
    assert "another passphrase" in wrong.text
    assert read.restoring(fresh.home) == {}
    at = post(client, f"{PAGE}/restore", {"name": name, "passphrase": WORDS, "sure": "y"}, page=PAGE)
    _ended()
    assert "put in place when the box is started next" in client.get(at.headers["Location"]).text
    assert "A restore is ready" in client.get(PAGE).text
    post(client, f"{PAGE}/cancel", page=PAGE)
    assert read.restoring(fresh.home) == {}


def test_on_the_device_a_restore_restarts_the_box(fresh: FakeBox) -> None:
    client = fresh.client("administrator")
    name = _backup(client, fresh)
    fresh.bus.root_answers = {}
    at = post(client, f"{PAGE}/restore", {"name": name, "sure": "y"}, page=PAGE)
    _ended()
    assert fresh.bus.asked_root == ["reboot"]
    assert "The box restarts with it now" in client.get(at.headers["Location"]).text


def test_who_restarts_a_box_that_waits_for_a_passphrase_is_told(
    fresh: FakeBox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    client, told = fresh.client("administrator"), "dials nobody, until somebody types"
    for page, module in ((UPDATES, "updates"), (RESET, "resets")):
        assert told not in client.get(page).text
        monkeypatch.setattr(sys.modules[f"webui.admin.{module}"], "WAITS_AT_START", tmp_path)
        assert told in client.get(page).text


def test_what_is_no_backup_leaves_nothing(fresh: FakeBox, monkeypatch: pytest.MonkeyPatch) -> None:
    client = fresh.client("administrator")
    for data, error_id in ((b"PK\3\4" * 1000, "backup.not_a_backup"), (b"", "upload.empty")):
        answer = _send(client, PAGE, data)
        assert (answer.status_code, answer.json and answer.json["error_id"]) == (400, error_id)
    monkeypatch.setitem(raw_upload.LARGEST, "backup.upload", 1000)
    assert _send(client, PAGE, b"x" * 1001).status_code == 413
    assert list(fresh.home.uploads.iterdir()) == []
    assert read.backups(fresh.home) == []


def test_more_than_other_pages_take_is_written_as_it_comes(fresh: FakeBox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fresh.app.config, "MAX_CONTENT_LENGTH", 1000)
    client = fresh.client("administrator")
    name = _backup(client, fresh)
    data = (fresh.home.backups / name).read_bytes()
    assert len(data) > 1000
    assert _send(client, PAGE, data).status_code == 200
    assert {one.why for one in read.backups(fresh.home)} == {"hand", "upload"}


def test_names_lead_nowhere_else(fresh: FakeBox) -> None:
    client = fresh.client("administrator")
    for name in ("state.json", "..%2Fsecrets.toml", "%2e%2e"):
        assert client.get(f"{PAGE}/{name}/file").status_code in (404, 308)
    assert client.get(f"{PAGE}/none.cbb").status_code == 404


def test_the_plan_is_kept(fresh: FakeBox) -> None:
    client = fresh.client("administrator")
    plan = {"every": "week", "at_time": "04:10", "keep_days": "3", "keep_weeks": "2", "keep_months": "1",
            "copy_to": "/mnt/share", "recordings": "y"}  # fmt: skip
    assert post(client, f"{PAGE}/plan", plan, page=PAGE).status_code == 302
    shown = client.get(PAGE).text
    assert 'value="04:10"' in shown
    assert 'value="/mnt/share"' in shown
    assert post(client, f"{PAGE}/plan", {**plan, "copy_to": "relative"}, page=PAGE).status_code == 400


def test_an_update_from_upload_to_installation(fresh: FakeBox) -> None:
    client = fresh.client("administrator")
    assert "This is not a device" in client.get(UPDATES).text
    answer = _send(client, UPDATES, b"bundle")
    assert answer.json is not None
    assert answer.json["error_id"] == "box.not_a_device"
    info = {"compatible": "callbox-x86-64", "version": "0.2.0", "description": "better"}
    slots = {"slots": [{"rootfs.0": {"bootname": "A", "state": "booted", "boot_status": "good"}},
                       {"rootfs.1": {"bootname": "B", "state": "inactive", "boot_status": "bad"}}]}  # fmt: skip
    fresh.bus.root_answers = {"update-info": json.dumps(info), "slots-show": json.dumps(slots)}
    assert _send(client, UPDATES, b"bundle").json == {"url": UPDATES}
    shown = client.get(UPDATES).text
    assert "0.2.0" in shown
    assert "no update without a backup" in shown
    assert post(client, f"{UPDATES}/apply", {"when": "now"}, page=UPDATES).status_code == 400
    _backup(client, fresh)
    post(client, f"{UPDATES}/apply", {"when": "quiet"}, page=UPDATES)
    assert "waits for its time" in client.get(f"{UPDATES}/state").text
    post(client, f"{UPDATES}/apply", {"when": "now"}, page=UPDATES)
    assert "restarts and looks whether all is well" in client.get(f"{UPDATES}/state").text
    assert fresh.bus.asked_root[-2:] == ["update-install", "reboot"]
    assert post(client, f"{UPDATES}/drop", page=UPDATES).status_code == 400
    bad = post(client, f"{UPDATES}/fetch", {"url": "file:///etc/passwd"}, page=UPDATES)
    assert bad.status_code == 400


def test_reset_and_decommissioning_ask_for_the_name(fresh: FakeBox) -> None:
    client = fresh.client("administrator")
    name = socket.gethostname()
    assert name in client.get(RESET).text
    assert client.get(f"{RESET}/certificate").status_code == 404
    fresh.bus.root_answers = {"data-erase": "plain\n"}
    assert post(client, RESET, {"confirmation": "yes"}).status_code == 400
    assert post(client, f"{RESET}/decommission", {"confirmation": "yes"}, page=RESET).status_code == 400
    assert fresh.bus.asked_root == []
    assert post(client, RESET, {"confirmation": name}).status_code == 302
    assert fresh.bus.asked_root == ["data-reset", "reboot"]
    done = post(client, f"{RESET}/decommission", {"confirmation": name}, page=RESET)
    shown = client.get(done.headers["Location"]).text
    assert "secrets.toml" in shown
    assert "overwrite or destroy the disks too" in shown
    assert client.get(f"{RESET}/certificate.pdf").data.startswith(b"%PDF")


@pytest.mark.parametrize("language", ["zh", "ru"])
def test_the_pages_speak(box: FakeBox, language: str) -> None:
    client = box.client("administrator", language)
    client.get("/")
    for page in (PAGE, UPDATES, RESET, "/setup/box/restore"):
        assert client.get(page).status_code == 200


def test_other_roles_stay_outside(box: FakeBox) -> None:
    role = box.by_administrator(SaveRole, name="Keeper", permissions={"settings.write": "all"})
    keeper = box.add_user("keeper", "supervisor")
    box.by_administrator(SaveUser, id=keeper, login="keeper", role="supervisor", role_id=role.id)
    for login in ("supervisor", "agent", "keeper"):
        client = box.client(login)
        for page in (PAGE, UPDATES, RESET, f"{PAGE}/x.cbb/file"):
            assert client.get(page).status_code == 403, (login, page)
    assert Path(box.home.backups).is_dir()
