"""Journeys through the pages in a real browser, with the network cut and every complaint an error."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from appliance import commands as cmd
from tests.e2e.web.conftest import Site
from tests.e2e.web.words import IN_EACH_LANGUAGE
from tests.sim.web.fakes import PASSWORD

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(("language", "native"), [("zh", "中文"), ("ru", "Русский")])
def test_first_run(make_site: Callable[[], Site], language: str, native: str) -> None:
    """The language that is chosen, not the browser's; in English it is played to the end by test_set_up."""
    site = make_site()
    page = site.page()
    site.language = language
    page.goto(f"/setup/?token={site.box.bus.set_up_token}")
    page.get_by_role("button", name=native).click()
    expect(page.get_by_role("heading", name=site.say("The administrator"))).to_be_visible()
    page.get_by_label(site.say("Password"), exact=True).fill(PASSWORD)
    page.get_by_label(site.say("Password again")).fill(PASSWORD)
    page.get_by_role("button", name=site.say("Set up and sign in")).click()
    expect(page).to_have_url(f"{site.address}/setup/box/account")
    page.get_by_role("link", name=site.say("Leave and go on later")).click()
    expect(page.get_by_text(site.say("The way to the first call"))).to_be_visible()
    page.context.close()
    assert site.complaints == []
    assert site.foreign == []


@IN_EACH_LANGUAGE
def test_log_in_and_out(site: Site) -> None:
    page = site.page()
    page.goto("/campaigns")
    page.get_by_label(site.say("Name for signing in")).fill("supervisor")
    page.get_by_label(site.say("Password"), exact=True).fill("wrong password")
    page.get_by_role("button", name=site.say("Sign in")).click()
    expect(page.get_by_role("alert")).to_contain_text(site.say("Name or password is wrong."))
    site.complaints.clear()  # the browser notes the 401 of a wrong password
    page.get_by_label(site.say("Password"), exact=True).fill(PASSWORD)
    page.get_by_role("button", name=site.say("Sign in")).click()
    expect(page.get_by_role("heading", name=site.say("Campaigns"))).to_be_visible()
    page.locator("details.menu summary").last.click()
    page.get_by_role("button", name=site.say("Sign out")).click()
    expect(page.get_by_role("heading", name=site.say("Sign in"))).to_be_visible()


@IN_EACH_LANGUAGE
def test_import_from_drop_to_campaign(site: Site, tmp_path: Path) -> None:
    rows = "\n".join(f"李{n},1381234{n:04},{n * 10}" for n in range(40))
    file = tmp_path / "名单.csv"
    file.write_text("姓名,电话,欠款\n" + rows + "\n坏,not a number,1\n", "utf-8")
    page, name = site.page("supervisor"), site.named("Dropped")
    page.goto("/imports")
    page.locator("input[type=file]").set_input_files(file)
    expect(page.locator("[data-name]")).to_contain_text("名单.csv")
    drop = page.locator("form").filter(has=page.locator("input[type=file]"))
    drop.get_by_role("button", name=site.say("Look at it")).click()
    expect(page.locator("select[name=role]").nth(1)).to_have_value("phone")
    page.get_by_label(site.say("Name of the new campaign")).fill(name)
    page.get_by_role("button", name=site.say("Try it out (dry run)")).click()
    expect(page.get_by_text(site.say("Dry run: nothing is imported yet."))).to_be_visible()
    expect(page.get_by_role("row", name="not a number")).to_be_visible()
    page.get_by_role("button", name=site.say("Import %(count)s numbers for good", count=40)).click()
    page.get_by_role("link", name=site.say("To the campaign")).click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    page.get_by_role("button", name=site.say("Start")).click()
    expect(page.get_by_role("button", name=site.say("Pause"))).to_be_visible()
    page.get_by_role("button", name=site.say("Stop"), exact=True).click()
    sure = "Stop “%(name)s”? No new calls are made; calls in progress go on to their end. It can be started again."
    expect(page.get_by_role("dialog")).to_contain_text(site.say(sure, name=name))
    page.get_by_role("button", name=site.say("Stop the campaign")).click()
    expect(page.get_by_role("button", name=site.say("Start"))).to_be_visible()


