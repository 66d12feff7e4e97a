"""The installer's journey in a real browser: from the set-up link to the hand-over report, then by smoke and by axe."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from appliance.store.read.seats import seats
from tests.e2e.web.conftest import Site, speak
from tests.e2e.web.reading import findings
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
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password again").fill(PASSWORD)
    page.get_by_role("button", name="Set up and sign in").click()
    _heading(page, "Your account")
    page.get_by_role("button", name="Continue").click()
    _heading(page, "Network and time")
    page.get_by_label("Time zone of the box").fill("Europe/Moscow")
    page.get_by_role("button", name="Save and continue").click()
    _heading(page, "Disks")
    expect(page.get_by_role("cell", name=fake_watch.GOOD)).to_be_visible()
    page.get_by_label("Days they are kept").fill("1")
    page.get_by_role("button", name="Work it out").click()
    expect(page.get_by_label("Days they are kept")).to_have_value("1")
    page.get_by_role("button", name="Save and continue").click()
    _heading(page, "Cards")
    page.get_by_role("link", name="Leave and go on later").click()
    page.get_by_role("link", name="Go on with the set-up").click()
    _heading(page, "Cards")
    page.get_by_role("button", name="Continue").click()
    _heading(page, "Trunks")
    page.get_by_label("Address of the gateway").fill("192.0.2.20")
    page.get_by_label("Country of the tones").select_option("RU")
    page.get_by_role("button", name="Save the trunk").click()
    page.get_by_label("Number, with + and country code").fill("+8613800138000")
    page.get_by_role("button", name="Call it").click()
    expect(page.locator("#test-call")).to_contain_text("Person")
    page.get_by_role("button", name="Continue").click()
    _heading(page, "Seats")
    page.get_by_label("How many").fill("3")
    page.get_by_label("Names, one a line").fill("Anna\nBoris")
    page.get_by_role("button", name="Make them").click()
    expect(page.get_by_text("3 of 30 seats")).to_be_visible()
    page.get_by_role("button", name="Continue").click()
    _heading(page, "Recordings")
    page.get_by_role("button", name="Save and continue").click()
    _heading(page, "Rules")
    page.get_by_text("Russia (law 230-FZ on collection)").click()
    page.get_by_role("button", name="Save and continue").click()
    _heading(page, "Test campaign")
    for at in range(1, 4):
        page.get_by_label(f"Number {at}").fill(f"+7495000000{at}")
    page.get_by_role("button", name="Start the test").click()
    expect(page.locator("#calls")).to_contain_text("Running")
    page.get_by_role("button", name="Continue").click()
    _heading(page, "Hand-over")
    expect(page.get_by_text("Russia (law 230-FZ on collection)")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Report as PDF").click()
    report = PdfReader(io.BytesIO(Path(download.value.path()).read_bytes()))
    text = " ".join(part.extract_text() for part in report.pages)
    assert "Hand-over report" in text
    assert "Europe/Moscow" in text
    page.get_by_role("button", name="Finish the set-up").click()
    expect(page.get_by_role("link", name="Go on with the set-up")).to_have_count(0)
    assert [seat.display_name for seat in seats(site.box.bus.store)] == ["Anna", "Boris", "seat03"]
    page.context.close()
    assert site.complaints == []
    assert site.foreign == []


@pytest.mark.parametrize(("language", "colours"), [("en", "light"), ("zh", "dark"), ("ru", "dark")])
def test_the_wizard_s_steps_read_well(site: Site, furnished: Site, language: str, colours: str) -> None:
    speak(furnished, language)
    page = site.page("administrator", reduced_motion="reduce", color_scheme=colours)
    found = []
    for name in STEPS:
        page.goto(f"/setup/box/{name}")
        found += findings(page)
    assert found == []


def test_an_alarm_leads_to_its_cause(site: Site, furnished: Site) -> None:
    speak(furnished, "en")
    page = site.page("administrator")
    page.goto("/trunks")
    expect(page.locator(".line", has_text="No signal")).to_contain_text("in alarm for")
    page.get_by_role("link", name="Cause and what to do").first.click()
    expect(page.get_by_role("heading", name="Gateway 1, port 1")).to_be_visible()


def test_a_preview_shows_the_agent_s_pages(site: Site, furnished: Site) -> None:
    speak(furnished, "en")
    page = site.page("administrator")
    page.goto("/roles")
    page.get_by_role("row", name="Agent").get_by_role("button", name="See as").click()
    expect(page.get_by_role("link", name="My desk")).to_be_visible()
    expect(page.get_by_role("link", name="Settings")).to_have_count(0)
    page.get_by_role("button", name="End the preview").click()
    expect(page.get_by_role("link", name="Settings").first).to_be_visible()
