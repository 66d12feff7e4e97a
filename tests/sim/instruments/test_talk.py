"""The line test on a terminal and on the command line: what is asked, what is typed, what is never taken for yes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from appliance.errors import BoxError, CallerError
from appliance.home import Home
from appliance.services import line_test_cli
from appliance.services.line_test_talk import measure
from appliance.watch.line_test import LineTester

pytestmark = pytest.mark.sim


class Technician:
    """Types what it was given, then nothing."""

    def __init__(self, *typed: str) -> None:
        self.typed, self.said, self.asked = list(typed), list[str](), list[str]()

    def ask(self, question: str) -> str:
        self.asked.append(question)
        if not self.typed:
            raise EOFError
        return self.typed.pop(0)


def on_the_box(folder: Path) -> LineTester:
    home = Home(folder)
    home.make()
    return LineTester(home)


def test_enter_is_no_yes(tmp_path: Path) -> None:
    someone = Technician("s", "s", "s", "", "", "y", "ok", "yes", "", "q")
    found = measure(on_the_box(tmp_path), "A1", "", someone.ask, someone.said.append, by="ann", simulate=True)
    safety = [question for question in someone.asked if question.startswith("yes:")]
    assert len(safety) == 4
    assert found["figures"][0]["shown"] == "42 Mohm"
    assert found["verdict"] == "warn"
    assert any("The meter goes to ohms" in line for line in someone.said)
    assert all(line.isascii() and len(line) < 80 for line in someone.said)


def test_a_terminal_that_goes_away_keeps_what_was_measured(tmp_path: Path) -> None:
    tester, someone = on_the_box(tmp_path), Technician("")
    with pytest.raises(EOFError):
        measure(tester, "A1", "", someone.ask, someone.said.append, by="ann", simulate=True)
    assert tester.book.results("A1")[0].figures[0].quantity == "on_hook_v"
    assert tester.show()["running"] is None


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    monkeypatch.setenv("CALLBOX_HOME", str(tmp_path))
    app = typer.Typer()
    line_test_cli.register(app)
    return app


def test_run_report_verify(command: typer.Typer, tmp_path: Path) -> None:
    runner = CliRunner()
    ran = runner.invoke(command, ["line-test", "run", "--pair", "A1", "--simulate", "--unattended", "--json"])
    assert ran.exit_code == 0, ran.output
    assert json.loads(ran.stdout.splitlines()[-1])["verdict"] == "ok"
    written = runner.invoke(command, ["line-test", "report", "--pair", "A1", "--out", str(tmp_path), "--json"])
    told = json.loads(written.stdout.splitlines()[-1])
    verified = runner.invoke(command, ["line-test", "verify", told["file"], "--json"])
    assert json.loads(verified.stdout.splitlines()[-1])["key"] == told["key"]
    other = runner.invoke(command, ["line-test", "verify", told["file"], "--key", "00" * 32])
    assert isinstance(other.exception, BoxError)
    assert other.exception.error_id == "signature.other_key"
    Path(told["file"]).write_bytes(Path(told["file"]).read_bytes().replace(b"/Author", b"/Buthor", 1))
    changed = runner.invoke(command, ["line-test", "verify", told["file"]])
    assert isinstance(changed.exception, BoxError)
    assert changed.exception.error_id == "signature.wrong"


def test_a_real_line_is_never_measured_unattended(command: typer.Typer) -> None:
    ran = CliRunner().invoke(
        command, ["line-test", "run", "--pair", "A1", "--resource", "TCPIP::127.0.0.1::9::SOCKET", "--unattended"]
    )
    assert isinstance(ran.exception, CallerError)
    assert ran.exception.error_id == "line_test.unattended"


@pytest.mark.skipif(os.geteuid() != 0, reason="root is who could leave files that the services cannot write")
def test_what_root_writes_belongs_to_the_owner_of_the_home(command: typer.Typer, tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, 12345)
    ran = CliRunner().invoke(command, ["line-test", "run", "--pair", "A1", "--simulate", "--unattended"])
    assert ran.exit_code == 0, ran.output
    foreign = {path.name for path in tmp_path.rglob("*") if path.stat().st_uid != 12345}
    assert not foreign
    assert (tmp_path / "line-tests.jsonl").exists()
