"""How a campaign dials, set on its form; skills of users; numbers and rates of trunks; call-backs and dials by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from appliance import commands as cmd
from appliance.store.models import Campaign, Trunk, User
from tests.sim.web.fakes import FakeBox
from tests.sim.web.forms import post

pytestmark = pytest.mark.sim

FORM = {
    "name": "Voice campaign", "mode": "voice", "hours_from": "09:00", "hours_to": "18:00", "days": ["mon"],
    "time_zone_rule": "box", "rule_profile": "neutral", "attempts_per_day_max": "2", "attempts_total_max": "5",
    "wrap_up_mode": "timed", "abandoned_percent": "2.5", "abandoned_window_h": "48", "weight": "3",
    "skills_text": "legal:3; russian", "max_lines": "12", "callers_text": "+861000000001, +861000000002",
    "caller_id_daily": "200", "callback_wait_min": "30", "manual_dial": "y", "preview_countdown_s": "20",
    "preview_after": "skip", "voice_prompt": "message", "voice_on_machine": "after_beep", "voice_agent_key": "1",
    "voice_stop_key": "9", "greeting_wait_s": "12",
}  # fmt: skip


def test_everything_about_dialling_is_set_on_one_form(box: FakeBox) -> None:
    client = box.client("supervisor")
    made = post(client, "/campaigns/new", FORM)
    campaign_id = made.location.rsplit("/", 1)[1]
    with box.bus.store.read() as session:
        campaign = session.get_one(Campaign, campaign_id)
        mode, config = campaign.mode, campaign.config
    assert mode == "voice"
    assert (config["abandoned_limit"], config["abandoned_window_h"], config["weight"]) == (0.025, 48, 3)
    assert config["skills"] == {"legal": 3, "russian": 1}
    assert (config["max_lines"], config["caller_id_daily"], config["callback_wait_min"]) == (12, 200, 30)
    assert config["caller_ids"] == ["+861000000001", "+861000000002"]
    assert (config["preview_countdown_s"], config["preview_after"], config["manual_dial"]) == (20, "skip", True)
    voice = config["voice"]
    assert (voice["prompt"], voice["on_machine"], voice["agent_key"], voice["stop_key"]) == (
        "message", "after_beep", "1", "9",
    )  # fmt: skip
    again = client.get(f"/campaigns/{campaign_id}/edit").text
    for shown in ('value="2.5"', "legal:3, russian:1", "+861000000001, +861000000002"):
        assert shown in again


@pytest.mark.parametrize(("field", "value", "complaint"), [
    ("skills_text", "legal:9", "level from 1 to 5"), ("voice_stop_key", "1", "one key cannot mean two things"),
    ("callers_text", "abc", "digits"),
])  # fmt: skip
def test_what_is_wrong_is_said_and_nothing_is_saved(box: FakeBox, field: str, value: str, complaint: str) -> None:
    name = f"Wrong {field}"
    answer = post(box.client("supervisor"), "/campaigns/new", {**FORM, "name": name, field: value})
    assert answer.status_code == 200
    assert complaint in answer.text
    with box.bus.store.read() as session:
        assert name not in {campaign.name for campaign in session.query(Campaign)}


def test_skills_of_a_user(box: FakeBox) -> None:
    client, user_id = box.client("administrator"), box.people["agent"]
    form = {"login": "agent", "display_name": "Agent", "role": "agent", "language": "en", "enabled": "y",
            "skills_text": "legal:4"}  # fmt: skip
    post(client, f"/users/{user_id}", form)
    with box.bus.store.read() as session:
        assert session.get_one(User, user_id).skills == {"legal": 4}
    assert "legal:4" in client.get(f"/users/{user_id}").text
    assert "level from 1 to 5" in post(client, f"/users/{user_id}", {**form, "skills_text": "legal:7"}).text


def test_numbers_and_rate_of_a_trunk(box: FakeBox) -> None:
    form = {"id": "carrier", "display_name": "Carrier", "gateway": "192.0.2.1", "port": "5060", "transport": "udp",
            "channels": "30", "caller_id": "+861000000001", "caller_ids": "+861000000002 +861000000003",
            "calls_per_s": "2.5", "enabled": "y"}  # fmt: skip
    client = box.client("administrator")
    post(client, "/trunks/new", form)
    with box.bus.store.read() as session:
        config = session.get_one(Trunk, "carrier").config
    assert config["caller_ids"] == ["+861000000002", "+861000000003"]
    assert config["calls_per_s"] == 2.5


def test_a_call_back_is_given_in_the_time_of_the_person_called(box: FakeBox) -> None:
    client = box.client("agent")
    day = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%d")
    form = {"conversation_id": "conv9", "disposition": "call_back", "callback_at": f"{day}T12:30",
            "zone": "Asia/Vladivostok", "callback_to": "anyone"}  # fmt: skip
    post(client, "/desk/dispose", form, page="/me", htmx=True)
    sent = next(c for c in reversed(box.bus.asked) if isinstance(c, cmd.AgentDispose))
    at = datetime.fromisoformat(sent.callback_at or "")
    assert at.astimezone(ZoneInfo("Asia/Vladivostok")).strftime("%H:%M") == "12:30"
    assert sent.callback_to == "anyone"
    here = client.get(f"/desk/times?callback_at={day}T12:30&zone=Asia/Vladivostok").text
    assert "UTC" in here
    assert "2:30" in here
    assert client.get("/desk/times?callback_at=nonsense&zone=Nowhere/Land").text == ""


def test_a_number_is_dialled_by_hand(box: FakeBox) -> None:
    client = box.client("agent")
    post(client, "/desk/dial", {"number": " 13800000001 ", "campaign_id": "c9"}, page="/me", htmx=True)
    sent = next(c for c in reversed(box.bus.asked) if isinstance(c, cmd.AgentDial))
    assert (sent.number, sent.campaign_id, sent.lead_id) == ("13800000001", "c9", "")
