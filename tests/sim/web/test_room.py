"""The room, the wallboard, pace and recording policy through the pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest

from appliance import commands as cmd
from appliance.events import LiveLine, LiveTrunk
from appliance.store.models import Campaign
from appliance.types import AgentState
from tests.sim.web.fakes import FakeBox
from tests.sim.web.forms import post

pytestmark = pytest.mark.sim


@pytest.fixture(scope="module")
def seated(box: FakeBox) -> FakeBox:
    """The agent sits at seat01 and talks; the supervisor's phone is seat02."""
    for seat_id in ("seat01", "seat02"):
        box.by_administrator(cmd.SaveSeat, id=seat_id)
    box.bus.request(cmd.AgentLogin(actor_id=box.people["agent"], seat_id="seat01"))
    box.bus.engine.connect(box.people["agent"], "conv1", box.campaign("Room"))
    return box


def _last(box: FakeBox, kind: type[Any]) -> Any:
    return next(c for c in reversed(box.bus.asked) if isinstance(c, kind))


def test_take_over_and_force_go_to_the_engine_in_the_supervisors_name(seated: FakeBox) -> None:
    client, agent = seated.client("supervisor"), seated.people["agent"]
    refused = post(client, "/board/take-over", {"agent_id": agent}, page="/board", htmx=True)
    assert refused.status_code == 400, "no phone chosen yet"
    post(client, "/board/seat", {"seat_id": "seat02"}, page="/board")
    assert post(client, "/board/take-over", {"agent_id": agent}, page="/board", htmx=True).status_code == 204
    sent = _last(seated, cmd.TakeOver)
    assert (sent.actor_id, sent.agent_id, sent.seat_id) == (seated.people["supervisor"], agent, "seat02")
    said = post(
        client, "/board/force", {"agent_id": agent, "state": "pause", "reason": "lunch"}, page="/board", htmx=True
    )
    assert "toast" in said.headers["HX-Trigger"]
    assert _last(seated, cmd.ForceState).reason == "lunch"
    assert post(seated.client("agent"), "/board/force", {}, page="/desk", htmx=True).status_code == 403


def test_the_agent_reads_who_it_was(seated: FakeBox) -> None:
    agent = seated.people["agent"]
    seated.bus.engine.change(agent, told_by="Wang Li", told_what="taken_over")
    assert "Wang Li has taken your customer over." in seated.client("agent").get("/desk/bar").text
    seated.bus.engine.change(agent, told_by="", told_what="")


def test_a_supervisor_of_a_department_sees_and_reaches_his_people_only(seated: FakeBox) -> None:
    team = str(seated.by_administrator(cmd.SaveDepartment, name="East").id)
    scoped = {"agents.read": "team", "agents.supervise": "team"}
    role = str(seated.by_administrator(cmd.SaveRole, name="Team", base="supervisor", permissions=scoped).id)
    seated.add_user("lead", "supervisor", "Lead")
    seated.by_administrator(cmd.SaveUser, id=seated.people["lead"], login="lead", display_name="Lead",
                            role="supervisor", role_id=role, department_id=team)  # fmt: skip
    lead = seated.client("lead")
    assert "agent-tile" not in lead.get("/board").text
    assert seated.people["agent"] not in lead.get("/wall").text
    seated.by_administrator(cmd.SaveUser, id=seated.people["agent"], login="agent", display_name="Agent", role="agent",
                            department_id=team)  # fmt: skip
    assert "agent-tile" in lead.get("/board").text
    assert f"wall-{seated.people['agent']}" in lead.get("/wall/view").text


def test_the_wall_shows_all_of_it_and_each_tile_leads_to_its_rows(seated: FakeBox) -> None:
    engine = seated.bus.engine
    lines = [("a", "dialling"), ("b", "ringing"), ("c", "heard"), ("d", "talking")]
    engine.lines = [LiveLine(conversation_id=i, campaign_id="", state=s, since_unix_s=1.0) for i, s in lines]
    room = msgspec.structs.replace(engine.room(), trunks=[
        LiveTrunk(trunk_id="t1", channels=30, usable=0), LiveTrunk(trunk_id="t2", channels=30, usable=30, used=4),
    ])  # fmt: skip
    seated.bus.emit("room", room)
    page = seated.client("supervisor").get("/wall").text
    for figure in ("waiting", "calls-dialling", "calls-ringing", "calls-answered", "calls-talking"):
        assert f'data-figure="{figure}">1<' in page, figure
    assert 'data-figure="agents-talking">1<' in page
    assert "4/30" in page
    assert "down" in page
    for place in ("measure=abandoned", "measure=connected", 'href="/campaigns"', 'href="/lines"', "#room-lines"):
        assert place in page
    assert "nav-side" not in page, "no frame on a wall"
    ended = seated.app.test_client().get("/wall/view", headers={"HX-Request": "true"})
    assert ended.status_code == 401, "then the page goes to the log-in by itself"


