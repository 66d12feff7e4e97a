"""Line cards through the pages: tried before they are saved, secrets never shown, trunks named before one goes."""

from __future__ import annotations

import re

import pytest

from appliance import commands as cmd
from appliance.errors import BusError, CallerError
from appliance.settings import LineCardSettings, load_settings
from appliance.store.models import AuditEntry
from tests.sim.web.fake_watch import span
from tests.sim.web.fakes import FakeBox
from tests.sim.web.forms import post
from webui.hardware.card_form import FIELDS, KINDS, LABELS, SECRETS

pytestmark = pytest.mark.sim

NEW = "/line-cards/new/snmp2"
GATEWAY = {"id": "gw1", "profile": "ds1_mib", "address": "192.0.2.1", "community": "hush-hush", "poll_s": "3.0"}


def _cards(box: FakeBox) -> tuple[LineCardSettings, ...]:
    return load_settings(box.home).hardware.cards


def _actions(box: FakeBox) -> list[tuple[str, str]]:
    with box.bus.store.read() as session:
        return [(row.action, str(row.detail)) for row in session.query(AuditEntry).order_by(AuditEntry.id)]


def test_a_card_is_tried_saved_changed_and_removed(new_box: FakeBox) -> None:
    new_box.set_up()
    client = new_box.client("administrator")
    assert "No card is watched yet" in client.get("/line-cards").text
    assert "Add a card" in client.get("/lines").text
    tried = post(client, NEW, {**GATEWAY, "do": "test"}, htmx=True).text
    assert "It answers: 1 line, read in 0.4 s." in tried
    assert "No signal" in tried
    assert not _cards(new_box), "a trial saves nothing"
    saved = post(client, NEW, {**GATEWAY, "do": "save"}, htmx=True)
    assert saved.headers["HX-Redirect"] == "/line-cards"
    (card,) = _cards(new_box)
    assert (card.source, card.address, card.community.get_secret_value()) == ("snmp", "192.0.2.1", "hush-hush")
    listed, one = client.get("/line-cards").text, "/line-cards/card/snmp/gw1"
    assert "192.0.2.1" in listed
    assert "hush-hush" not in client.get(one).text + listed
    changed = {"profile": "ds1_mib", "address": "192.0.2.9", "community": "", "do": "save"}
    assert post(client, one, changed).location == "/line-cards"
    (card,) = _cards(new_box)
    assert (card.address, card.community.get_secret_value()) == ("192.0.2.9", "hush-hush"), "what is empty stays"
    assert post(client, f"{one}/remove", page="/line-cards").location == "/line-cards"
    assert not _cards(new_box)
    told = [entry for entry in _actions(new_box) if entry[0].startswith("line_card.")]
    assert [action for action, _ in told] == ["line_card.made", "line_card.saved", "line_card.removed"]
    assert "hush-hush" not in str(told)
    assert post(client, f"{one}/remove", page="/line-cards").status_code == 404


def test_a_trial_that_fails_says_why_and_may_be_saved_all_the_same(new_box: FakeBox) -> None:
    new_box.set_up()
    client = new_box.client("administrator")
    new_box.bus.watch.refuse = CallerError("snmp.no_answer", "gw1: no answer.")
    failed = post(client, NEW, {**GATEWAY, "do": "save"}, page="/lines", htmx=True).text
    assert "The card could not be read." in failed
    assert "gw1: no answer." in failed
    assert "Save without a reading" in failed
    assert not _cards(new_box)
    assert post(client, NEW, {**GATEWAY, "do": "anyway"}).location == "/line-cards"
    assert [card.id for card in _cards(new_box)] == ["gw1"]
    again = post(client, NEW, {**GATEWAY, "do": "anyway"}).text
    assert "There is already a card of this name" in again


