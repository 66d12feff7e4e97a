"""Administration through the pages: the commands that arrive, the complaints that come back."""

from __future__ import annotations

import html
import re

import pyotp
import pytest

from appliance import commands as cmd
from appliance.settings import load_settings
from appliance.store.models import Campaign
from appliance.store.read import seats, trunks, users
from tests.sim.web.fakes import PASSWORD, FakeBox
from tests.sim.web.forms import post

pytestmark = pytest.mark.sim

TRUNK = {
    "id": "e1", "display_name": "North", "channels": "30", "gateway": ["192.0.2.10", ""], "port": ["5060", "5060"],
    "transport": ["udp", "udp"], "enabled": "y", "outbound-called-match": [r"\+86"], "outbound-called-strip": ["3"],
    "outbound-called-prepend": ["0"], "sample": "+8613812345678",
}  # fmt: skip


def test_several_seats_and_the_password_shown_once(box: FakeBox) -> None:
    client = box.client("administrator")
    sheet = post(client, "/seats/many", {"count": "3", "phone": "desk"}, page="/seats")
    assert "Shown this once" in sheet.text
    assert sheet.text.count("<code>") == 3
    assert [seat.id for seat in seats.seats(box.bus.store)] == ["seat01", "seat02", "seat03"]


def test_rules_are_tried_before_they_are_saved(box: FakeBox) -> None:
    client = box.client("administrator")
    shown = post(client, "/trunks/preview", TRUNK, page="/trunks/new", htmx=True).text
    assert "013812345678" in shown
    assert "rule 1" in shown
    wrong = post(
        client, "/trunks/preview", {**TRUNK, "outbound-called-match": ["(?i)x"]}, page="/trunks/new", htmx=True
    )
    assert "text-danger" in wrong.text


def test_a_trunk_is_made_and_complaints_are_shown(box: FakeBox) -> None:
    client = box.client("administrator")
    refused = post(client, "/trunks/new", {**TRUNK, "gateway": ["not a host!"]})
    assert "alert-danger" in refused.text
    assert 'value="not a host!"' in refused.text, "what was typed is still there"
    assert post(client, "/trunks/new", TRUNK).location == "/trunks"
    made = trunks.trunk(box.bus.store, "e1")
    assert made is not None
    assert made.config["outbound"]["called"][0]["strip"] == 3


def test_users_and_their_mistakes(box: FakeBox) -> None:
    client = box.client("administrator")
    form = {"login": "anna", "display_name": "Anna", "role": "agent", "language": "ru", "password": PASSWORD}
    assert post(client, "/users/new", {**form, "enabled": "y"}).location == "/users"
    again = post(client, "/users/new", {**form, "enabled": "y"})
    assert "already a user" in again.text
    assert "is-invalid" in again.text
    anna = next(user for user in users.users(box.bus.store) if user.login == "anna")
    post(client, f"/users/{anna.id}", {**form, "password": "", "display_name": "Anna K."})
    changed = users.user(box.bus.store, anna.id)
    assert changed is not None
    assert changed.display_name == "Anna K."
    assert not changed.enabled


def test_settings_are_made_from_the_model_and_checked(box: FakeBox) -> None:
    client = box.client("administrator")
    page = client.get("/settings").text
    assert 'name="dialling.ring_timeout_s"' in page
    assert 'name="bus.password"' not in page
    assert post(client, "/settings", {"dialling.ring_timeout_s": "25"}).status_code == 302
    assert load_settings(box.home).dialling.ring_timeout_s == 25
    wrong = post(client, "/settings", {"dialling.ring_timeout_s": "1"})
    assert "alert-danger" in wrong.text
    assert load_settings(box.home).dialling.ring_timeout_s == 25
    told = post(client, "/settings", {"web.host_name": "not a name"}).text
    assert "Not saved. What does not fit: Host name: Name in the certificate" in html.unescape(told)


