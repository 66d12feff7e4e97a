"""The line test in Chromium: a whole step, the safety question, nothing that a reader of the screen would miss."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from appliance.commands import Command, Done
from appliance.watch.line_test import LineTester
from appliance.watch.line_test_commands import handlers
from tests.e2e.web.conftest import Site
from tests.e2e.web.reading import findings

pytestmark = pytest.mark.e2e


async def unnoted(*_: object) -> None:
    """The audit log is not looked at here."""


@pytest.fixture
def bench(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The site with the real line test behind the commands of `watch`."""
    bus = site.box.bus
    tester = LineTester(bus.home)
    known = handlers(tester, lambda *_: None, lambda _user: "Ann", "UTC", unnoted)
    before = bus.request

    def request(command: Command, *, timeout_s: float = 5.0) -> Done:
        handler = known.get(type(command))
        if handler is None:
            return before(command, timeout_s=timeout_s)

        async def answer() -> Done:
            return await handler(command)

        return asyncio.run(answer())

    monkeypatch.setattr(bus, "request", request)
    yield site
    tester.close()


def test_a_pair_is_measured_and_ohms_are_asked_for(bench: Site) -> None:
    page = bench.page("administrator", viewport={"width": 1280, "height": 1000})
    page.goto("/line-test")
    assert findings(page) == []
    page.get_by_label(bench.say("Pair or span, as on the frame")).fill("MDF 1")
    page.get_by_label(bench.say("Practise with a simulated instrument")).check()
    page.get_by_role("button", name=bench.say("Begin")).click()
    step = bench.say("%(pair)s: step %(number)s of %(of)s", pair="MDF 1", number=1, of=5)
    expect(page.get_by_role("heading", name=step)).to_be_visible()
    page.get_by_role("button", name=bench.say("The probes are there: go on")).click()
    expect(page.get_by_role("cell", name="-48.1 V").first).to_be_visible()
    assert findings(page) == []
    page.get_by_role("button", name=bench.say("Next step")).click()
    page.get_by_role("button", name=bench.say("Leave this step out")).click()
    page.get_by_role("button", name=bench.say("Leave this step out")).click()
    page.get_by_role("button", name=bench.say("The probes are there: go on")).click()
    expect(page.get_by_role("alert")).to_contain_text("The meter goes to ohms")
    for colours in ("dark", "light"):
        page.emulate_media(color_scheme=colours, reduced_motion="reduce")
        page.reload()
        assert findings(page) == []
    page.get_by_role("button", name=bench.say("Yes, measure")).click()
    expect(page.get_by_role("cell", name="42 Mohm").first).to_be_visible()
    page.get_by_role("button", name=bench.say("End the test")).click()
    expect(page.get_by_role("heading", name=bench.say("New line test"))).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name=bench.say("Signed report")).first.click()
    assert download.value.suggested_filename.startswith("line-test-MDF_1")
