"""The installer's journey in a real browser: from the set-up link to the hand-over report, then by smoke and by axe."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from appliance.store.read.seats import seats
from tests.e2e.web.conftest import Site
from tests.e2e.web.reading import findings
from tests.e2e.web.words import IN_EACH_LANGUAGE
from tests.sim.web import fake_watch
from tests.sim.web.fakes import PASSWORD

pytestmark = pytest.mark.e2e

STEPS = ("account", "network", "disks", "cards", "trunks", "seats", "recording", "rules", "campaign", "hand_over")


def _heading(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def test_from_the_set_up_link_to_the_hand_over_report(make_site: Callable[[], Site]) -> None:
    site = make_site()
    site.box.bus.watch.tell_disks()
    page = site.page()
    page.goto(f"/setup/?token={site.box.bus.set_up_token}")
    page.get_by_role("button", name="English").click()
    page.get_by_label(site.say("Password"), exact=True).fill(PASSWORD)
    page.get_by_label(site.say("Password again")).fill(PASSWORD)
    page.get_by_role("button", name=site.say("Set up and sign in")).click()
    _heading(page, site.say("Your account"))
    page.get_by_role("button", name=site.say("Continue")).click()
    _heading(page, site.say("Network and time"))
    page.get_by_label(site.say("Time zone of the box")).fill("Europe/Moscow")
    page.get_by_role("button", name=site.say("Save and continue")).click()
    _heading(page, site.say("Disks"))
    expect(page.get_by_role("cell", name=fake_watch.GOOD)).to_be_visible()
    page.get_by_label(site.say("Days they are kept")).fill("1")
    page.get_by_role("button", name=site.say("Work it out")).click()
    expect(page.get_by_label(site.say("Days they are kept"))).to_have_value("1")
    page.get_by_role("button", name=site.say("Save and continue")).click()
    _heading(page, site.say("Cards"))
    page.get_by_role("link", name=site.say("Leave and go on later")).click()
    page.get_by_role("link", name=site.say("Go on with the set-up")).click()
    _heading(page, site.say("Cards"))
    page.get_by_role("button", name=site.say("Continue")).click()
    _heading(page, site.say("Trunks"))
    page.get_by_label(site.say("Address of the gateway")).fill("192.0.2.20")
    page.get_by_label(site.say("Country of the tones")).select_option("RU")
    page.get_by_role("button", name=site.say("Save the trunk")).click()
    page.get_by_label(site.say("Number, with + and country code")).fill("+8613800138000")
    page.get_by_role("button", name=site.say("Call it")).click()
    expect(page.locator("#test-call")).to_contain_text(site.say("Person"))
    page.get_by_role("button", name=site.say("Continue")).click()
    _heading(page, site.say("Seats"))
    page.get_by_label(site.say("How many")).fill("3")
    page.get_by_label(site.say("Names, one a line")).fill("Anna\nBoris")
    page.get_by_role("button", name=site.say("Make them")).click()
    expect(page.get_by_text(site.say("%(count)s of %(limit)s seats", count=3, limit=30))).to_be_visible()
    page.get_by_role("button", name=site.say("Continue")).click()
    _heading(page, site.say("Recordings"))
    page.get_by_role("button", name=site.say("Save and continue")).click()
    _heading(page, site.say("Rules"))
    page.get_by_text(site.say("Russia (law 230-FZ on collection)")).click()
    page.get_by_role("button", name=site.say("Save and continue")).click()
    _heading(page, site.say("Test campaign"))
    for at in range(1, 4):
        page.get_by_label(f"Number {at}").fill(f"+7495000000{at}")
    page.get_by_role("button", name=site.say("Start the test")).click()
    expect(page.locator("#calls")).to_contain_text(site.say("Running"))
    page.get_by_role("button", name=site.say("Continue")).click()
    _heading(page, site.say("Hand-over"))
    expect(page.get_by_text(site.say("Russia (law 230-FZ on collection)"))).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name=site.say("Report as PDF")).click()
    report = PdfReader(io.BytesIO(Path(download.value.path()).read_bytes()))
    text = " ".join(part.extract_text() for part in report.pages)
    assert "Hand-over report" in text
    assert "Europe/Moscow" in text
    page.get_by_role("button", name=site.say("Finish the set-up")).click()
    expect(page.get_by_role("link", name=site.say("Go on with the set-up"))).to_have_count(0)
    assert [seat.display_name for seat in seats(site.box.bus.store)] == ["Anna", "Boris", "seat03"]
    page.context.close()
    assert site.complaints == []
    assert site.foreign == []


@pytest.mark.parametrize(("site", "colours"), [("en", "light"), ("zh", "dark"), ("ru", "dark")], indirect=["site"])
def test_the_wizard_s_steps_read_well(site: Site, furnished: Site, colours: str) -> None:
    page = site.page("administrator", reduced_motion="reduce", color_scheme=colours)
    found = []
    for name in STEPS:
        page.goto(f"/setup/box/{name}")
        found += findings(page)
    assert found == []


@IN_EACH_LANGUAGE
def test_an_alarm_leads_to_its_cause(site: Site, furnished: Site) -> None:
    page = site.page("administrator")
    page.goto("/trunks")
    expect(page.locator(".line", has_text=site.say("No signal"))).to_contain_text(site.say("in alarm for"))
    page.get_by_role("link", name=site.say("Cause and what to do")).first.click()
    expect(page.get_by_role("heading", name="Gateway 1, port 1")).to_be_visible()


@IN_EACH_LANGUAGE
def test_a_preview_shows_the_agent_s_pages(site: Site, furnished: Site) -> None:
    page = site.page("administrator")
    page.goto("/roles")
    page.get_by_role("row", name=site.say("Agent")).get_by_role("button", name=site.say("See as")).click()
    expect(page.get_by_role("link", name=site.say("My desk"))).to_be_visible()
    expect(page.get_by_role("link", name=site.say("Settings"))).to_have_count(0)
    page.get_by_role("button", name=site.say("End the preview")).click()
    expect(page.get_by_role("link", name=site.say("Settings")).first).to_be_visible()
