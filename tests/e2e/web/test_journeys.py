"""Journeys through the pages in a real browser, with the network cut and every complaint an error."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from appliance import commands as cmd
from tests.e2e.web.conftest import Site
from tests.sim.web.fakes import PASSWORD

pytestmark = pytest.mark.e2e


def test_first_run_in_chinese(make_site: Callable[[], Site]) -> None:
    site = make_site()
    page = site.page()
    page.goto(f"/setup/?token={site.box.bus.set_up_token}")
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("heading", name="管理员账号")).to_be_visible()
    page.get_by_label("密码", exact=True).fill(PASSWORD)
    page.get_by_label("再次输入密码").fill(PASSWORD)
    page.get_by_role("button", name="完成设置并登录").click()
    expect(page).to_have_url(f"{site.address}/setup/box/account")
    page.get_by_role("link", name="离开，稍后继续").click()
    expect(page.get_by_text("拨通第一个电话的步骤")).to_be_visible()
    page.context.close()
    assert site.complaints == []
    assert site.foreign == []


def test_log_in_and_out(site: Site) -> None:
    page = site.page()
    page.goto("/campaigns")
    page.get_by_label("Name for signing in").fill("supervisor")
    page.get_by_label("Password", exact=True).fill("wrong password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("Name or password is wrong")
    site.complaints.clear()  # the browser notes the 401 of a wrong password
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Campaigns")).to_be_visible()
    page.locator("details.menu summary").last.click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_import_from_drop_to_campaign(site: Site, tmp_path: Path) -> None:
    rows = "\n".join(f"李{n},1381234{n:04},{n * 10}" for n in range(40))
    file = tmp_path / "名单.csv"
    file.write_text("姓名,电话,欠款\n" + rows + "\n坏,not a number,1\n", "utf-8")
    page = site.page("supervisor")
    page.goto("/imports")
    page.locator("input[type=file]").set_input_files(file)
    expect(page.locator("[data-name]")).to_contain_text("名单.csv")
    page.locator("form").filter(has=page.locator("input[type=file]")).get_by_role("button", name="Look at it").click()
    expect(page.locator("select[name=role]").nth(1)).to_have_value("phone")
    page.get_by_label("Name of the new campaign").fill("Dropped")
    page.get_by_role("button", name="Try it out").click()
    expect(page.get_by_text("Dry run: nothing is imported yet.")).to_be_visible()
    expect(page.get_by_role("row", name="not a number")).to_be_visible()
    page.get_by_role("button", name="Import 40 numbers for good").click()
    page.get_by_role("link", name="To the campaign").click()
    expect(page.get_by_role("heading", name="Dropped")).to_be_visible()
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_role("dialog")).to_contain_text("calls in progress go on")
    page.get_by_role("button", name="Stop the campaign").click()
    expect(page.get_by_role("button", name="Start")).to_be_visible()


def test_an_agent_works_without_the_mouse(site: Site) -> None:
    box, me = site.box, site.box.people["agent"]
    box.by_administrator(cmd.SaveSeat, id="seat01", display_name="Seat 1")
    campaign = box.campaign(f"Keyboard {time.monotonic()}", script="Hello {name}")
    page = site.page("agent")
    page.goto("/desk")
    page.get_by_label("Seat 1").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#bar")).to_contain_text("Paused")
    page.wait_for_load_state()  # what hears the keys is there
    page.keyboard.press("Alt+a")
    expect(page.locator("#bar.state-ready")).to_be_visible()
    page.evaluate("document.addEventListener('htmx:sse:after:connection', () => window.back = true)")
    box.bus.engine.connect(me, "conv1", campaign)
    expect(page.locator("#record-name")).to_have_text("王小明")
    expect(page.locator("#announce")).to_have_text("Call connected")
    page.keyboard.press("Alt+1")
    expect(page.locator("#promise_date")).to_be_visible()
    page.keyboard.press("Alt+9")
    expect(page.locator("#promise_date")).to_be_hidden()
    page.keyboard.press("Alt+n")
    page.keyboard.type("asked about 1? yes")
    page.reload()
    expect(page.locator("#note")).to_have_value("asked about 1? yes")
    expect(page.locator("input[type=radio][value=informed]")).to_be_checked()
    page.keyboard.press("Alt+x")
    expect(page.locator("#bar")).to_contain_text("Wrap-up")
    page.keyboard.press("Alt+s")
    expect(page.get_by_text("Waiting for the next call")).to_be_visible()
    sent = next(c for c in reversed(box.bus.asked) if isinstance(c, cmd.AgentDispose))
    assert (sent.disposition, sent.note) == ("informed", "asked about 1? yes")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()


def test_no_screen_stays_behind_when_events_chase_each_other(site: Site) -> None:
    """Two events of an agent within milliseconds: the second may come while the first one's answer is swapped in."""
    box, me = site.box, site.box.add_user("chased", "agent")
    box.by_administrator(cmd.SaveSeat, id="seat07", display_name="Seat 7")
    page = site.page("chased")
    page.goto("/desk")
    page.get_by_label("Seat 7").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#bar")).to_contain_text("Paused")
    for turn in range(25):
        box.bus.engine.change(me, state="ready")
        time.sleep(turn * 0.004)  # the very moment is sought, not waited for
        last = "paused" if turn % 2 else "talking"
        box.bus.engine.change(me, state=last)
        expect(page.locator(f"#bar.state-{last}")).to_be_visible(timeout=5000)


def test_dark_follows_the_system_until_chosen(site: Site) -> None:
    page = site.page("supervisor", color_scheme="dark")
    page.goto("/campaigns")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.locator("details.menu summary").last.click()
    page.get_by_label("Colours").select_option("light")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")


def test_a_session_that_ends_keeps_what_was_typed(site: Site) -> None:
    box = site.box
    box.add_user("short", "agent")
    box.by_administrator(cmd.SaveSeat, id="seat09")
    page = site.page("short")
    page.goto("/desk")
    page.get_by_label("seat09").check()
    page.get_by_role("button", name="Sit down").click()
    expect(page.locator("#bar")).to_contain_text("Paused")
    page.wait_for_load_state()  # what hears the keys is there
    box.bus.engine.connect(box.people["short"], "conv9")
    page.locator("#note").fill("half a sentence")
    box.bus.request(cmd.LogOut(session_token=box.token("short")))
    page.keyboard.press("Alt+1")
    page.keyboard.press("Alt+s")
    expect(page.get_by_role("dialog", name="Your session has ended")).to_be_visible()
    expect(page.locator("#note")).to_have_value("half a sentence")
    site.complaints.clear()  # the browser notes the 401
