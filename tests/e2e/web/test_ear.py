"""The ear's pages in a real browser: calls labelled by keyboard and undone, announcements taught, a machine ended."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import delete

from appliance import commands as cmd
from appliance.jobs.ear_clusters import Clusters
from appliance.store.announcements import in_use, retired
from appliance.store.models import ClipCodes, EarLabel, EarVerdict
from appliance.store.read import audit, heard
from audio import wavio
from tests.e2e.web.conftest import Site
from tests.e2e.web.reading import findings
from tests.sim.web.ear_scene import EarScene, spoken

pytestmark = pytest.mark.e2e


@pytest.fixture(autouse=True)
def nothing_heard(site: Site) -> None:
    """No call of another test, or of the try before, is on the pages; no announcement is known."""
    with site.box.bus.store.write() as session:
        for kind in (EarLabel, EarVerdict, ClipCodes):
            session.execute(delete(kind))
    shutil.rmtree(site.box.home.announcements, ignore_errors=True)
    site.box.home.announcements.mkdir()


def _labels(site: Site) -> dict[str, str]:
    return {row.attempt_id: row.label for row in heard.labels(site.box.bus.store)}


def _desk(site: Site) -> Page:
    page = site.page("supervisor", viewport={"width": 1280, "height": 900})
    page.goto("/heard")
    return page


def test_calls_are_labelled_by_keyboard_alone_and_undone(site: Site) -> None:
    scene = EarScene(site.box, site.named("Keys"))
    second = scene.call("answered", "machine", 0.6, sound=spoken(3), doubt="unsure")
    first = scene.call("answered", "unknown", 0.0, sound=spoken(4), doubt="unknown")  # the newest stands first
    with site.box.bus.store.write() as session:
        session.execute(heard.EarVerdict.__table__.update().where(heard.EarVerdict.attempt_id == second)
                        .values(at=scene.now.replace(year=scene.now.year - 1)))  # fmt: skip
    page = site.page("supervisor", viewport={"width": 1280, "height": 900})
    page.goto("/heard?since=2020-01-01")
    page.locator("[data-ear-desk]").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(f"[data-ear-call='{first}:answered'] [data-wired]")).to_be_visible(timeout=60_000)
    before = len(audit.search(site.box.bus.store, action="recording.listen").rows)
    with page.expect_response("**/sound"):
        page.keyboard.press("Space")
    assert len(audit.search(site.box.bus.store, action="recording.listen").rows) > before
    page.keyboard.press("2")
    expect(page.locator("[data-key='2']")).to_be_checked()
    page.keyboard.press("Enter")
    expect(page.locator(f"[data-ear-item='{first}:answered'] [data-label]")).to_have_text(site.say("Voicemail"))
    expect(page.locator(f"[data-ear-call='{second}:answered']")).to_be_visible(timeout=60_000)
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(page.locator(f"[data-ear-item='{second}:answered'] [data-label]")).to_have_text(site.say("Person"))
    assert _labels(site) == {first: "machine", second: "human"}
    page.keyboard.press("u")
    expect(page.locator(f"[data-ear-item='{second}:answered'] [data-label]")).to_have_text("")
    page.keyboard.press("u")
    expect(page.locator(f"[data-ear-item='{first}:answered'] [data-label]")).to_have_text("")
    assert _labels(site) == {}


def test_keys_mean_nothing_outside_of_the_desk(site: Site) -> None:
    scene = EarScene(site.box, site.named("Elsewhere"))
    scene.call("answered", "unknown", 0.0, sound=spoken(4), doubt="unknown")
    page = _desk(site)
    page.locator("[data-ear-item]").first.click()
    expect(page.locator("[data-ear-call]")).to_be_visible(timeout=60_000)
    page.locator("#campaign").focus()
    page.keyboard.press("2")
    expect(page.locator("[data-ear-call] :checked")).to_have_count(1)  # the speed of the player alone


def test_a_labelled_announcement_is_taught_and_untaught(site: Site) -> None:
    scene = EarScene(site.box, site.named("Teach"))
    attempt_id = scene.call("early", "announcement_unknown", 0.9, sound=spoken(0), doubt="announcement")
    page = _desk(site)
    page.locator(f"[data-ear-item='{attempt_id}:early']").click()
    expect(page.locator(f"[data-ear-call='{attempt_id}:early']")).to_be_visible(timeout=60_000)
    page.keyboard.press("4")
    page.keyboard.press("t")
    page.keyboard.press("Enter")
    label = page.locator(f"[data-ear-item='{attempt_id}:early'] [data-label]")
    expect(label).to_have_text(site.say("Number does not exist"))
    (entry,) = in_use(site.box.home.announcements)
    assert entry.label == "vacant"
    page.locator("[data-ear-undo]").click()
    expect(label).to_have_text("")
    assert in_use(site.box.home.announcements) == []
    assert [gone.ann_id for gone in retired(site.box.home.announcements)] == [entry.ann_id]


def test_announcements_from_a_file_and_from_a_cluster(site: Site, tmp_path: Path) -> None:
    scene = EarScene(site.box, site.named("Clusters"))
    for cut in (0, 3000):
        scene.call("early", "announcement_unknown", 0.9, sound=spoken(1)[cut:], doubt="announcement")
    clusters = Clusters(site.box.bus.context)
    while clusters.sweep():
        continue
    page = _desk(site)
    page.get_by_label(site.say("What it says")).first.select_option("powered_off")
    page.get_by_role("button", name=site.say("Enrol"), exact=True).first.click()
    expect(page.locator("td.wrap", has_text="powered_off-1")).to_be_visible(timeout=60_000)

    file = tmp_path / "unreachable.wav"
    wavio.write(file, spoken(2))
    page.get_by_role("link", name=site.say("Enrol an announcement")).click()
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_label(site.say("What it says")).select_option("unreachable")
    page.get_by_label(site.say("Its name")).fill("Not there")
    page.get_by_label(site.say("Country")).fill("cn")
    page.get_by_role("button", name=site.say("Enrol"), exact=True).click()
    expect(page.get_by_role("button", name=site.say("Change %(name)s", name="Not there"))).to_be_visible(timeout=60_000)
    page.get_by_role("button", name=site.say("Change %(name)s", name="Not there")).click()
    dialog = page.get_by_role("dialog", name="Not there")
    dialog.get_by_label(site.say("Its name")).fill("Out of reach")
    dialog.get_by_role("button", name=site.say("Save")).click()
    page.get_by_role("button", name=site.say("Retire %(name)s", name="Out of reach")).click()
    page.get_by_role("button", name=site.say("Retire it")).click()
    row = page.get_by_role("row", name="Out of reach")
    row.get_by_role("button", name=site.say("Use again")).click()
    retire = page.get_by_role("button", name=site.say("Retire %(name)s", name="Out of reach"))
    expect(retire).to_be_visible(timeout=60_000)


def test_the_agent_ends_a_machine_with_one_key(site: Site) -> None:
    box, login, seat = site.box, site.named("ender"), site.named("seat")
    me = box.add_user(login, "agent")
    box.by_administrator(cmd.SaveSeat, id=seat)
    page = site.page(login)
    page.goto("/desk")
    page.locator(f"input[value={seat}]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#bar")).to_contain_text(site.say("Paused"))
    page.wait_for_load_state()  # what hears the keys is there
    box.bus.engine.connect(me, f"call-{login}")
    expect(page.locator("#record-name")).to_be_visible(timeout=60_000)
    expect(page.locator("#machine")).to_have_count(0)
    box.bus.engine.change(me, heard_late="machine")
    doubt = site.say("Probably no person: %(label)s", label=site.say("Voicemail"))
    expect(page.get_by_role("alert")).to_contain_text(doubt)
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.keyboard.press("Alt+v")
    expect(page.locator("#bar")).not_to_contain_text(site.say("Talking"))
    sent = next(c for c in reversed(box.bus.asked) if isinstance(c, cmd.AgentDispose))
    assert (sent.conversation_id, sent.disposition) == (f"call-{login}", "machine")
    assert any(isinstance(c, cmd.AgentHangup) for c in box.bus.asked)


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_the_ears_pages_are_accessible_with_something_on_them(site: Site, colours: str) -> None:
    scene = EarScene(site.box, site.named("Axe"))
    attempt_id = scene.call("early", "announcement_unknown", 0.9, sound=spoken(0), doubt="announcement")
    page = site.page("administrator", reduced_motion="reduce", color_scheme=colours)
    page.goto("/heard")
    page.locator(f"[data-ear-item='{attempt_id}:early']").click()
    expect(page.locator("[data-ear-call]")).to_be_visible(timeout=60_000)
    assert findings(page) == []
