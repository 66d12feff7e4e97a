"""A line card is added, tried, mended, saved and removed in Chromium; the trial asks a simulated gateway over SNMP."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from appliance import commands as cmd
from appliance.commands import Command, Done
from appliance.settings import load_settings
from appliance.watch.line_card_commands import handlers
from appliance.watch.lines import LineWatch
from drivers.e1_gateway.snmp_sim import SnmpGateway, load_agent
from tests.e2e.web.conftest import Site
from tests.e2e.web.reading import findings

pytestmark = pytest.mark.e2e


@pytest.fixture
def gateway() -> Iterator[SnmpGateway]:
    one = SnmpGateway(load_agent("audiocodes_fxo"), seed=3).start()
    yield one
    one.stop()


@pytest.fixture
def bench(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The site with the real trial of a card behind the commands of `watch`."""
    bus = site.box.bus
    known = handlers(bus.home, LineWatch(bus.home, load_settings(bus.home)), lambda *_: None)
    before = bus.request

    def request(command: Command, *, timeout_s: float = 5.0) -> Done:
        if not isinstance(command, cmd.ShowLineCards | cmd.TestLineCard):
            return before(command, timeout_s=timeout_s)
        handler = known[type(command)]

        async def answer() -> Done:
            return await handler(command)

        return asyncio.run(answer())

    monkeypatch.setattr(bus, "request", request)
    return site


def test_a_card_is_tried_mended_saved_and_removed(bench: Site, gateway: SnmpGateway) -> None:
    gateway.ports[2] |= {"connected": False, "volts": 0}
    page = bench.page("administrator", viewport={"width": 1280, "height": 1000})
    page.goto("/line-cards")
    page.get_by_role("link", name=bench.say("Add a card")).first.click()
    assert findings(page) == []
    page.get_by_role("link", name=bench.say("SNMP v2c")).click()
    assert findings(page) == []
    page.get_by_label(bench.say("Short name")).fill("fxo1")
    page.get_by_label(bench.say("Make and model")).select_option("audiocodes_fxo")
    page.get_by_label(bench.say("Address")).first.fill(f"127.0.0.1:{gateway.port}")
    page.get_by_label(bench.say("Community")).fill("wrong")
    page.get_by_role("button", name=bench.say("Test this card now")).click()
    tried = page.locator("#tried")
    expect(tried).to_contain_text("keeps silent to our community", timeout=30_000)
    expect(tried.get_by_role("button", name=bench.say("Save without a reading"))).to_be_visible()
    page.get_by_label(bench.say("Community")).fill(gateway.community)
    page.get_by_role("button", name=bench.say("Test this card now")).click()
    expect(tried).to_contain_text("It answers: 4 lines", timeout=30_000)
    expect(tried).to_contain_text("FXO 2: Not in service, No signal")
    assert findings(page) == []
    page.get_by_role("button", name=bench.say("Save"), exact=True).click()
    expect(page.get_by_role("link", name="fxo1", exact=True)).to_be_visible(timeout=30_000)
    assert any(isinstance(command, cmd.SaveLineCard) for command in bench.box.bus.asked)
    (card,) = load_settings(bench.box.home).hardware.cards
    assert (card.id, card.profile, card.source) == ("fxo1", "audiocodes_fxo", "snmp")
    page.get_by_role("link", name="fxo1", exact=True).click()
    assert page.get_by_label(bench.say("Community")).input_value() == ""  # a secret never comes back
    page.goto("/line-cards/card/snmp/fxo1/remove")
    page.get_by_role("button", name=bench.say("Remove")).click()
    expect(page.get_by_text(bench.say("No card is watched yet"))).to_be_visible()
