"""The room by keyboard, the wallboard without scrolling, and a form that outlives its session; in a real browser."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import delete

from appliance import commands as cmd
from appliance.events import LiveAgent, LiveLine, LiveTrunk
from appliance.store import models
from tests.e2e.web.conftest import Site
from tests.e2e.web.words import IN_EACH_LANGUAGE
from tests.sim.web.fakes import PASSWORD, FakeBox

pytestmark = pytest.mark.e2e
NAMES = ("Мария Константинопольская", "王小明", "Ann O'Neil-Montgomery")
SIZES = ((1366, 768), (1920, 1080))


def full_room(box: FakeBox, agents: int = 30) -> None:
    """As many agents as a box has seats, calls in all states, a trunk that is down."""
    engine, now = box.bus.engine, time.time()
    campaign = box.campaign(f"Autumn {time.monotonic_ns()}")
    engine.live_campaign(campaign, state="running")
    states = ["talking"] * 14 + ["ready"] * 6 + ["wrap_up"] * 5 + ["paused"] * 5
    for number in range(agents):
        state = states[number]
        engine.agents[f"u{number}"] = LiveAgent(
            agent_id=f"u{number}", display_name=NAMES[number % len(NAMES)],
            seat_id=f"seat{number + 1:02}", state=state, since_unix_s=now - 31 * number, campaign_name="Autumn",
            conversation_id=f"c{number}" if state == "talking" else None,
        )  # fmt: skip
    calls = ["dialling"] * 9 + ["ringing"] * 5 + ["heard"] * 2 + ["talking"] * 14
    engine.lines = [
        LiveLine(conversation_id=f"l{n}", campaign_id=campaign.id, state=state, since_unix_s=now - n)
        for n, state in enumerate(calls)
    ]
    box.bus.emit("room", msgspec.structs.replace(engine.room(), trunks=[
        LiveTrunk(trunk_id="t1", channels=30, usable=30, used=26), LiveTrunk(trunk_id="t2", channels=30, usable=0),
    ]))  # fmt: skip


def _scrolls(page: Page) -> Any:
    return page.evaluate("""() => {
      scrollTo(0, 500);
      const cut = [...document.querySelectorAll(".wall-tile, .wall-person")].filter(
        (one) => one.scrollHeight > one.clientHeight + 1 || one.getBoundingClientRect().bottom > innerHeight + 1 ||
          one.getBoundingClientRect().right > innerWidth + 1);
      return [scrollY, cut.map((one) => one.textContent.trim())];
    }""")


@IN_EACH_LANGUAGE
def test_room_by_keyboard_and_the_wall_on_one_screen(site: Site) -> None:
    box = site.box
    box.by_administrator(cmd.SaveSeat, id="seat40")
    full_room(box)
    page = site.page("supervisor", viewport={"width": 1366, "height": 768})
    page.goto("/board")
    page.get_by_label(site.say("My phone for listening")).select_option("seat40")
    tile = page.locator("#agent-u1")
    tile.focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#agent-u0")).to_be_focused()
    page.keyboard.press("l")
    expect(page.get_by_text(site.say("You listen; nobody hears you. Your phone answers by itself."))).to_be_visible()
    tile.focus()
    page.keyboard.press("Enter")
    page.get_by_label(site.say("Reason of the pause")).select_option("lunch")
    page.get_by_role("button", name=site.say("Pause")).click()
    expect(page.get_by_text(site.say("The agent is paused."))).to_be_visible()
    page.locator("#agent-u2").focus()
    page.keyboard.press("t")
    page.get_by_role("button", name=site.say("Take over")).click()
    expect(page.get_by_text(site.say("The customer is yours. The agent goes to his wrap-up."))).to_be_visible()
    sent = {type(c): c for c in box.bus.asked if isinstance(c, cmd.SuperviseAgent | cmd.ForceState | cmd.TakeOver)}
    assert (sent[cmd.SuperviseAgent].agent_id, sent[cmd.ForceState].agent_id, sent[cmd.ForceState].reason) == (
        "u0", "u1", "lunch",
    )  # fmt: skip
    assert sent[cmd.TakeOver].agent_id == "u2"
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        page.goto("/wall")
        expect(page.locator("[data-figure=waiting]")).to_have_text("2")
        assert _scrolls(page) == [0, []], (width, height)
    box.bus.engine.change("u3", state="paused")
    expect(page.locator("#wall-u3.state-paused")).to_be_visible()
    page.locator("#wall-u3").click()
    expect(page).to_have_url(f"{site.address}/board#agent-u3")


def test_a_wall_that_is_cut_off_says_so_and_comes_back(site: Site) -> None:
    box, engine = site.box, site.box.bus.engine
    full_room(box)
    page = site.page("supervisor", viewport={"width": 1366, "height": 768})
    page.goto("/wall")
    expect(page.locator("#wall-u3.state-talking")).to_be_visible()
    lost = page.get_by_text(site.say("No connection: these are old figures. Trying again…"))
    expect(lost).to_be_hidden()
    page.context.set_offline(True)
    expect(lost).to_be_visible()
    assert _scrolls(page) == [0, []]
    engine.change("u3", state="paused")
    assert page.locator("#wall-u3.state-talking").is_visible()
    page.context.set_offline(False)
    expect(lost).to_be_hidden()
    expect(page.locator("#wall-u3.state-paused")).to_be_visible()
    engine.change("u3", state="ready")
    expect(page.locator("#wall-u3.state-ready")).to_be_visible()
    site.complaints.clear()  # the browser notes each request that failed


@IN_EACH_LANGUAGE
def test_a_form_outlives_its_session(site: Site) -> None:
    box, name = site.box, site.named("Kept")
    page = site.page("administrator")
    page.goto("/campaigns/new")
    page.get_by_label(site.say("Name of the campaign")).fill(name)
    page.get_by_label(site.say("Script for the agent")).fill("Good morning, {name}")
    page.get_by_text(site.say("Only when the agent asks for it")).click()
    with box.bus.store.write() as session:
        session.execute(delete(models.Session).where(models.Session.user_id == box.people["administrator"]))
    page.get_by_role("button", name=site.say("Make the campaign")).click()
    page.get_by_label(site.say("Name for signing in")).fill("administrator")
    page.get_by_label(site.say("Password")).fill(PASSWORD)
    page.get_by_role("button", name=site.say("Sign in")).click()
    again = "Your session had ended. What you typed is here again: look at it and send it once more."
    expect(page.get_by_text(site.say(again))).to_be_visible()
    expect(page.get_by_label(site.say("Script for the agent"))).to_have_value("Good morning, {name}")
    page.get_by_role("button", name=site.say("Make the campaign")).click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    made = next(c for c in box.bus.asked if isinstance(c, cmd.SaveCampaign) and c.name == name)
    assert made.config["record_on_demand"]
    box._tokens.clear()
