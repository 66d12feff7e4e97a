"""Every route for every role, from the routes themselves: shut by default, and the list below is all that is open."""

from __future__ import annotations

import re

import pytest
from flask import url_for

from appliance.commands import SaveSeat
from appliance.types import Role
from tests.sim.web.fakes import PASSWORD, FakeBox
from webui.access import Access, access_of
from webui.auth.service import safe_path

pytestmark = pytest.mark.sim

PUBLIC = {
    "static", "auth.log_in", "auth.language", "setup.language", "setup.set_language", "setup.administrator",
    "api_v1.health", "api_v1.openapi", "metrics.scrape", "phones.settings",
}  # fmt: skip
EVERYBODY = {
    "auth.log_out", "auth.preferences", "auth.theme", "auth.second_factor",
    "auth.confirm_second_factor", "auth.second_factor_off", "home.entry", "stream.live", "api_v1.reference",
    "roles.see_as",
}  # fmt: skip
AGENT = {
    "agent.desk", "agent.bar", "agent.work", "agent.take_seat", "agent.leave", "agent.state", "agent.call",
    "agent.dial", "agent.add_caller", "agent.targets", "agent.transfer", "agent.reattach", "agent.draft",
    "agent.articles", "agent.my_keys", "agent.save_keys", "agent.times",
    "agent.preview", "cti.link", "agent.dispose", "agent.machine", "agent.phone_credentials", "recordings.page",
    "recordings.one",
    "recordings.listen", "recordings.note", "recordings.delete_note", "scores.page", "scores.one", "scores.appeal",
}  # fmt: skip
SUPERVISOR_SLICES = {
    "home", "board", "cti", "campaigns", "imports", "do_not_call", "recordings", "reports", "exports", "alerts",
    "agent",
    "heard", "announcements", "lines", "line_test", "disks", "saved_reports", "wall", "pace",
    "numbers", "people", "rules", "queues", "missed", "knowledge", "scripts", "forms",
    "recording_packs", "quality", "scores", "scorecards", "sampling_plans", "calibrations", "quality_results",
}  # fmt: skip
NOT_FOR_SUPERVISORS = {
    "recordings.hold", "scores.appeal", "lines.control", "line_test.begin", "line_test.act",
    "disks.test", "disks.check", "disks.replace", "disks.replace_progress",
    "disks.abandon", "disks.retire", "disks.locate",
}  # fmt: skip


def _allowed(endpoint: str, role: Role | None) -> bool:
    """What the table says, written apart from the code's own marks."""
    if endpoint in PUBLIC:
        return True
    if role is None:
        return False
    if role is Role.ADMINISTRATOR or endpoint in EVERYBODY:
        return True
    if role is Role.AGENT:
        return endpoint in AGENT
    return endpoint.split(".")[0] in SUPERVISOR_SLICES and endpoint not in NOT_FOR_SUPERVISORS


def test_every_route_says_who_may_come_in(box: FakeBox) -> None:
    unmarked = [e for e in box.app.view_functions if not isinstance(access_of(box.app, e), Access)]
    assert unmarked == []


def _requests(box: FakeBox) -> list[tuple[str, str, str]]:
    found = []
    with box.app.test_request_context():
        for rule in box.app.url_map.iter_rules():
            if rule.endpoint.startswith("api_v1.") and rule.endpoint not in PUBLIC | EVERYBODY:
                continue  # the operations of the API: test_api_access.py
            url = url_for(rule.endpoint, **dict.fromkeys(rule.arguments, "nothing"))
            found += [(rule.endpoint, method, url) for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})]
    return found


@pytest.mark.parametrize("role", [None, *Role])
def test_every_route_for_every_role(box: FakeBox, role: Role | None) -> None:
    box.app.config["WTF_CSRF_ENABLED"] = False
    wrong = []
    try:
        for endpoint, method, url in _requests(box):
            if endpoint in ("stream.live", "auth.log_out"):
                continue  # one has no end, the other ends the session: both are tested below
            client = box.client(role.value if role else None)
            status = client.open(url, method=method, headers={"HX-Request": "true"}).status_code
            refused = status in (401, 403)
            if endpoint == "auth.log_in" and method == "POST":
                continue
            if refused == _allowed(endpoint, role):
                wrong.append((endpoint, method, status))
    finally:
        box.app.config["WTF_CSRF_ENABLED"] = True
    assert wrong == []


def test_stream_needs_a_session_and_ends_with_it(box: FakeBox) -> None:
    assert box.client().get("/live", headers={"HX-Request": "true"}).status_code == 401
    client = box.client("agent")
    response = client.get("/live", buffered=False)
    lines = response.iter_encoded()
    assert response.content_type.startswith("text/event-stream")
    assert next(lines) == b"retry: 1000\n\n"
    response.close()


def test_strangers_are_led_to_the_log_in_and_back(box: FakeBox) -> None:
    response = box.client().get("/recordings?number=1")
    assert response.status_code == 302
    assert response.location == "/login?next=/recordings?number%3D1"
    assert safe_path("/recordings?number=1")


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_log_in_leads_nowhere_else(box: FakeBox, target: str) -> None:
    client = box.client()
    page = client.get("/login")
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    assert token
    form = {"login": "agent", "password": PASSWORD, "csrf_token": token[1]}
    response = client.post(f"/login?next={target}", data=form, headers={"Referer": "https://localhost/login"})
    assert response.status_code == 302
    assert response.location == "/"


def test_nothing_is_written_without_the_form_token(box: FakeBox) -> None:
    client = box.client("administrator")
    for url in ("/campaigns/new", "/users/new", "/desk/state", "/logout", "/language", "/settings"):
        response = client.post(url, data={"name": "x"}, headers={"HX-Request": "true"})
        assert response.status_code == 400, url
    assert client.get("/api/v1/me").status_code == 200, "still signed in"


def test_session_cookie_is_shut_away_and_ends_on_the_server(box: FakeBox) -> None:
    client = box.client()
    page = client.get("/login")
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    assert token
    form = {"login": "agent", "password": PASSWORD, "csrf_token": token[1]}
    response = client.post("/login", data=form, headers={"Referer": "https://localhost/login"})
    cookie = next(c for c in response.headers.getlist("Set-Cookie") if c.startswith("__Host-callbox="))
    assert "Secure" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    value = cookie.split(";")[0].split("=", 1)[1]
    csrf = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/desk").text)
    assert csrf
    client.post("/logout", data={"csrf_token": csrf[1]}, headers={"Referer": "https://localhost/desk"})
    thief = box.app.test_client()
    thief.set_cookie("__Host-callbox", value)
    assert thief.get("/api/v1/me").status_code == 401


def test_an_agent_sees_no_recording_of_others(box: FakeBox) -> None:
    box.by_administrator(SaveSeat, id="seat01")
    assert box.client("agent").get("/recordings/nothing/file").status_code == 403
