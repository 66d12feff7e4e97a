"""A call is listened to, commented and scored by keyboard alone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from appliance.store.read import quality
from tests.e2e.web.conftest import Site
from tests.sim.web.recording_scene import make_quality

pytestmark = pytest.mark.e2e


def test_scoring_by_keyboard(site: Site) -> None:
    ids = make_quality(site.box, call := site.named("keyed"))
    page = site.page("supervisor", viewport={"width": 1366, "height": 768})
    page.goto(f"/recordings/{call}-2?t=8")
    place = page.get_by_role("slider")
    expect(place).to_be_focused()
    expect(place).to_have_attribute("aria-valuenow", "8")
    page.keyboard.press("ArrowRight")
    expect(place).to_have_attribute("aria-valuenow", "13")
    page.keyboard.press("+")
    expect(page.locator("[data-speed]")).to_have_value("1.25")
    page.keyboard.press("m")
    expect(page.locator(".note-list li")).to_have_count(3)
    page.locator(".note-list li").last.get_by_text(site.say("Marker")).wait_for()
    page.goto(f"/quality/tasks/{ids['task']}")
    questions = page.locator("[data-question]")
    questions.first.focus()
    for key in ("y", "1", "4", "x"):
        page.keyboard.press(key)
    expect(page.locator("#comment")).to_be_focused()
    page.keyboard.type("Good call")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/quality**")
    expect(page.locator("[data-score-form]")).to_have_count(0)
    found = quality.scores(site.box.bus.store, recording_id=f"{call}-2")[0]
    assert (found.answers, found.comment) == ({"q1": 1, "q2": 1, "q3": 4, "q4": None}, "Good call")
