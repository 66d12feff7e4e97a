"""Lines, disks and alerts through the pages: nothing old as if it were live, nothing cut that nobody was shown."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from appliance import commands as cmd
from appliance.errors import BoxError, CallerError
from appliance.events import LiveHardware
from appliance.store.models import Alert
from appliance.store.read import alerts, trunks
from appliance.types import Severity
from tests.sim.web.fake_watch import GOOD, NEW, dark, fxo, span
from tests.sim.web.fakes import FakeBox
from tests.sim.web.forms import post
from tests.transcripts import DOWN, UP

pytestmark = pytest.mark.sim


def _last(box: FakeBox, kind: type[cmd.Command]) -> cmd.Command:
    return next(command for command in reversed(box.bus.asked) if isinstance(command, kind))


def test_one_cause_large_and_what_follows_small(new_box: FakeBox) -> None:
    new_box.set_up()
    client = new_box.client("supervisor")
    assert "No line is watched" in client.get("/lines").text
    new_box.bus.watch.tell_lines(span(), dark(), fxo())
    page = client.get("/lines").text
    assert page.index("gw1:1") < page.index("gw1:0"), "trouble stands first"
    assert page.count("line-cause") == 1
    assert "Follows from it: The far end does not hear us (RAI), The D channel is down (D)" in " ".join(page.split())
    assert "48.5 V" in page
    assert 'aria-label="18' not in page
    assert "17 free, 12 in a call, 1 blocked, 1 signalling" in page


@pytest.mark.parametrize("how", ["line", "section", "silence"])
def test_what_is_old_is_never_shown_as_live(new_box: FakeBox, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    new_box.set_up()
    old = span(stale=True, up=None, error="No answer.") if how == "line" else span()
    new_box.bus.watch.tell("lines", {"lines": [old]}, error="It broke." if how == "section" else "")
    if how == "silence":
        monkeypatch.setattr("webui.live.time.monotonic", lambda: time.clock_gettime(time.CLOCK_MONOTONIC) + 31)
    page = new_box.client("administrator").get("/lines").text
    assert "is-stale" in page
    assert "Old reading" in page
    assert "In service" not in page
    if how == "silence":
        assert "is silent" in page


def test_without_the_bus_the_file_speaks(new_box: FakeBox) -> None:
    new_box.set_up()
    event = LiveHardware(section="lines", data={"lines": [span()]}, taken_at_unix_s=time.time())
    for age_s, live in ((1.0, True), (40.0, False)):
        file = {"written_at_unix_s": time.time() - age_s, "sections": {"lines": msgspec.to_builtins(event)}}
        new_box.home.hardware_file.write_bytes(msgspec.json.encode(file))
        page = new_box.client("administrator").get("/lines").text
        assert ("In service" in page, "Old reading" in page) == (live, not live)
    new_box.home.hardware_file.write_bytes(b"{broken")
    assert "No line is watched" in new_box.client("administrator").get("/lines").text


def test_rows_of_any_kind_break_no_page(box: FakeBox) -> None:
    strange = [
        {},
        {
            "line_id": 7,
            "channels": "x",
            "counters": 3,
            "alarms": 1,
            "fxo": [],
            "verbs": None,
            "tests": [1],
            "choices": 2,
        },
        span(channels=["what"] * 99, in_use=True, counters={"es": "x"}, cause="nothing", suppressed=None),
    ]
    box.bus.watch.tell("lines", {"lines": strange, "cards": [{"error": "x"}, 3]})
    assert box.client("administrator").get("/lines").status_code == 200
    box.bus.watch.tell("disks", {"arrays": [{}], "disks": [{}], "replacement": {}})
    assert box.client("administrator").get("/disks").status_code == 200


def test_a_loop_is_asked_again_with_the_calls_it_would_cut(box: FakeBox) -> None:
    client = box.client("administrator")
    box.bus.watch.tell_lines(span(), span("gw1:2", in_use=0), span("dahdi:1", source="dahdi", verbs=[]))
    page, url = "/lines/line/gw1:0", "/lines/control/gw1:0"
    asked = post(client, url, {"verb": "loop_local", "seconds": "300"}, page=page)
    assert "12 calls are on this line now." in asked.text
    assert "Cut 12 calls and go on" in asked.text
    assert not any(isinstance(command, cmd.ControlLine) for command in box.bus.asked)
    sure = {"verb": "loop_local", "seconds": "300", "sure": "y"}
    assert post(client, url, {**sure, "seen": "12"}, page=page).location == "/lines/line/gw1:0"
    sent = _last(box, cmd.ControlLine)
    assert isinstance(sent, cmd.ControlLine)
    assert (sent.verb, sent.arguments, sent.force) == ("loop_local", {"seconds": 300}, True)
    assert (
        "No call is on this line now." in post(client, "/lines/control/gw1:2", {"verb": "loop_local"}, page=page).text
    )
    post(client, url, {**sure, "seen": "0"}, page=page)
    assert _last(box, cmd.ControlLine).force is False, "calls that came meanwhile were shown to nobody"  # type: ignore[attr-defined]
    post(client, url, {"verb": "block_channel", "channel": "7"}, page=page)
    assert _last(box, cmd.ControlLine).arguments == {"channel": 7}  # type: ignore[attr-defined]
    assert post(client, url, {"verb": "fxo_dial"}, page=page).status_code == 400, "the driver does not offer it"
    assert "never offered as a trunk" in client.get("/lines/line/dahdi:1").text
    box.bus.watch.refuse = BoxError("line.change_not_taken", "The old state 'a' is NOT back: look at it.")
    post(client, url, {"verb": "set_crc4", "value": "crc4", "sure": "y", "seen": "12"}, page=page)
    assert "did not take. The old state &#39;a&#39; is NOT back" in client.get(page).text


def test_a_line_that_went_does_not_stay_on_the_screen(box: FakeBox) -> None:
    client = box.client("administrator")
    box.bus.watch.tell_lines(span())
    assert "In service" in client.get("/lines/state/gw1:0").text
    box.bus.watch.tell_lines()
    assert "not read any more" in client.get("/lines/state/gw1:0").text


def test_a_profile_is_looked_at_and_then_kept(box: FakeBox) -> None:
    client = box.client("administrator")
    page = "/line-profiles/new"
    form = {"profile_id": "acme_e1", "make": "Acme", "model": "E1-4", "kind": "e1"}
    assert "Choose the captured session" in post(client, page, form).text
    refused = post(client, page, {**form, "transcript": "hello\n"})
    assert "no prompt" in refused.text
    session = f"gw# show controllers e1\n{UP}{DOWN}gw# "
    seen = post(client, page, {**form, "transcript": session}).text
    assert "show controllers e1" in seen
    assert "LOS" in seen
    assert post(client, page, {**form, "transcript": session, "do": "save"}).location == "/line-cards"
    assert _last(box, cmd.ProfileFromTranscript).save is True  # type: ignore[attr-defined]


def test_the_wizard_refuses_a_wrong_serial_and_goes_on_after_a_reload(new_box: FakeBox) -> None:
    new_box.set_up()
    client, watch = new_box.client("administrator"), new_box.bus.watch
    watch.tell_disks()
    assert "The mirror is whole" in client.get("/disks/replace").text
    watch.tell_disks(degraded=True)
    page = client.get("/disks/replace").text
    assert page.index("Do not touch") < page.index("May be taken") < page.index("data stand on it")
    form = {"array": "md0", "serial": NEW, "confirmation": GOOD[-4:]}
    wrong = post(client, "/disks/replace", form)
    assert "not the last four characters" in wrong.text
    assert f'value="{GOOD[-4:]}"' in wrong.text, "what was typed is still there"
    assert post(client, "/disks/replace", {**form, "confirmation": "1111"}).location == "/disks/replace"
    watch.tell_replacement(step="wait", fraction=0.25, eta_s=5400)
    again = client.get("/disks/replace").text
    assert "25.0%" in again
    assert "1:30:00 left" in again
    watch.tell_replacement(array="", serial="", step="done", running=False)
    assert "The mirror is whole again" in client.get("/disks/replace/progress").text


def test_without_the_root_helper_the_wizard_says_so(box: FakeBox) -> None:
    box.bus.watch.refuse = BoxError("privd.away", "Away.")
    assert "Away." in box.client("administrator").get("/disks/replace").text


def test_alerts_causes_first_then_acknowledged_silenced_and_history(new_box: FakeBox) -> None:
    new_box.set_up()
    client, watch = new_box.client("supervisor"), new_box.bus.watch
    watch.raise_alert("disk.hot.a")
    told = {"told_step": 0, "told_at": datetime.now(UTC)}
    watch.raise_alert("line.gw1:0", Severity.CRITICAL, **told)
    watch.raise_alert("trunk.north", Severity.CRITICAL, caused_by="line.gw1:0")
    page = client.get("/alerts").text
    assert page.index("Title of line.gw1:0") < page.index("Title of trunk.north") < page.index("Title of disk.hot.a")
    assert page.count("alert-row") == 2
    assert "unless somebody acknowledges it" in page
    post(client, "/alerts/acknowledge", {"key": "line.gw1:0"}, page="/alerts")
    page = client.get("/alerts").text
    assert "acknowledged by Supervisor" in page
    assert "unless somebody" not in page
    post(client, "/alerts/snooze", {"key": "disk.hot.a", "minutes": "60"}, page="/alerts")
    assert "silenced until" in client.get("/alerts/standing").text
    gone = post(client, "/alerts/acknowledge", {"key": "nothing"}, page="/alerts", htmx=True)
    assert gone.status_code == 404


def test_history_is_filtered_by_words_area_and_day(new_box: FakeBox) -> None:
    new_box.set_up()
    now = datetime.now(UTC)
    with new_box.bus.store.write() as session:
        for number, key in enumerate(("line.gw1:0", "disk.hot.a", "line.gw1:1")):
            at = now - timedelta(days=number * 10)
            session.add(Alert(key=key, severity=Severity.WARNING, title=f"About {key}", text="", raised_at=at,
                              cleared_at=at + timedelta(minutes=5), data={}))  # fmt: skip
    client = new_box.client("supervisor")

    def shown(query: str) -> list[str]:
        page = client.get(f"/alerts?{query}").text
        return [key for key in ("line.gw1:0", "disk.hot.a", "line.gw1:1") if f"About {key}" in page]

    assert shown("") == ["line.gw1:0", "disk.hot.a", "line.gw1:1"]
    assert shown("area=line.") == ["line.gw1:0", "line.gw1:1"]
    assert shown("words=HOT") == ["disk.hot.a"]
    assert shown(f"since={(now - timedelta(days=12)).date()}") == ["line.gw1:0", "disk.hot.a"]
    assert shown("severity=critical") == []
    assert "Nothing found" in client.get("/alerts?severity=critical").text
    assert len(alerts.history(new_box.bus.store, limit=2)) == 2


def test_each_way_of_alerts_can_be_tried(box: FakeBox) -> None:
    client = box.client("administrator")
    assert client.get("/settings").text.count("/settings/test/") == 6
    good = post(client, "/settings/test/syslog", page="/settings", htmx=True)
    assert "Sent and taken in 0.2 s" in good.headers["HX-Trigger"]
    missing = post(client, "/settings/test/sms", page="/settings", htmx=True)
    assert (missing.status_code, "not set up" in missing.headers["HX-Trigger"]) == (404, True)
    assert post(client, "/settings/test/pigeon", page="/settings", htmx=True).status_code == 404


def test_refusals_reach_the_person_who_takes_a_disk_out(box: FakeBox) -> None:
    client = box.client("administrator")
    box.bus.watch.tell_disks()
    page = f"/disks/retire/md0/{GOOD}"
    box.bus.watch.refuse = CallerError("replace.last_good", "It is the last.")
    assert "It is the last." in post(client, page, {"confirmation": "6789"}).text
    assert post(client, page, {"confirmation": "6789"}).location == "/disks/replace"


def test_a_trunk_takes_lines_but_never_a_bare_card(box: FakeBox) -> None:
    client = box.client("administrator")
    box.bus.watch.tell_lines(
        span("gw1:0"), span("dahdi:1", source="dahdi", name="Span of the card", places_calls=False)
    )
    page = client.get("/trunks/new").text
    assert 'name="lines" value="gw1:0"' in page
    assert 'value="dahdi:1"' not in page
    assert "Not offered, because a bare DAHDI card is watched only" in page
    form = {"id": "north", "channels": "30", "gateway": "192.0.2.1", "port": "5060", "transport": "udp"}
    assert post(client, "/trunks/new", {**form, "lines": ["gw1:0", "gw1:1"], "enabled": "y"}).location == "/trunks"
    made = trunks.trunk(box.bus.store, "north")
    assert made is not None
    assert list(made.config["lines"]) == ["gw1:0", "gw1:1"]
    assert "not read now" in client.get("/trunks/north").text, "a line that is gone is still named, not dropped"
