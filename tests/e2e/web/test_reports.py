"""From a figure to the attempts behind it, to one of them and back; a table taken away; all in a real browser."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import expect

from tests.e2e.web.conftest import Site
from tests.e2e.web.words import IN_EACH_LANGUAGE
from tests.sim.web.test_reports import seed

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def followed(ready_box: Site) -> None:
    """Attempts of one campaign."""
    box = ready_box.box
    seed(box, box.campaign("Followed").id, box.people["agent"])


@IN_EACH_LANGUAGE
def test_figure_to_rows_to_table(site: Site, followed: None, tmp_path: Path) -> None:
    page = site.page("supervisor", accept_downloads=True)
    page.goto("/reports?period=last_7_days&by=agent")
    expect(page.locator("[data-figure=rpc]")).to_have_text("2")
    expect(page.get_by_role("heading", name=site.say("How the figures are counted"))).to_be_visible()
    page.locator("a.tile", has=page.locator("[data-figure=rpc]")).focus()
    page.keyboard.press("Enter")  # no mouse is needed
    expect(page.locator("[data-figure=rows]")).to_have_text("2")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_label(site.say("Result"), exact=True).select_option("promise_to_pay")
    page.get_by_role("button", name=site.say("Search")).click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.locator("tbody tr a").click()
    expect(page.get_by_role("heading", name=site.say("Course of the call"))).to_be_visible()
    expect(page.locator("#main").get_by_role("link", name=site.say("Recording"), exact=True)).to_be_visible()
    page.get_by_role("link", name=site.say("Back to the attempts")).click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("button", name=f"{site.say('Attempts')} · Excel").click()
    with page.expect_download() as waiting:
        page.get_by_role("link", name=site.say("Download")).click()
    file = tmp_path / "rows.xlsx"
    waiting.value.save_as(file)
    sheet = openpyxl.load_workbook(file).active
    assert sheet is not None
    header, row = ([cell.value for cell in line] for line in sheet.iter_rows())
    shown = dict(zip(header, row, strict=True))
    assert (shown["attempt"], shown["name"], shown["disposition"]) == ("try0", "=1+1", "promise_to_pay")
    assert sheet.cell(2, header.index("name") + 1).data_type == "s"  # no formula
