"""From a figure to the attempts behind it, to one of them and back; a table taken away; all in a real browser."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import expect

from tests.e2e.web.conftest import Site
from tests.sim.web.test_reports import seed

pytestmark = pytest.mark.e2e


def test_figure_to_rows_to_table(site: Site, tmp_path: Path) -> None:
    box = site.box
    seed(box, box.campaign("Followed").id, box.people["agent"])
    page = site.page("supervisor", accept_downloads=True)
    page.goto("/reports?period=last_7_days&by=agent")
    expect(page.locator("[data-figure=rpc]")).to_have_text("2")
    expect(page.get_by_role("heading", name="How the figures are counted")).to_be_visible()
    page.locator("a.tile", has=page.locator("[data-figure=rpc]")).focus()
    page.keyboard.press("Enter")  # no mouse is needed
    expect(page.locator("[data-figure=rows]")).to_have_text("2")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_label("Result", exact=True).select_option("promise_to_pay")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.locator("tbody tr a").click()
    expect(page.get_by_role("heading", name="Course of the call")).to_be_visible()
    expect(page.get_by_role("link", name="Recording", exact=True)).to_be_visible()
    page.get_by_role("link", name="Back to the attempts").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("button", name="Attempts · Excel").click()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download").click()
    file = tmp_path / "rows.xlsx"
    waiting.value.save_as(file)
    sheet = openpyxl.load_workbook(file).active
    assert sheet is not None
    header, row = ([cell.value for cell in line] for line in sheet.iter_rows())
    shown = dict(zip(header, row, strict=True))
    assert (shown["attempt"], shown["name"], shown["disposition"]) == ("try0", "=1+1", "promise_to_pay")
    assert sheet.cell(2, header.index("name") + 1).data_type == "s"  # no formula
