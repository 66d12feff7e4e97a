"""The editors in a browser: questions sorted by keyboard, a script that shows what it becomes while it is typed."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from appliance.commands import SaveForm
from tests.e2e.web.conftest import Site
from tests.e2e.web.words import IN_EACH_LANGUAGE

pytestmark = pytest.mark.e2e


@IN_EACH_LANGUAGE
def test_a_form_and_a_script_are_written_by_keyboard(site: Site) -> None:
    campaign = site.box.campaign(site.named("Editors"))
    site.box.by_administrator(
        SaveForm, campaign_id=campaign.id, live=True,
        questions=[{"id": "a", "label": "First"}, {"id": "b", "label": "Second", "kind": "yes_no"}],
    )  # fmt: skip
    page = site.page("supervisor", viewport={"width": 1366, "height": 768})
    page.goto(f"/campaigns/{campaign.id}/form")
    labels = page.locator("#questions input[name$='.label']")
    expect(labels).to_have_count(2)
    page.locator("#questions [data-grip]").nth(1).focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(labels.first).to_have_value("Second")
    page.get_by_role("button", name=site.say("Another question")).press("Enter")
    expect(labels).to_have_count(3)
    page.keyboard.type("Third")
    kind = page.locator("#questions select[data-kind]").nth(2)
    kind.select_option("choice")
    expect(page.locator("#questions [data-item]").nth(2).locator("[data-kinds-of~=choice]")).to_be_visible()
    page.locator("#questions textarea[name$='.choices']").nth(2).fill("red\nblue")
    expect(page.locator("#preview")).to_contain_text("blue")
    page.get_by_role("button", name=site.say("Give it to the agents")).click()
    expect(page.locator("#toasts")).to_contain_text(site.say("Agents have the form now."))
    assert [page.locator("#questions input[name$='.id']").nth(n).input_value() for n in range(3)] == ["b", "a", "third"]

    page.goto(f"/campaigns/{campaign.id}/script")
    page.locator("#text").fill("# Start\nGood day ")
    page.locator("#placeholder").select_option("{name}")
    page.keyboard.type(" 1\n* Yes -> End\n# Between\nNobody comes here.\n# End\nThank you.")
    astray = site.say("No way leads to the step “%(what)s”.", what="Between")
    expect(page.locator("#preview")).to_contain_text(astray)
    shown = page.locator("#preview .script-step:visible")
    expect(shown).to_contain_text(f"Good day {site.say('Name of the customer')} 1")
    page.locator("#preview [data-go]").press("Enter")
    expect(page.locator("#preview .script-step:visible")).to_contain_text("Thank you.")
    page.locator("#preview [data-step='-1']").press("Enter")
    expect(page.locator("#preview .script-step:visible")).to_contain_text("Good day")
