"""An agent's hour in miniature, by keyboard alone; a reload in the middle of a call; three languages; axe."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from appliance import commands as cmd
from appliance.store.models import Attempt, Campaign, Contact, KbArticle, Lead
from tests.e2e.web.conftest import Site
from tests.e2e.web.reading import findings

pytestmark = pytest.mark.e2e

PICTURES = os.environ.get("CALLBOX_PICTURES", "")
"""A folder: the pages are also photographed, to be looked at."""
SCRIPT = "Good day, {name}.\n# Offer\nYou owe {amount}.\n# Farewell\nThank you, {name}."
SURVEY = [
    {"id": "wants", "label": "Wants to pay by instalments?", "kind": "yes_no"},
    {"id": "months", "label": "How many months?", "kind": "number", "when_id": "wants", "when_is": "yes"},
    {"id": "channel", "label": "Heard of us by", "kind": "several", "choices": ["Radio", "Letter", "朋友"]},
]  # fmt: skip


@pytest.fixture(scope="module")
def room(ready_box: Site) -> Campaign:
    """A campaign with script and form, articles, a seat, and a customer with a past."""
    box, now = ready_box.box, datetime.now(UTC)
    box.by_administrator(cmd.SaveSeat, id="seat20", display_name="Seat 20")
    campaign = box.campaign("Autumn", script=SCRIPT, survey=SURVEY)
    with box.bus.store.write() as session:
        session.add(Contact(id="c1", number="+8613812345678", created_at=now))
        session.flush()
        session.add(
            Lead(id="lead1", campaign_id=campaign.id, contact_id="c1", number="+8613812345678", state="done",
                 next_attempt_at=now, currency="CNY")
        )  # fmt: skip
        session.flush()
        for day, (disposition, note) in enumerate((("promise_to_pay", "pays on Friday"), ("not_at_home", ""))):
            at = now - timedelta(days=day + 1)
            session.add(
                Attempt(id=f"past{day}", campaign_id=campaign.id, lead_id="lead1", contact_id="c1",
                        number="+8613812345678", trunk_id="t", created_at=at, ended_at=at, bridged_at=at,
                        outcome="human", agent_id=box.people["agent"], disposition=disposition, note=note,
                        promise_date="2026-03-09" if note else None, promise_amount_minor=50000 if note else None)
            )  # fmt: skip
        for key, title, step, dispositions in (
            ("k1", "Payment by instalments", "Offer", []), ("k3", "还款方式", "Farewell", []),
            ("k2", "Promise to pay: what to note", "", ["promise_to_pay"]),
        ):  # fmt: skip
            session.add(
                KbArticle(id=key, title=title, body="Up to twelve months.\nAsk for the day of the month.", tags="",
                          dispositions=dispositions, step=step, updated_at=now)
            )  # fmt: skip
    return campaign


def seated(site: Site, login: str, seat: str, **options: Any) -> Page:
    """The desk of a new agent, paused."""
    box = site.box
    box.add_user(login, "agent")
    box.read_in(login, site.language)
    box.by_administrator(cmd.SaveSeat, id=seat, display_name=f"Phone {seat}")
    page = site.page(login, **options)
    page.goto("/desk")
    page.locator(f"input[value={seat}]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#bar.state-paused")).to_be_visible()
    page.wait_for_load_state()  # what hears the keys is there
    return page


def photograph(page: Page, name: str) -> None:
    if PICTURES:  # (which puts a style of its own into the page: a complaint)
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"))


def last(site: Site, kind: type[cmd.Command]) -> Any:
    return next(c for c in reversed(site.box.bus.asked) if isinstance(c, kind))


def test_an_hour_by_keyboard_alone(site: Site, room: Campaign) -> None:
    engine = site.box.bus.engine
    login = site.named("hourly")
    page = seated(site, login, site.named("seat"), viewport={"width": 1366, "height": 768})
    me = site.box.people[login]
    engine.targets = {
        "agents": [{"id": "a2", "name": "Li Lei"}, {"id": "a3", "name": "Anna"}], "numbers": True,
        "queues": [{"id": "q1", "name": "Service"}], "seats": [{"id": "seat20", "name": "Seat 20"}],
    }  # fmt: skip
    press = page.keyboard.press
    press("Alt+a")
    expect(page.locator("#bar.state-ready")).to_be_visible()

    # the first call: script, knowledge, form, note, promise
    engine.connect(me, f"first-{login}", room)
    expect(page.locator("#record-name")).to_have_text("王小明")
    expect(page.get_by_text("pays on Friday")).to_be_visible()
    expect(page.get_by_text("Good day, 王小明.")).to_be_visible()
    press("Alt+w")
    expect(page.get_by_text("You owe 12,345.00 CNY.")).to_be_visible()
    expect(page.locator("#articles")).to_contain_text("Payment by instalments")
    press("Alt+b")
    page.keyboard.type("还款")
    expect(page.locator("#articles")).to_contain_text("还款方式")
    press("Alt+m")
    expect(page.locator("#mute")).to_have_attribute("aria-pressed", "true")
    press("Alt+m")
    expect(page.locator("#mute")).to_have_attribute("aria-pressed", "false")
    press("Alt+c")
    expect(page.locator("#card")).to_contain_text(site.say("Not recorded"))
    press("Alt+c")
    expect(page.locator("#card")).to_contain_text(site.say("Card data"))
    page.locator("input[name='answers.wants'][value=yes]").focus()
    press("Space")
    page.locator("input[name='answers.months']").focus()
    page.keyboard.type("12")
    press("Alt+r")
    page.keyboard.type("prom")
    press("Enter")
    page.keyboard.type("pays by card")
    expect(page.locator("#kept")).to_have_text(site.say("Kept."))
    assert last(site, cmd.AgentDraft).note == "pays by card"
    photograph(page, "desk-light")
    page.locator("#promise_date").fill("2026-12-24")
    press("Alt+p")
    page.locator("#bar details[open] button").first.focus()
    press("Enter")
    expect(page.locator("#bar")).to_contain_text(site.say("After this call: %(state)s", state=site.say("Paused")))
    press("Alt+x")
    expect(page.locator("#bar.state-wrap_up")).to_be_visible()
    press("Alt+s")
    expect(page.get_by_text(site.say("Result saved."))).to_be_visible()
    saved = last(site, cmd.AgentDispose)
    assert (saved.disposition, saved.note, saved.promise_date) == ("promise_to_pay", "pays by card", "2026-12-24")
    assert saved.answers == {"wants": "yes", "months": "12", "channel": []}

    # the second: a colleague is asked first, and takes over
    engine.connect(me, f"second-{login}", room)
    expect(page.locator("#bar.state-talking")).to_be_visible()
    press("Alt+t")
    expect(page.locator("#transfer-to")).to_be_visible()
    photograph(page, "transfer-light")
    page.locator("#transfer-to").focus()
    press("ArrowDown")
    press("ArrowDown")
    press("Enter")  # the first button of the dialog: to call them first
    expect(page.locator("#complete")).to_be_visible()
    assert last(site, cmd.AgentTransfer).attended
    press("Alt+g")
    expect(page.locator("#join")).to_contain_text(site.say("The two alone"))
    press("Alt+y")
    expect(page.locator("#bar.state-wrap_up")).to_be_visible()
    assert last(site, cmd.AgentThird).action == "complete"
    press("Alt+9")
    press("Alt+s")
    expect(page.locator("#bar.state-ready")).to_be_visible()
    assert last(site, cmd.AgentDispose).disposition == "informed"
    press("?")
    expect(page.get_by_role("dialog", name=site.say("Keyboard"))).to_be_visible()


def test_a_reload_in_the_middle_of_a_call_loses_nothing(site: Site, room: Campaign) -> None:
    login = site.named("reloader")
    page = seated(site, login, site.named("seat"))
    site.box.bus.engine.connect(site.box.people[login], f"call-{login}", room)
    page.locator("#note").fill("half a sen")
    page.locator("input[name='answers.channel'][value=朋友]").check()
    page.locator("#note").press("End")
    page.keyboard.type("tence")
    page.reload()
    expect(page.locator("#bar.state-talking")).to_be_visible()
    expect(page.locator("#record-name")).to_have_text("王小明")
    expect(page.locator("#note")).to_have_value("half a sentence")
    expect(page.locator("input[name='answers.channel'][value=朋友]")).to_be_checked()


def test_what_the_box_cannot_keep_stays_in_the_browser(site: Site, room: Campaign) -> None:
    login = site.named("offline")
    page = seated(site, login, site.named("seat"))
    site.box.bus.engine.connect(site.box.people[login], f"call-{login}", room)
    expect(page.locator("#note")).to_be_visible()
    page.route("**/desk/draft", lambda route: route.abort())
    page.locator("#note").fill("while the network is away")
    expect(page.locator("#kept")).to_contain_text(site.say("Not kept on the box yet; it stays in this browser."))
    page.unroute("**/desk/draft")
    expect(page.locator("#kept")).to_have_text(site.say("Kept."))
    site.complaints.clear()  # the browser notes the request that failed


def test_own_keys(site: Site, room: Campaign) -> None:
    login = site.named("keyed")
    page = seated(site, login, site.named("seat"))
    page.goto("/desk/keys")
    page.locator("#key-hangup").focus()
    page.keyboard.press("Control+Shift+h")
    expect(page.locator("#key-hangup")).to_have_value("Ctrl+Shift+H")
    page.get_by_role("button", name=site.say("Save")).click()
    expect(page.locator("#toasts")).to_contain_text(site.say("The keys are saved."))
    page.goto("/desk")
    site.box.bus.engine.connect(site.box.people[login], f"call-{login}", room)
    expect(page.locator("#hangup")).to_contain_text("Ctrl+Shift+H")
    page.keyboard.press("Control+Shift+h")
    expect(page.locator("#bar.state-wrap_up")).to_be_visible()


@pytest.mark.parametrize(
    ("site", "colours", "money"),
    [("en", "light", "12,345.00"), ("zh", "dark", "12,345.00"), ("ru", "dark", "12\N{NO-BREAK SPACE}345,00")],
    indirect=["site"],
)  # fmt: skip
def test_the_desk_speaks_each_language_and_reads_well(site: Site, room: Campaign, colours: str, money: str) -> None:
    """What of the hour differs by language: words, figures, the keys beside them; the whole of it is played above."""
    box, engine, login = site.box, site.box.bus.engine, site.named("speaker")
    look: dict[str, Any] = {"color_scheme": colours, "reduced_motion": "reduce"}
    page = seated(site, login, site.named("seat"), viewport={"width": 1366, "height": 768}, **look)
    bar, press, me = page.locator("#bar"), page.keyboard.press, box.people[login]
    expect(bar).to_contain_text(site.say("Paused"))
    press("Alt+a")
    expect(bar).to_contain_text(site.say("Ready"))
    expect(page.get_by_text(site.say("Waiting for the next call"))).to_be_visible()
    engine.connect(me, f"call-{login}", room)
    expect(bar).to_contain_text(site.say("Talking"))
    expect(page.locator("#announce")).to_have_text(site.say("Call connected"))
    press("Alt+w")
    expect(page.get_by_text(f"You owe {money} CNY.")).to_be_visible()
    expect(page.get_by_text("pays on Friday")).to_be_visible()
    expect(page.locator("#hangup")).to_contain_text(site.say("Hang up"))
    expect(page.locator("#hangup")).to_contain_text("Alt+X")
    press("?")
    expect(page.get_by_role("dialog", name=site.say("Keyboard"))).to_be_visible()
    press("Escape")
    press("Alt+1")
    page.locator("#note").fill("2026")
    expect(page.locator("#kept")).to_have_text(site.say("Kept."))
    engine.change(me, third="talking", third_name="Anna", on_hold=True)
    expect(page.locator("#complete")).to_be_visible()
    expect(page.locator("#articles")).not_to_be_empty()
    photograph(page, f"desk-{site.language}-{colours}")
    assert findings(page) == []
    page.goto("/desk/keys")
    assert findings(page) == []
