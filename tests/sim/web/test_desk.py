"""The agent's desk over the fake engine: seat, states, pop, disposition."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from appliance import commands as cmd
from appliance.errors import BusError
from appliance.store.models import Attempt, Contact, KbArticle, Lead, Recording
from tests.sim.web.fakes import FakeBox
from tests.sim.web.forms import post

pytestmark = pytest.mark.sim


@pytest.fixture(scope="module")
def seated(box: FakeBox) -> FakeBox:
    """The agent sits at a browser seat."""
    box.by_administrator(cmd.SaveSeat, id="seat01", display_name="Window", phone="browser")
    client = box.client("agent")
    assert "Window" in client.get("/desk").text
    assert post(client, "/desk/seat", {"seat_id": "seat01"}, page="/desk").location == "/desk"
    return box


def test_the_way_of_a_call(seated: FakeBox) -> None:
    client, engine, me = seated.client("agent"), seated.bus.engine, seated.people["agent"]
    campaign = seated.campaign("Desk", script="Hello {name}, {amount}. {合同} {nothing}", dispositions=["vip"])
    assert "You are paused" in client.get("/desk").text
    assert post(client, "/desk/state", {"to": "ready"}, page="/desk", htmx=True).status_code == 204
    assert "Waiting for the next call" in client.get("/desk/work?shown=paused").text
    engine.connect(me, "conv1", campaign)
    work = client.get("/desk/work?shown=waiting").text
    assert "王小明" in work
    assert "12,345.00 CNY" in work
    assert "Hello 王小明, 12,345.00 CNY. HT-2025-88 …" in work
    assert 'value="vip"' in work
    assert "Alt+9" in work
    shown = client.get("/desk/work?shown=call:conv1:lead1")
    assert shown.status_code == 204, "the record on the screen is not loaded again: nothing typed is lost"
    post(client, "/desk/call", {"do": "hangup"}, page="/desk", htmx=True)
    assert client.get("/desk/work?shown=call:conv1:lead1").status_code == 204, "wrap-up keeps the form"
    wrong = post(client, "/desk/dispose", {"conversation_id": "conv1"}, page="/desk", htmx=True)
    assert wrong.status_code == 422
    assert "Choose a result" in wrong.headers["HX-Trigger"]
    form = {"conversation_id": "conv1", "disposition": "informed", "note": "said yes"}
    saved = post(client, "/desk/dispose", form, page="/desk", htmx=True)
    assert json.loads(saved.headers["HX-Trigger"])["disposed"] == {"conversation": "conv1"}
    sent = next(c for c in reversed(seated.bus.asked) if isinstance(c, cmd.AgentDispose))
    assert (sent.disposition, sent.note, sent.actor_id) == ("informed", "said yes", me)


def test_phone_credentials_are_for_the_own_seat(seated: FakeBox) -> None:
    given = post(seated.client("agent"), "/desk/phone", page="/desk").json
    assert given is not None
    assert given["user"] == "seat01"
    assert set(given) == {"user", "password", "realm"}
    other = post(seated.client("supervisor"), "/desk/phone", page="/board", htmx=True)
    assert other.status_code == 404


def test_a_dead_engine_is_said_and_nothing_breaks(seated: FakeBox) -> None:
    client = seated.client("agent")
    page = client.get("/desk")
    seated.bus.failure = BusError("bus.no_service", "x", retryable=True, service="engine")
    try:
        assert client.get("/desk").status_code == 200, "the last known state is shown"
        answer = client.post(
            "/desk/state", data={"to": "ready"},
            headers={"HX-Request": "true", "Referer": "https://localhost/desk",
                     "X-CSRFToken": page.text.split('name="csrf-token" content="')[1].split('"')[0]},
        )  # fmt: skip
    finally:
        seated.bus.failure = None
    assert answer.status_code == 503
    assert "engine" in answer.headers["HX-Trigger"]


def test_no_seat_is_offered_while_the_engine_is_away(seated: FakeBox) -> None:
    seated.add_user("newcomer", "agent")
    client = seated.client("newcomer")
    seated.bus.failure = BusError("bus.no_service", "x", retryable=True, service="engine")
    try:
        page = client.get("/desk")
    finally:
        seated.bus.failure = None
    assert page.status_code == 503
    assert "Try again" in page.text
    assert "Where do you sit?" in client.get("/desk").text


def test_supervision_needs_a_chosen_seat(seated: FakeBox) -> None:
    client = seated.client("supervisor")
    form = {"agent_id": seated.people["agent"], "mode": "listen"}
    assert post(client, "/board/supervise", form, page="/board", htmx=True).status_code == 400
    post(client, "/board/seat", {"seat_id": "seat01"}, page="/board")
    assert post(client, "/board/supervise", form, page="/board", htmx=True).status_code == 204
    sent = next(c for c in reversed(seated.bus.asked) if isinstance(c, cmd.SuperviseAgent))
    assert (sent.seat_id, sent.mode) == ("seat01", "listen")


SURVEY = [
    {"id": "wants", "label": "Wants it?", "kind": "yes_no", "required": True},
    {"id": "colours", "label": "Colours", "kind": "several", "choices": ["red", "blue"], "when_id": "wants",
     "when_is": "yes"},
]  # fmt: skip


def test_call_controls_say_what_they_do(seated: FakeBox) -> None:
    client, engine, me = seated.client("agent"), seated.bus.engine, seated.people["agent"]
    engine.connect(me, "conv2")
    engine.targets = {
        "agents": [{"id": "a2", "name": "Li <b>"}], "seats": [], "queues": [{"id": "q1", "name": "Service"}],
        "numbers": True,
    }  # fmt: skip
    listed = client.get("/desk/transfer").text
    assert "agent:a2" in listed
    assert "Li &lt;b&gt;" in listed
    for do, command in (
        ("mute", cmd.AgentMute), ("unmute", cmd.AgentMute), ("card", cmd.AgentRecording),
        ("card_over", cmd.AgentRecording),
    ):  # fmt: skip
        assert post(client, "/desk/call", {"do": do}, page="/desk", htmx=True).status_code == 204
        assert isinstance(seated.bus.asked[-1], command) or any(isinstance(c, command) for c in seated.bus.asked[-3:])
    none = post(client, "/desk/transfer", {"how": "blind"}, page="/desk", htmx=True)
    assert none.status_code == 422
    post(client, "/desk/transfer", {"how": "attended", "to": "agent:a2"}, page="/desk", htmx=True)
    bar = client.get("/desk/bar").text
    assert "Leave the customer to them" in bar
    assert "All together" in bar
    post(client, "/desk/call", {"do": "join"}, page="/desk", htmx=True)
    assert "The two alone" in client.get("/desk/bar").text
    post(client, "/desk/call", {"do": "complete"}, page="/desk", htmx=True)
    assert "Wrap-up" in client.get("/desk/bar").text


def test_what_is_typed_and_answered_goes_along(seated: FakeBox) -> None:
    client, engine, me = seated.client("agent"), seated.bus.engine, seated.people["agent"]
    campaign = seated.campaign("Order", survey=SURVEY, script="Good day\n# Offer\n{name}\n# Farewell\nBye")
    engine.connect(me, "conv3", campaign)
    work = client.get("/desk/work?shown=").text
    assert 'data-title="Farewell"' in work
    assert 'name="answers.colours"' in work
    form = {
        "conversation_id": "conv3", "note": "wants two", "answers.wants": "yes", "answers.colours": ["red", "blue"],
        "disposition": "informed", "other_number": "010 8888 6666",
    }  # fmt: skip
    assert post(client, "/desk/draft", form, page="/desk", htmx=True).status_code == 204
    draft = next(c for c in reversed(seated.bus.asked) if isinstance(c, cmd.AgentDraft))
    assert (draft.note, draft.answers) == ("wants two", {"wants": "yes", "colours": ["red", "blue"]})
    post(client, "/desk/dispose", form, page="/desk", htmx=True)
    sent = next(c for c in reversed(seated.bus.asked) if isinstance(c, cmd.AgentDispose))
    assert sent.answers == {"wants": "yes", "colours": ["red", "blue"]}
    assert sent.other_number == "010 8888 6666"


def test_keys_are_ones_own(seated: FakeBox) -> None:
    client = seated.client("agent")
    assert post(client, "/desk/keys", {"hangup": "Alt+L"}).location == "/desk/keys"
    bar = client.get("/desk/bar").text
    seated.bus.engine.connect(seated.people["agent"], "conv4")
    bar = client.get("/desk/bar").text
    assert "<kbd>Alt+L</kbd>" in bar
    assert post(client, "/desk/keys", {"hangup": "Alt+A"}).status_code == 400, "ready has it"
    assert post(client, "/desk/keys", {"hangup": "x"}).status_code == 400, "a single character is none"
    assert post(client, "/desk/keys", {"usual": "1"}).location == "/desk/keys"
    assert "<kbd>Alt+X</kbd>" in client.get("/desk/bar").text


def test_knowledge_is_found_and_suggested(seated: FakeBox) -> None:
    with seated.bus.store.write() as session:
        session.add(
            KbArticle(id="k1", title="Instalments", body="<script>alert(1)</script> twelve months", tags="",
                      dispositions=["promise_to_pay"], updated_at=datetime.now(UTC))
        )  # fmt: skip
    client = seated.client("agent")
    found = client.get("/desk/knowledge?words=instal").text
    assert "Instalments" in found
    assert "<script>" not in found
    assert "Nothing is found" in client.get("/desk/knowledge?words=nothing").text
    assert "Instalments" in client.get("/desk/knowledge?disposition=promise_to_pay").text


def test_only_recordings_that_he_may_hear(seated: FakeBox) -> None:
    me, now = seated.people["agent"], datetime.now(UTC)
    campaign = seated.campaign("Past")
    with seated.bus.store.write() as session:
        session.add(Contact(id="c1", number="+8613811110000", created_at=now))
        session.flush()
        session.add(Lead(id="l9", campaign_id=campaign.id, contact_id="c1", number="+8613811110000", state="done",
                         next_attempt_at=now, currency="CNY"))  # fmt: skip
        session.flush()
        for key, agent_id in (("mine", me), ("theirs", seated.people["supervisor"])):
            session.add(
                Attempt(id=key, campaign_id=campaign.id, lead_id="l9", contact_id="c1", number="+8613811110000",
                        trunk_id="t", created_at=now, ended_at=now, bridged_at=now, outcome="human", agent_id=agent_id,
                        disposition="promise_to_pay", promise_amount_minor=5000, promise_date="2026-03-09",
                        note=f"note of {key}")
            )  # fmt: skip
            session.add(
                Recording(id=f"rec-{key}", conversation_id=key, attempt_id=key, agent_id=agent_id, state="archived",
                          started_at=now)
            )  # fmt: skip
    seated.bus.engine.connect(me, "conv5", campaign, lead_id="l9", number="+8613811110000")
    work = seated.client("agent").get("/desk/work?shown=").text
    assert "note of mine" in work
    assert "note of theirs" in work
    assert "50.00 CNY" in work
    assert "rec-mine" in work
    assert "rec-theirs" not in work