def test_campaign_form_and_actions(box: FakeBox) -> None:
    client = box.client("supervisor")
    form = {
        "name": "Form", "mode": "progressive", "hours_from": "09:00", "hours_to": "18:00", "days": ["mon", "fri"],
        "time_zone_rule": "box", "rule_profile": "cn", "attempts_per_day_max": "2", "attempts_total_max": "5",
        "wrap_up_mode": "timed", "script": "Hi", "dispositions": "vip, later", "record": "y",
        "again_no_answer_h": "3", "rejected_max": "2", "best_hour": "y",
    }  # fmt: skip
    late = post(client, "/campaigns/new", {**form, "hours_to": "08:00"})
    assert "later than the beginning" in late.text
    made = post(client, "/campaigns/new", form)
    campaign_id = made.location.rsplit("/", 1)[1]
    with box.bus.store.read() as session:
        config = session.get_one(Campaign, campaign_id).config
    assert config["calling_hours"] == {"mon": ["09:00-18:00"], "fri": ["09:00-18:00"]}
    assert config["dispositions"] == ["vip", "later"]
    assert {key: config["retry_s"][key] for key in ("no_answer", "ringback", "busy", "unknown")} == {
        "no_answer": 10800, "ringback": 10800, "busy": 600, "unknown": 3600,
    }  # fmt: skip
    assert (config["retry_max"], config["best_hour"], config["other_numbers"]) == ({"rejected": 2}, True, False)
    page = f"/campaigns/{campaign_id}"
    assert 'value="09:00"' in client.get(f"{page}/edit").text
    for action in ("start", "pause", "resume", "stop"):
        assert post(client, f"{page}/action", {"do": action}, page=page, htmx=True).status_code == 204
    sent = [c.action for c in box.bus.asked if isinstance(c, cmd.CampaignAction)]
    assert sent[-4:] == ["start", "pause", "resume", "stop"]
    assert post(client, f"{page}/action", {"do": "explode"}, page=page, htmx=True).status_code == 400


def test_own_language_theme_and_password(box: FakeBox) -> None:
    client = box.client("agent")
    post(client, "/me/theme", {"theme": "dark"}, page="/me")
    post(client, "/language", {"language": "ru"}, page="/me")
    page = client.get("/me").text
    assert 'data-bs-theme="dark"' in page
    assert '<html lang="ru"' in page
    wrong = post(client, "/me", {"current": "no", "password": "another long one", "again": "another long one"})
    assert wrong.status_code == 200
    assert "alert-danger" in wrong.text


def test_retention_dry_run_first(box: FakeBox) -> None:
    client = box.client("administrator")
    post(client, "/retention", {"scope": "default", "keep_days": "30"}, page="/retention")
    assert ">30<" in client.get("/retention").text
    assert "Nothing to delete" in post(client, "/retention/run", page="/retention").text


def test_audit_page_shows_what_was_done(box: FakeBox) -> None:
    client = box.client("administrator")
    post(client, "/seats/many", {"count": "1", "phone": "desk"}, page="/seats")
    text = client.get("/audit?action=seat").text
    assert "<code>seat.made</code>" in text
    assert "<code>login" not in text


def test_the_second_factor_is_switched_on_and_off(box: FakeBox) -> None:
    box.add_user("kim", "agent")
    client = box.client("kim")
    page = post(client, "/me/second-factor", page="/me").text
    assert "data:image/svg+xml" in page
    found = re.search(r'user-select-all">([A-Z2-7 ]+)<', page)
    assert found
    code = pyotp.TOTP(found[1].replace(" ", ""))
    wrong = post(client, "/me/second-factor/confirm", {"code": "0"}, page="/me", htmx=True)
    assert wrong.status_code == 400
    right = post(client, "/me/second-factor/confirm", {"code": code.now()}, page="/me", htmx=True)
    assert right.headers["HX-Redirect"] == "/me"
    asked = post(box.client(), "/login", {"login": "kim", "password": PASSWORD})
    assert asked.status_code == 401
    assert re.search(r'<details class="mb-3"\s+open>', asked.text), "the field for the code is open"
    refused = post(client, "/me/second-factor/off", {"own_password": "no"}, page="/me")
    assert "is-invalid" in refused.text
    assert 'action="/me/second-factor/off"' in client.get("/me").text, "still on"
    assert post(client, "/me/second-factor/off", {"own_password": PASSWORD}, page="/me").location == "/me"
    assert 'action="/me/second-factor/off"' not in client.get("/me").text


def test_signing_out_everywhere_ends_the_other_sessions(box: FakeBox) -> None:
    box.add_user("lee", "agent")
    here, there = box.client("lee"), box.client()
    post(there, "/login", {"login": "lee", "password": PASSWORD})
    assert there.get("/me").status_code == 200
    assert post(here, "/logout", {"everywhere": "1"}, page="/me").location == "/login"
    assert here.get("/me").status_code == 302
    assert there.get("/me").status_code == 302
