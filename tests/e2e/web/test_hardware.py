"""Lines, disks and alerts in a real browser: a fault comes and goes, a wrong serial is refused, alerts are taken."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from appliance import commands as cmd
from appliance.texts import error_words
from appliance.types import Severity
from tests.e2e.web.conftest import Site
from tests.e2e.web.reading import findings
from tests.e2e.web.words import IN_EACH_LANGUAGE
from tests.sim.web.fake_watch import GOOD, NEW, dark, fxo, span

pytestmark = pytest.mark.e2e


@IN_EACH_LANGUAGE
def test_a_fault_shows_itself_and_goes_away(site: Site) -> None:
    watch = site.box.bus.watch
    watch.tell_lines(span("gw1:0"), span("gw1:1"))
    page = site.page("supervisor")
    page.goto("/lines")
    expect(page.locator(".line-cause")).to_have_count(0)
    watch.tell_lines(span("gw1:0"), dark("gw1:1"))
    cause = page.locator(".line-cause")
    expect(cause.locator("strong")).to_contain_text(site.say("No signal"))
    expect(cause).to_contain_text(site.say("Follows from it:"))
    expect(page.locator(".card.line").first.locator(".slots .slot.is-alarm")).to_have_count(31)
    watch.tell_lines(span("gw1:0"), span("gw1:1", stale=True, up=None, error="The gateway does not answer."))
    expect(page.locator(".card.line.is-stale")).to_contain_text(site.say("Old reading"))
    expect(page.locator(".line-cause")).to_have_count(0)
    watch.tell_lines(span("gw1:0"), span("gw1:1"))
    expect(page.locator(".is-stale")).to_have_count(0)
    expect(page.get_by_text(site.say("In service"))).to_have_count(2)


@IN_EACH_LANGUAGE
def test_a_loop_says_how_many_calls_it_cuts(site: Site) -> None:
    site.box.bus.watch.tell_lines(span())
    page = site.page("administrator")
    page.goto("/lines")
    page.get_by_role("link", name="Gateway 1, port 0").click()
    page.locator("#test-limit").select_option("300")
    page.get_by_role("button", name=site.say("Line loop")).click()
    busy = site.say("%(num)s call is on this line now.", "%(num)s calls are on this line now.", num=12)
    expect(page.get_by_text(busy)).to_be_visible()
    done = site.say("%(verb)s: done and read back (%(before)s → %(after)s).", verb=site.say("Line loop"), before="off",
                    after="loop_line")  # fmt: skip
    cut = site.say("Cut %(num)s call and go on", "Cut %(num)s calls and go on", num=12)
    page.get_by_role("button", name=cut).click()
    expect(page.locator("#toasts")).to_contain_text(done)
    sent = next(command for command in reversed(site.box.bus.asked) if isinstance(command, cmd.ControlLine))
    assert (sent.verb, sent.arguments, sent.force) == ("loop_line", {"seconds": 300}, True)


@IN_EACH_LANGUAGE
def test_the_wizard_refuses_a_wrong_serial_then_shows_how_far_it_is(site: Site) -> None:
    watch = site.box.bus.watch
    watch.tell_disks(degraded=True)
    page = site.page("administrator")
    page.goto("/disks")
    expect(page.locator(".disk.is-good")).to_contain_text(site.say("Do not touch: this one holds the data"))
    page.get_by_role("link", name=site.say("Replace the disk")).click()
    field = page.get_by_label(site.say("The last four characters on the label of the new disk"))
    wrong = error_words("replace.not_confirmed", site.language, "")
    field.fill(GOOD[-4:])
    page.get_by_role("button", name=site.say("Erase it and take it into the mirror")).click()
    expect(page.get_by_role("alert")).to_contain_text(wrong)
    field.fill(NEW[-4:])
    page.get_by_role("button", name=site.say("Erase it and take it into the mirror")).click()
    expect(page.locator("[aria-current=step]")).to_contain_text(site.say("Forget the old disk"))
    watch.tell_replacement(fraction=0.4, eta_s=120.0)
    expect(page.locator("[aria-current=step]")).to_contain_text(re.compile("40[.,]0%"))
    page.reload()
    expect(page.locator("[aria-current=step]")).to_contain_text(re.compile("40[.,]0%"))
    watch.tell_replacement(array="", serial="", step="done", running=False)
    expect(page.get_by_role("heading", name=site.say("The mirror is whole again"))).to_be_visible()


@IN_EACH_LANGUAGE
def test_an_alert_comes_is_acknowledged_and_silenced(site: Site) -> None:
    watch, page = site.box.bus.watch, site.page("supervisor")
    watch.clear_alert("line.gw1:0")  # of a try before this one
    page.goto("/alerts")
    expect(page.get_by_text(site.say("All is well"))).to_be_visible()
    watch.raise_alert("line.gw1:0", Severity.CRITICAL, title="Span 0 has no signal")
    row = page.get_by_role("article", name="Span 0 has no signal")
    expect(row).to_be_visible()
    expect(page.locator(".bell-count")).to_have_text("1")
    row.get_by_role("button", name=site.say("Acknowledge")).click()
    expect(row).to_contain_text(site.say("acknowledged by %(name)s", name="Supervisor"))
    expect(page.locator(".bell-count")).to_have_count(0)
    row.get_by_label(site.say("For how long")).select_option("240")
    row.get_by_role("button", name=site.say("Silence it")).click()
    expect(row).to_contain_text(site.say("silenced until %(when)s", when=""))
    row.get_by_role("link", name=site.say("Look at the lines")).click()
    expect(page.get_by_role("heading", name=site.say("Lines"), exact=True)).to_be_visible()
    page.goto("/alerts")
    expect(row).to_be_visible()
    watch.clear_alert("line.gw1:0", Severity.CRITICAL)
    expect(row).to_have_count(0)


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_full_pages_are_accessible_and_fit_a_phone(site: Site, colours: str) -> None:
    watch = site.box.bus.watch
    watch.tell_lines(
        dark("gw1:1"), span(), span("gw1:2", stale=True, up=None, error="It does not answer."), fxo(),
        span("dahdi:1", source="dahdi", tests=[{"verb": "loop_local", "ends_at_unix_s": 4e9}]),
    )  # fmt: skip
    watch.tell_disks(degraded=True)
    watch.tell_replacement(running=False, step=None)
    page = site.page("administrator", color_scheme=colours, reduced_motion="reduce")
    found = []
    for path in ("/lines", "/lines/line/gw1:0", "/lines/line/gw2:1", "/disks", "/disks/replace", "/alerts"):
        page.goto(path)
        found += findings(page)
    assert found == []
