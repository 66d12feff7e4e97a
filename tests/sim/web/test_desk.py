"""The agent's desk over the fake engine: seat, states, pop, disposition."""

from __future__ import annotations

import json

import pytest

from appliance import commands as cmd
from appliance.errors import BusError
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