def test_pace_says_what_it_will_do_before_and_can_be_undone(box: FakeBox) -> None:
    campaign = box.campaign("Paced").id
    client, url = box.client("supervisor"), f"/campaigns/{campaign}/pace"
    figures = {"abandoned_percent": "3", "max_lines": "40", "weight": "2", "priority_order": "due",
               "mode": "progressive"}  # fmt: skip
    expected = {"agents": 10, "utilisation": 0.84, "lines": 21.0, "abandoned": 0.03, "people_per_h": 300.0,
                "bound": "limit"}  # fmt: skip
    box.bus.engine.forecast = {"reason": "", "now": expected | {"utilisation": 0.7}, "then": expected}
    told = post(client, f"{url}/forecast", figures, page=url, htmx=True).text
    assert "84%" in told
    assert "70%" in told
    assert _last(box, cmd.ForecastPace).max_lines == 40
    box.bus.engine.forecast = {"reason": "too_few_calls"}
    assert "Too few calls yet" in post(client, f"{url}/forecast", figures, page=url, htmx=True).text
    assert post(client, url, figures).status_code == 302
    with box.bus.store.read() as session:
        assert session.get_one(Campaign, campaign).config["abandoned_limit"] == 0.03
    assert "changed the pace" in client.get(url).text
    assert post(client, f"{url}/undo", page=url).status_code == 302
    with box.bus.store.read() as session:
        assert session.get_one(Campaign, campaign).config["abandoned_limit"] == 0.01
        assert session.get_one(Campaign, campaign).config["max_lines"] is None


def test_two_supervisors_and_one_pace(box: FakeBox) -> None:
    campaign = box.campaign("Two").id
    one, url = box.client("supervisor"), f"/campaigns/{campaign}/pace"
    seen = one.get(url).headers["ETag"].strip('"')
    figures = {"abandoned_percent": "3", "weight": "2", "priority_order": "due", "mode": "progressive", "version": seen}
    assert post(box.client("administrator"), url, figures).status_code == 302
    lost = post(one, url, figures | {"abandoned_percent": "5"})
    assert lost.status_code == 409
    assert "0.03" in lost.text
    assert "0.05" in lost.text


def test_a_copy_has_the_settings_and_another_name(box: FakeBox) -> None:
    found = box.campaign("Original", script="Hello {name}", weight=7)
    answer = post(box.client("supervisor"), f"/campaigns/{found.id}/copy", page="/campaigns")
    with box.bus.store.read() as session:
        copy = session.get_one(Campaign, answer.location.split("/")[2])
    assert (copy.name, copy.config["weight"], copy.state) == ("Original, copy 1", 7, "draft")


def test_recording_policies_of_campaign_seat_and_desk(seated: FakeBox) -> None:
    supervisor = seated.client("supervisor")
    post(supervisor, "/campaigns/new", {
        "name": "Asked", "mode": "progressive", "hours_from": "08:00", "hours_to": "20:00", "days": ["mon"],
        "time_zone_rule": "number", "rule_profile": "neutral", "attempts_per_day_max": "3", "attempts_total_max": "6",
        "wrap_up_mode": "timed", "recording": "on_demand", "abandoned_percent": "1", "abandoned_window_h": "24",
        "weight": "1", "callback_wait_min": "15", "preview_countdown_s": "0", "preview_after": "dial",
        "greeting_wait_s": "10", "voice_prompt": "message", "voice_on_machine": "hang_up",
        "again_no_answer_h": "2", "again_machine_h": "2", "again_busy_min": "10", "again_off_h": "4",
    })  # fmt: skip
    sent = _last(seated, cmd.SaveCampaign)
    assert (sent.name, sent.config["record"], sent.config["record_on_demand"]) == ("Asked", True, True)
    post(seated.client("administrator"), "/seats/seat02",
         {"id": "seat02", "phone": "desk", "enabled": "y", "recording": "never"})  # fmt: skip
    assert _last(seated, cmd.SaveSeat).recording == "never"
    agent, client = seated.people["agent"], seated.client("agent")
    seated.bus.engine.change(agent, state=AgentState.TALKING, conversation_id="conv1", on_demand="off")
    bar = client.get("/desk/bar").text
    assert 'value="record"' in bar
    assert 'value="card"' not in bar, "nothing is recorded yet"
    assert post(client, "/desk/call", {"do": "record"}, page="/desk", htmx=True).status_code == 204
    assert _last(seated, cmd.AgentStartRecording).actor_id == agent
    seated.bus.engine.change(agent, on_demand="on")
    assert "is recorded" in client.get("/desk/bar").text


def test_the_stream_brings_a_board_its_room_and_nobody_elses(seated: FakeBox) -> None:
    engine, agent = seated.bus.engine, seated.people["agent"]
    line = LiveLine(conversation_id="a", campaign_id="", state="talking", since_unix_s=1.0, number_masked="+7…1")
    engine.lines = [line]
    page = seated.client("supervisor").get("/board").text
    assert "show=room" in page
    assert 'id="board-figures"' in page
    with _stream(seated, "supervisor", "/live?show=room") as told:
        first = next(told)
        assert "event: resync" in first
        assert 'hx-target="#room"' in first, "who comes back is shown all of it at once"
        engine.change(agent, state="paused")
        then = next(told)
        assert f'hx-target="#agent-{agent}"' in then
        assert "state-paused" in then
        assert "+7…1" in then
        assert 'hx-target="#room"' not in then, "what stayed as it was is not sent again"
    with _stream(seated, "supervisor", "/live") as told:
        assert "hx-partial" not in next(told)
        engine.change(agent, state="ready")
        assert "event: room" in next(told)
    with _stream(seated, "agent", "/live?show=room") as told:
        assert "hx-partial" not in next(told), "not allowed to see it"


@contextmanager
def _stream(box: FakeBox, who: str, address: str) -> Iterator[Iterator[str]]:
    """What a stream says after its first word."""
    response = box.client(who).get(address, buffered=False)
    said = (data.decode() if isinstance(data, bytes) else data for data in response.response)
    assert next(said).startswith("retry")
    yield said
    response.close()
