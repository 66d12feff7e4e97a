"""The line test in the browser's words: a whole test by forms, a bell before mA, results and the signed report."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.commands import Command, Done, UserCommand
from appliance.store.repositories import users
from appliance.types import Permission
from appliance.watch.box_key import verify_document
from appliance.watch.line_test import LineTester
from appliance.watch.line_test_commands import handlers
from drivers.instruments.simulator import LanInstrument, meter_brain
from tests.sim.web.fakes import FakeBox
from tests.sim.web.forms import post

pytestmark = pytest.mark.sim


@pytest.fixture
def bench(box: FakeBox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeBox]:
    """The box with the real line test behind the commands of `watch`."""

    def require(actor_id: str, permission: Permission) -> None:
        with box.bus.store.read() as session:
            users.require(session, actor_id, permission)

    tester = LineTester(box.bus.home)
    async def noted(_command: UserCommand, action: str, subject: str, _detail: dict[str, Any]) -> None:
        noted_lines.append((action, subject))

    noted_lines: list[tuple[str, str]] = []
    box.noted = noted_lines  # type: ignore[attr-defined]
    known = handlers(tester, require, lambda user_id: f"user {user_id[:4]}", "UTC", noted)
    before = box.bus.request

    def request(command: Command, *, timeout_s: float = 5.0) -> Done:
        handler = known.get(type(command))
        if handler is None:
            return before(command, timeout_s=timeout_s)

        async def answer() -> Done:
            return await handler(command)

        return asyncio.run(answer())

    monkeypatch.setattr(box.bus, "request", request)
    yield box
    tester.close()


def running(page: str) -> str:
    found = re.search(r'action="/line-test/act/(\w+)"', page)
    assert found, page
    return found[1]


def test_a_whole_test_by_forms(bench: FakeBox) -> None:
    client = bench.client("administrator")
    page = client.get("/line-test").text
    assert "New line test" in page
    assert "e1_generic" not in page  # it has no commands
    page = post(client, "/line-test/begin", {"pair": "MDF 1", "simulate": "y"}, page="/line-test").text
    for _ in range(40):
        page = client.get("/line-test").text
        if "New line test" in page:
            break
        test_id = running(page)
        event = next(name for name in ("yes", "ready", "next") if f'name="event" value="{name}"' in page)
        if event == "yes":
            assert "ask-again" in page
        post(client, f"/line-test/act/{test_id}", {"event": event}, page="/line-test")
    assert "Signed report" in page
    assert "In order" in page
    assert "-48.1 V" in page
    link = re.search(r'href="(/line-test/report/\w+\.pdf)"', page)
    assert link
    report = client.get(link[1])
    assert report.mimetype == "application/pdf"
    assert verify_document(report.data).key == LineTester(bench.bus.home).key.public
    assert bench.noted == [("line_test.begin", "MDF 1"), ("line_test.result", "MDF 1")]  # type: ignore[attr-defined]


def test_a_bell_before_milliamperes_is_told(bench: FakeBox) -> None:
    device = LanInstrument(meter_brain())
    device.start()
    client = bench.client("administrator")
    post(client, "/line-test/begin", {"pair": "A1", "resource": device.resource}, page="/line-test")
    test_id = running(client.get("/line-test").text)
    for _ in range(4):
        post(client, f"/line-test/act/{test_id}", {"event": "skip"}, page="/line-test")
    device.brain.scene.ringing = True
    post(client, f"/line-test/act/{test_id}", {"event": "ready"}, page="/line-test")
    page = client.get("/line-test").text
    assert "A voltage is on the pair: 82.1 V AC" in page
    assert 'name="event" value="yes"' not in page
    post(client, f"/line-test/act/{test_id}", {"event": "yes"}, page="/line-test")
    assert "MEAS:CURR:DC?" not in device.brain.asked
    post(client, f"/line-test/act/{test_id}", {"event": "abort"}, page="/line-test")
    assert "New line test" in client.get("/line-test").text
    device.stop()


def test_wrong_names_are_told_and_only_technicians_measure(bench: FakeBox) -> None:
    client = bench.client("administrator")
    post(client, "/line-test/begin", {"pair": "A1", "resource": "COM1"}, page="/line-test")
    assert "This names no instrument" in client.get("/line-test").text
    supervisor = bench.client("supervisor")
    assert "New line test" not in supervisor.get("/line-test").text
    assert bench.client("agent").get("/line-test").status_code == 403
