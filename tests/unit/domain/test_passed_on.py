"""A customer is passed on: the agent who does it is free, the next one is bound, nobody is forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from appliance import events as ev
from appliance.commands import ConnectSeat
from appliance.domain import agent as agents
from appliance.domain import call as calls
from appliance.domain import call_model as model
from appliance.domain import inbound_call as inbound
from appliance.domain import inbound_model as words
from appliance.domain.agent import Agent, AgentEvent, Kind, WrapUp
from appliance.domain.call_model import Call, CallPolicy, CallState
from appliance.domain.campaign import WrapUpMode
from appliance.domain.inbound_model import InboundCall, InboundState
from appliance.domain.third_party import ShowAgent, ThirdGone, ThirdJoined
from appliance.types import AgentState

pytestmark = pytest.mark.unit
NOW = datetime(2026, 3, 5, 9, 0, tzinfo=UTC)


def say(kind: Any, seq: int, **fields: Any) -> Any:
    return kind(conversation_id="c1", attempt_id="c1", seq=seq, at_unix_s=NOW.timestamp(), **fields)


def talking() -> Call:
    return Call(
        "c1", "k1", "l1", "+8613800138000", "t1", created_at=NOW, state=CallState.TALKING, agent_id="a1", seat_id="s1",
        bridged_at=NOW, answered_at=NOW, policy=CallPolicy(owner_agent_id="a1", owner_seat_id="s1"),
    )  # fmt: skip


def caller() -> InboundCall:
    return InboundCall(
        "c1", "t1", "+8613800138000", "+861", at=NOW, state=InboundState.TALKING, agent_id="a1", seat_id="s1",
        bridged_at=NOW, answered_at=NOW, wait_ends=NOW - timedelta(hours=1),
    )  # fmt: skip


@pytest.mark.parametrize("start", [talking(), caller()], ids=["call", "caller"])
@pytest.mark.parametrize(
    ("to", "state", "connects"),
    [
        ({"joined": True, "agent_id": "a2", "seat_id": "s2"}, "talking", False),
        ({"joined": True, "number": "+861"}, "talking", False),
        ({"joined": False, "agent_id": "a2", "seat_id": "s2"}, "connecting", True),
        ({"joined": False, "number": "+861", "trunk_id": "t2"}, "connecting", True),
        ({"joined": False, "seat_id": "s9"}, "connecting", True),
    ],
)  # fmt: skip
def test_who_talks_and_who_is_free(start: Any, to: dict[str, Any], state: str, connects: bool) -> None:
    step = calls.step if isinstance(start, Call) else inbound.step
    over = model.ConversationOver if isinstance(start, Call) else words.ConversationOver
    after, said = step(start, say(ev.HandedOver, 1, **to), NOW)
    assert after.state.value == state
    assert over("a1") in said
    assert any(isinstance(word, ConnectSeat) for word in said) is connects
    assert after.outside is not bool(to.get("agent_id"))
    closed, last = step(after, say(ev.ConversationEnded, 2), NOW)
    assert closed.state.value == "ended"
    assert over("a1") not in last, "he was let go already"
    freed = [word for word in last if getattr(word, "agent_id", "")]
    assert [word.agent_id for word in freed] == (["a2"] if to.get("agent_id") else [])


@pytest.mark.parametrize("start", [talking(), caller()], ids=["call", "caller"])
def test_outside_answers_or_does_not(start: Any) -> None:
    step = calls.step if isinstance(start, Call) else inbound.step
    passed, _ = step(start, say(ev.HandedOver, 1, joined=False, number="+861", trunk_id="t1"), NOW)
    up, said = step(passed, say(ev.Bridged, 2, seat_id="", agent_id=""), NOW)
    assert (up.state.value, up.agent_id, said) == ("talking", "a1", ())
    gone, _ = step(up, say(ev.LegEnded, 3, role="seat", sip_status=200), NOW)
    assert gone.state.value == "closing"
    back, said = step(passed, say(ev.SeatFailed, 2, seat_id="", agent_id="", sip_status=486), NOW)
    assert back.state.value in ("heard", "waiting")
    assert any(type(word).__name__ == "FindAgent" for word in said)
    assert not any(type(word).__name__ == "AgentUnreachable" for word in said)
    assert back.deadline is not None
    assert back.deadline > NOW


def test_to_a_queue_waits_and_is_not_counted_as_abandoned() -> None:
    waits, said = calls.step(talking(), say(ev.HandedOver, 1, joined=False, queue_id="q1", wait_s=90.0), NOW)
    assert (waits.state, waits.queue_id, waits.agent_id) == (CallState.HEARD, "q1", None)
    assert said == (model.ConversationOver("a1"), model.FindAgent())
    assert waits.deadline == NOW + timedelta(seconds=90)
    closing, _ = calls.step(waits, model.Expired(), NOW + timedelta(seconds=90))
    assert not closing.abandoned
    queued, said = inbound.step(caller(), say(ev.HandedOver, 1, joined=False, queue_id="q1"), NOW)
    assert queued.state is InboundState.WAITING
    assert words.PassedTo("q1") in said


@pytest.mark.parametrize("reason", ["passed_on", "again", "reload", "media_lost"])
@pytest.mark.parametrize("start", [talking(), caller()], ids=["call", "caller"])
def test_a_seat_that_leaves_so_has_not_hung_up(start: Any, reason: str) -> None:
    step = calls.step if isinstance(start, Call) else inbound.step
    gone = say(ev.LegEnded, 1, role="seat", sip_status=200, reason=reason, seat_id="s1")
    assert step(start, gone, NOW)[0].state.value == "talking"


@pytest.mark.parametrize("start", [talking(), caller()], ids=["call", "caller"])
def test_a_third_party_comes_and_goes(start: Any) -> None:
    step = calls.step if isinstance(start, Call) else inbound.step
    rings = say(ev.Controls, 1, third="ringing", third_agent_id="a3")
    talks = say(ev.Controls, 2, third="talking", third_agent_id="a3", held=True)
    call, said = step(start, rings, NOW)
    assert said == (ShowAgent("a1"), ShowAgent("a3"))
    call, said = step(call, talks, NOW)
    assert said == (ThirdJoined("a3"), ShowAgent("a1"), ShowAgent("a3"))
    _, said = step(call, say(ev.ConversationEnded, 3, lost=True), NOW)
    assert ThirdGone("a3") in said, "also when the worker died"
    taken, said = step(call, say(ev.HandedOver, 3, joined=True, agent_id="a3", seat_id="s3"), NOW)
    _, said = step(taken, say(ev.Controls, 4), NOW)
    assert ThirdGone("a3") not in said, "he has the customer now"
    _, said = step(call, say(ev.Controls, 3), NOW)
    assert said == (ThirdGone("a3"), ShowAgent("a1"))


def test_a_wrap_up_of_fixed_length_runs_its_time() -> None:
    fixed = WrapUp(WrapUpMode.FIXED, 30.0)
    agent = Agent("a1", state=AgentState.TALKING, conversation_id="c1", seat_id="s1")
    agent, _ = agents.step(agent, AgentEvent(Kind.DISPOSED), NOW)
    agent, _ = agents.step(agent, AgentEvent(Kind.ENDED, wrap_up=fixed), NOW)
    assert (agent.state, agent.disposed) == (AgentState.WRAP_UP, True)
    for kind, pending in ((Kind.DISPOSED, None), (Kind.READY, AgentState.READY), (Kind.PAUSE, AgentState.PAUSED)):
        agent, _ = agents.step(agent, AgentEvent(kind, reason="lunch"), NOW)
        assert (agent.state, agent.pending) == (AgentState.WRAP_UP, pending)
    over, said = agents.step(agent, AgentEvent(Kind.WRAP_UP_OVER), NOW)
    assert over.state is AgentState.PAUSED
    assert not any(isinstance(word, agents.DisposeNone) for word in said)
    _, said = agents.step(replace(agent, disposed=False), AgentEvent(Kind.WRAP_UP_OVER), NOW)
    assert any(isinstance(word, agents.DisposeNone) for word in said)
