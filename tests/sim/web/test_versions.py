"""Two who edit the same thing: whoever comes second overwrites nothing unseen, and sees both values."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from appliance import commands as cmd
from appliance.commands import COMMANDS, EditCommand
from appliance.errors import ConflictError
from appliance.store.read import versions
from tests.sim.web.fakes import FakeBox
from tests.sim.web.forms import post

pytestmark = pytest.mark.sim

EDITORS = {
    "SaveSeat", "SaveTrunk", "SaveCampaign", "SaveQueue", "SavePerson", "SaveRetention", "SaveSettings", "SaveLineCard",
    "SaveUser", "SaveRole", "SaveDepartment", "SaveReport", "SaveAnnouncement",
    "SaveContact", "SaveContactField", "SaveArticle", "SaveScript", "SaveForm", "SavePace", "SaveScorecard",
    "SaveSamplingPlan", "SaveWebhook",
}  # fmt: skip


def _version(page: str) -> str:
    found = re.search(r'name="version" value="([^"]+)"', page)
    assert found
    return found[1]


def test_every_form_of_administrators_says_which_version_was_seen() -> None:
    assert {command.__name__ for command in COMMANDS if issubclass(command, EditCommand)} >= EDITORS


FORMS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "campaigns": ("/campaigns/{campaign}/edit", {"name": "First", "mode": "progressive"}, {}),
    "seats": ("/seats/seat01", {"display_name": "First", "phone": "desk", "enabled": "y"}, {"phone": "browser"}),
    "queues": ("/queues/{queue}", {"name": "First"}, {}),
    "users": (
        "/users/{agent}", {"login": "agent", "display_name": "First", "role": "agent", "language": "en"}, {},
    ),
    "roles": ("/roles/{role}", {"name": "First", "base": "agent", "agent.work": "all"}, {}),
    "settings": ("/settings", {"dialling.ring_timeout_s": "41"}, {"dialling.ring_timeout_s": "42"}),
    "webhooks": ("/system/webhooks/{webhook}", {"name": "First", "event": "alert.raised"}, {}),
    "plans": ("/quality/plans/{plan}", {"name": "First"}, {}),
    "scorecards": ("/quality/scorecards/{card}", {"s0.q0.text": "First"}, {}),
}  # fmt: skip
SAVED_AT = {"plans": "/quality/plans/save", "scorecards": "/quality/scorecards/save"}
"""Forms that are sent to another address than their own."""


@pytest.fixture(scope="module")
def ids(box: FakeBox) -> dict[str, str]:
    box.by_administrator(cmd.SaveSeat, id="seat01", display_name="Before")
    questions = [{"id": "q1", "text": "Before", "kind": "yes_no"}]
    card = {"sections": [{"title": "Talk", "weight": 1, "questions": questions}]}
    card_id = str(box.by_administrator(cmd.SaveScorecard, name="Before", card=card).id)
    hook = box.by_administrator(cmd.SaveWebhook, name="Before", url="https://example.org/", events=["alert.raised"])
    plan = box.by_administrator(cmd.SaveSamplingPlan, name="Before", scorecard_id=card_id, rules={"per_agent": 2})
    return {
        "card": card_id, "webhook": str(hook.id), "plan": str(plan.id),
        "campaign": box.campaign(name="Before").id, "agent": box.people["agent"],
        "queue": str(box.by_administrator(cmd.SaveQueue, name="Before", config={"numbers": ["+4930111"]}).id),
        "role": str(box.by_administrator(cmd.SaveRole, name="Before", permissions={"agent.work": "all"}).id),
    }  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_who_comes_second_sees_both_values(box: FakeBox, ids: dict[str, str], form: str) -> None:
    path, first, more = FORMS[form]
    url = path.format(**ids)
    saved_at = SAVED_AT.get(form, url)
    one, other = box.client("administrator"), box.client("administrator")
    page = one.get(url)
    assert page.headers["ETag"] == f'"{_version(page.text)}"'
    seen = {"version": _version(page.text)}
    fields = first if form == "settings" else _fields(page.text) | first
    assert post(other, saved_at, fields | seen, page=url).status_code == 302
    second = {name: "Second" if value == "First" else value for name, value in fields.items()} | more
    lost = post(one, saved_at, second | seen, page=url)
    assert lost.status_code == 409
    assert "Administrator" in lost.text
    assert ("First" in lost.text and "Second" in lost.text) or ("41" in lost.text and "42" in lost.text)
    knowingly = second | {"version": _version(lost.text)}
    assert post(one, saved_at, knowingly, page=url).status_code == 302


def _fields(page: str) -> dict[str, Any]:
    """What the form of the page holds, as a browser would send it."""
    body = page[page.index('id="main"') :]
    found: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", body):
        name, kind = re.search(r'name="([^"]+)"', tag), re.search(r'type="([^"]+)"', tag)
        if name is None or (kind and kind[1] in ("checkbox", "radio") and " checked" not in tag):
            continue
        value = re.search(r'value="([^"]*)"', tag)
        found.setdefault(name[1], []).append(value[1] if value else "")
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', body, re.S):
        pattern = r'<option[^>]*value="([^"]*)"[^>]*selected|<option[^>]*selected[^>]*value="([^"]*)"'
        chosen = re.findall(pattern, options)
        found[name] = ["".join(one) for one in chosen]
    return {name: value for name, value in found.items() if name != "csrf_token"}


def test_a_program_sends_what_it_saw_as_if_match(box: FakeBox, ids: dict[str, str]) -> None:
    client, url = box.client("administrator"), "/seats/seat01"
    tag = client.get(url).headers["ETag"]
    token = re.search(r'name="csrf-token" content="([^"]+)"', client.get(url).text)
    assert token
    head = {"X-CSRFToken": token[1], "Referer": f"https://localhost{url}", "Accept": "application/json"}
    fields = {"phone": "desk", "id": "seat01", "enabled": "y"}
    assert client.post(url, data=fields | {"display_name": "A"}, headers=head | {"If-Match": tag}).status_code == 302
    lost = client.post(url, data=fields | {"display_name": "B"}, headers=head | {"If-Match": tag})
    assert lost.status_code == 409
    said: dict[str, Any] = lost.get_json()
    assert said["differences"] == [["display_name", "A", "B"]]
    assert said["version"] == versions.current(box.bus.store, "seat", "seat01")


def test_what_lives_is_no_change(box: FakeBox, ids: dict[str, str]) -> None:
    before = versions.current(box.bus.store, "campaign", ids["campaign"])
    box.bus.engine.handle(cmd.CampaignAction(actor_id="x", campaign_id=ids["campaign"], action="start"))
    assert versions.current(box.bus.store, "campaign", ids["campaign"]) == before


def test_secrets_are_only_said_to_differ(box: FakeBox) -> None:
    with pytest.raises(ConflictError) as lost:
        box.by_administrator(cmd.SaveSettings, version="old", changes={"email": {"password": "geheim", "user": "x"}})
    assert '["email.password", "***", "***"]' in json.dumps(lost.value.placeholders["differences"])
    assert "geheim" not in str(lost.value.placeholders)