@pytest.mark.parametrize(
    ("kind", "form", "said"),
    [
        ("snmp2", {**GATEWAY, "id": "Gw 1"}, "Short name: It is not written as the hint says."),
        ("snmp2", {**GATEWAY, "community": ""}, "Community: Give the community"),
        ("snmp2", {**GATEWAY, "poll_s": "x"}, "Read every: This is no number."),
        ("snmp3", {**GATEWAY, "user": "u", "auth_key": "short"}, "Privacy key: SNMP v3 wants 8 characters"),
        ("console", {"id": "c", "profile": "cisco_e1"}, "Serial port: Give its serial port"),
    ],
)
def test_mistakes_are_told_beside_their_names_and_never_saved(
    new_box: FakeBox, kind: str, form: dict[str, str], said: str
) -> None:
    new_box.set_up()
    client = new_box.client("administrator")
    for step in ("test", "save", "anyway"):
        page = post(client, f"/line-cards/new/{kind}", {**form, "do": step}).text
        assert said in page
    assert not _cards(new_box)


@pytest.mark.parametrize("kind", KINDS)
def test_a_form_asks_what_its_kind_needs(box: FakeBox, kind: str) -> None:
    page = box.client("administrator").get(f"/line-cards/new/{kind}").text
    asked = {name: attributes for attributes, name in re.findall(r'<(?:input|select)([^>]*? name="(\w+)"[^>]*)', page)}
    assert set(asked) & set(LABELS) == {"id", *FIELDS[kind]}
    assert all('type="password"' in asked[name] for name in asked.keys() & SECRETS)


def test_before_a_card_goes_its_trunks_are_named(new_box: FakeBox) -> None:
    new_box.set_up()
    client = new_box.client("administrator")
    post(client, NEW, {**GATEWAY, "do": "save"})
    page = "/line-cards/card/snmp/gw1/remove"
    assert "No trunk uses its lines." in client.get(page).text
    new_box.bus.watch.tell_lines(span("gw1:0"))
    trunk = {"id": "main", "display_name": "To the exchange", "gateway": "192.0.2.1", "port": "5060",
             "transport": "udp", "channels": "30", "lines": ["gw1:0"], "enabled": "y"}  # fmt: skip
    assert post(client, "/trunks/new", trunk).location == "/trunks"
    asked = client.get(page).text
    assert "1 trunk uses its lines:" in asked
    assert "To the exchange: gw1:0" in asked


def test_without_the_watch_or_the_right_nothing_is_changed(new_box: FakeBox) -> None:
    new_box.set_up()
    new_box.bus.watch.refuse = BusError("bus.no_service", "away", service="watch")
    assert "is not running" in new_box.client("administrator").get("/line-cards").text
    assert new_box.client("agent").get("/line-cards").status_code in (302, 403)
    assert new_box.client("administrator").get("/line-cards/new/none").status_code == 404
    assert new_box.client("administrator").get("/line-cards/card/snmp/none").status_code == 404
    assert not any(isinstance(command, cmd.SaveLineCard) for command in new_box.bus.asked)


def test_the_quality_of_a_span_and_deaf_traps_are_shown(box: FakeBox) -> None:
    day = {"seconds": 86400, "uas": 12, "esr": 0.05, "sesr": 0.0, "bber": None, "within": False}
    quality = {"quarter": {**day, "seconds": 300, "esr": 0.0, "within": True}, "day": day,
               "slips": {"day": 7, "worst_hour": 3, "grade": "b"}}  # fmt: skip
    lines = [span(quality=quality), span("gw1:1", quality={"day": 3, "quarter": {"seconds": "x"}})]
    box.bus.watch.tell("lines", {"lines": lines, "traps_error": "Port 162 is taken."})
    client = box.client("administrator")
    page = client.get("/lines").text
    assert "G.826, 24 hours: missed" in page
    assert "Port 162 is taken." in page
    one = client.get("/lines/line/gw1:0").text
    assert "5 %" in one
    assert "Clock slips in 24 hours: 7" in one
    assert client.get("/lines/line/gw1:1").status_code == 200