def test_an_agent_works_without_the_mouse(site: Site) -> None:
    box, login, seat = site.box, site.named("keys"), site.named("seat")
    me = box.add_user(login, "agent")
    box.by_administrator(cmd.SaveSeat, id=seat)
    campaign = box.campaign(site.named("Keyboard"), script="Hello {name}")
    page = site.page(login)
    page.goto("/desk")
    page.locator(f"input[value={seat}]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#bar")).to_contain_text(site.say("Paused"))
    page.wait_for_load_state()  # what hears the keys is there
    page.keyboard.press("Alt+a")
    expect(page.locator("#bar.state-ready")).to_be_visible()
    page.evaluate("document.addEventListener('htmx:sse:after:connection', () => window.back = true)")
    box.bus.engine.connect(me, f"conv-{login}", campaign)
    expect(page.locator("#record-name")).to_have_text("王小明")
    expect(page.locator("#announce")).to_have_text(site.say("Call connected"))
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
    expect(page.locator("#bar")).to_contain_text(site.say("Wrap-up"))
    page.keyboard.press("Alt+s")
    expect(page.get_by_text(site.say("Waiting for the next call"))).to_be_visible()
    sent = next(c for c in reversed(box.bus.asked) if isinstance(c, cmd.AgentDispose))
    assert (sent.disposition, sent.note) == ("informed", "asked about 1? yes")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name=site.say("Keyboard"))).to_be_visible()


def test_no_screen_stays_behind_when_events_chase_each_other(site: Site) -> None:
    """Two events of an agent within milliseconds: the second may come while the first one's answer is swapped in."""
    box, login, seat = site.box, site.named("chased"), site.named("seat")
    me = box.add_user(login, "agent")
    box.by_administrator(cmd.SaveSeat, id=seat)
    page = site.page(login)
    page.goto("/desk")
    page.locator(f"input[value={seat}]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#bar")).to_contain_text(site.say("Paused"))
    for turn in range(25):
        box.bus.engine.change(me, state="ready")
        time.sleep(turn * 0.004)  # the very moment is sought, not waited for
        last = "paused" if turn % 2 else "talking"
        box.bus.engine.change(me, state=last)
        expect(page.locator(f"#bar.state-{last}")).to_be_visible()


def test_dark_follows_the_system_until_chosen(site: Site) -> None:
    page = site.page("supervisor", color_scheme="dark")
    page.goto("/campaigns")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.locator("details.menu summary").last.click()
    page.get_by_label(site.say("Colours")).select_option("light")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")


@IN_EACH_LANGUAGE
def test_a_session_that_ends_keeps_what_was_typed(site: Site) -> None:
    box, login, seat = site.box, site.named("short"), site.named("seat")
    box.add_user(login, "agent")
    box.read_in(login, site.language)
    box.by_administrator(cmd.SaveSeat, id=seat)
    page = site.page(login)
    page.goto("/desk")
    page.locator(f"input[value={seat}]").check()
    page.get_by_role("button", name=site.say("Sit down")).click()
    expect(page.locator("#bar")).to_contain_text(site.say("Paused"))
    page.wait_for_load_state()  # what hears the keys is there
    box.bus.engine.connect(box.people[login], f"conv-{login}")
    page.locator("#note").fill("half a sentence")
    box.bus.request(cmd.LogOut(session_token=box.token(login)))
    page.keyboard.press("Alt+1")
    page.keyboard.press("Alt+s")
    expect(page.get_by_role("dialog", name=site.say("Your session has ended"))).to_be_visible()
    expect(page.locator("#note")).to_have_value("half a sentence")
    site.complaints.clear()  # the browser notes the 401


def test_who_is_asked_is_not_overtaken_by_what_changes_meanwhile(site: Site) -> None:
    """The buttons are drawn anew under the question: what was meant is sent, or, when it is gone, nothing."""
    box, campaign = site.box, site.box.campaign(site.named("Asked"))
    box.by_administrator(cmd.CampaignAction, campaign_id=campaign.id, action="start")
    page = site.page("supervisor", viewport={"width": 1366, "height": 768})
    page.goto(f"/campaigns/{campaign.id}")
    stop = page.get_by_role("button", name="Stop", exact=True)
    sure = page.get_by_role("button", name="Stop the campaign")
    posted: list[str] = []
    page.on("request", lambda request: posted.append(request.url) if request.method == "POST" else None)

    stop.click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    stop.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    box.by_administrator(cmd.CampaignAction, campaign_id=campaign.id, action="stop")
    expect(page.locator("#campaign-live button[value=start]")).to_be_attached()
    sure.click()
    expect(page.locator("#toasts")).to_contain_text("This changed while you were asked. Nothing was sent")
    assert not posted, "neither before the answer nor after it"

    box.by_administrator(cmd.CampaignAction, campaign_id=campaign.id, action="start")
    stop.click()
    box.by_administrator(cmd.CampaignAction, campaign_id=campaign.id, action="pause")
    expect(page.locator("#campaign-live button[value=resume]")).to_be_attached()
    assert not posted
    sure.click()
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_attached()
    assert len(posted) == 1
    last = next(one for one in reversed(box.bus.asked) if isinstance(one, cmd.CampaignAction))
    assert last.action == "stop"
