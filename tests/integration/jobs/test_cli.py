"""`callbox user | seat | trunk | campaign | recordings | retention | audit`, on the store and through the service."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile
import structlog.testing
import typer
from typer.testing import CliRunner, Result

from appliance.errors import CallboxError
from appliance.jobs.archive import Archive
from appliance.services import office_cli
from tests.integration.jobs.boxes import new_context
from tests.integration.jobs.service import RATE_HZ, Service, connected, new_service, tones, write_spool

pytestmark = pytest.mark.integration

APP = typer.Typer()
office_cli.register(APP)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Logs go to stdout unless a program says otherwise; `callbox` does."""
    with structlog.testing.capture_logs():
        yield


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CALLBOX_HOME", str(tmp_path / "box"))
    return tmp_path / "box"


def _run(*arguments: str, stdin: str = "") -> Result:
    result = CliRunner().invoke(APP, list(arguments), input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def _lines(*arguments: str) -> list[dict[str, Any]]:
    result = _run(*arguments, "--json")
    assert result.exit_code == 0
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_users_and_seats_without_a_service(home: Path) -> None:
    made = _run("user", "add", "Anna", "--role", "supervisor", "--password-stdin", "--json", stdin="long enough 1\n")
    assert json.loads(made.stdout)["id"]
    assert "done on the store directly" in made.stderr
    _run("user", "disable", "anna")
    assert [(u["login"], u["role"], u["enabled"]) for u in _lines("user", "list")] == [("anna", "supervisor", False)]
    with pytest.raises(CallboxError) as caught:
        _run("user", "add", "boris", "--password-stdin", stdin="short\n")
    assert caught.value.error_id == "request.invalid"
    seat = _lines("seat", "add", "101", "--name", "Window")[0]
    assert len(seat["password"]) == 16
    assert [s["id"] for s in _lines("seat", "list")] == ["101"]
    with sqlite3.connect(home / "edge" / "kamailio.sqlite") as edge:
        assert edge.execute("SELECT username FROM subscriber").fetchall() == [("101",)]
    text = b"".join(path.read_bytes() for path in home.glob("callbox.sqlite*"))
    assert seat["password"].encode() not in text


def test_trunks_and_their_rules(home: Path, tmp_path: Path) -> None:
    rules = {"called": [{"match": r"\+86", "strip": 3, "prepend": "0"}]}
    (tmp_path / "trunk.json").write_text(json.dumps({"outbound": rules}))
    _run("trunk", "add", "main", "--gateway", "192.0.2.1:5070", "--channels", "60", "--config",
         str(tmp_path / "trunk.json"))  # fmt: skip
    shown = _lines("trunk", "show", "main")[0]
    assert (shown["channels"], shown["config"]["gateways"][0]["port"]) == (60, 5070)
    assert _run("trunk", "preview", "main", "+8613800138000").stdout.startswith(
        "+8613800138000 is sent as 013800138000 (rule 1)"
    )
    with pytest.raises(CallboxError):
        _run("trunk", "show", "other")


def test_campaigns(home: Path) -> None:
    _run("campaign", "add", "Spring", "--mode", "preview")
    assert [(c["name"], c["mode"], c["state"]) for c in _lines("campaign", "list")] == [("Spring", "preview", "draft")]
    with pytest.raises(CallboxError) as caught:
        _run("campaign", "start", "Spring")
    assert caught.value.error_id == "bus.unreachable"


def test_recordings_retention_and_audit(home: Path, tmp_path: Path) -> None:
    context = new_context(home)
    write_spool(context.home, "rec1", tones(1))
    Archive(context).archive("rec1")
    assert [r["id"] for r in _lines("recordings", "list")] == ["rec1"]
    assert _lines("recordings", "verify")[0] == {"verified": 1, "not_archived": 0, "damaged": []}
    out = tmp_path / "rec1.ogg"
    assert _lines("recordings", "export", "rec1", "--out", str(out))[0]["size_bytes"] == out.stat().st_size
    assert soundfile.info(str(out)).frames == RATE_HZ
    assert _lines("retention", "show")[0]["rules"] == {"default": 180}
    _run("retention", "set", "default", "1")
    context_row = _lines("retention", "run", "--dry-run")[0]
    assert (context_row["expired"], context_row["deleted"]) == (0, 0)
    assert _lines("audit", "verify")[0]["broken_at"] is None

    path = next(context.home.archive.rglob("*.cbr"))
    path.write_bytes(path.read_bytes()[:-1])
    damaged = _run("recordings", "verify", "--json")
    assert (damaged.exit_code, json.loads(damaged.stdout)["damaged"][0]["id"]) == (1, "rec1")
    with sqlite3.connect(context.home.database) as raw:
        raw.execute("UPDATE audit_log SET subject = 'recording:other' WHERE action = 'recording.export'")
    broken = _run("audit", "verify")
    assert broken.exit_code == 1
    assert "was changed after it was written" in broken.stdout


@pytest.fixture
def service(home: Path) -> Iterator[Service]:
    one = new_service(home)
    one.start_bus()
    one.start()
    connected(one).close()
    yield one
    one.close()


def test_a_running_service_does_the_work(service: Service) -> None:
    made = _run("user", "add", "anna", "--password-stdin", "--json", stdin="long enough 1\n")
    assert json.loads(made.stdout)["id"]
    assert made.stderr == ""
    assert _lines("retention", "run", "--dry-run")[0]["kept"] == 0
    with pytest.raises(CallboxError) as caught:
        _run("user", "add", "anna", "--password-stdin", stdin="long enough 1\n")
    assert caught.value.error_id == "request.invalid"
