"""Each state machine is total: every state and event is legal, ignored or refused, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance import events as ev
from appliance.domain import agent as agents
from appliance.domain import call as calls
from appliance.domain import campaign as campaigns
from appliance.domain.agent import Agent, AgentEvent, Kind, StateChanged, WrapUp
from appliance.domain.call_model import (
    AgentConnected,
    AgentFound,
    AgentFree,
    Call,
    CallPolicy,
    CallState,
    ConversationOver,
    Ended,
    Expired,
    HangUpAsked,
    NobodyFree,
    Originated,
    OriginateRefused,
    SeatRefused,
    WorkerGone,
)
from appliance.domain.campaign import CampaignEvent, WrapUpMode
from appliance.domain.machine import Move
from appliance.domain.outcome import Verdict
from appliance.errors import CallerError
from appliance.types import AgentState, CampaignState, Outcome

pytestmark = pytest.mark.unit

NOW = datetime(2026, 3, 5, 9, 0, tzinfo=UTC)
TIMED = WrapUp(WrapUpMode.TIMED, 30.0)


# ---- campaign ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", CampaignState)
@pytest.mark.parametrize("event", CampaignEvent)
def test_campaign_is_total(state: CampaignState, event: CampaignEvent) -> None:
    refused = {
        (CampaignState.DRAFT, CampaignEvent.PAUSE), (CampaignState.DRAFT, CampaignEvent.RESUME),
        (CampaignState.DRAFT, CampaignEvent.STOP), (CampaignState.STOPPED, CampaignEvent.PAUSE),
        (CampaignState.STOPPED, CampaignEvent.RESUME), (CampaignState.FINISHED, CampaignEvent.PAUSE),
        (CampaignState.FINISHED, CampaignEvent.RESUME),
    }  # fmt: skip
    if (state, event) in refused:
        with pytest.raises(CallerError) as error:
            campaigns.step(state, event)
        assert error.value.error_id == "campaign.not_now"
    else:
        after = campaigns.step(state, event)
        assert campaigns.step(after, event) is after or event is CampaignEvent.EXHAUSTED


# ---- agent ----------------------------------------------------------------------------------------------


def _agent(state: AgentState) -> Agent:
    return Agent("a1", seat_id="s1", state=state, since=NOW, conversation_id="c1", wrap_up=TIMED)


@pytest.mark.parametrize("state", AgentState)
@pytest.mark.parametrize("kind", Kind)
def test_agent_is_total(state: AgentState, kind: Kind) -> None:
    over = kind in (Kind.WITHDRAWN, Kind.SEAT_LOST, Kind.ENDED)
    event = AgentEvent(kind, seat_id="s1", conversation_id="c1" if over else "c2", wrap_up=TIMED)
    before = _agent(state)
    answer = agents.TRANSITIONS[state, kind]
    if answer is Move.REFUSE or (state is AgentState.WRAP_UP and kind is Kind.READY):
        with pytest.raises(CallerError):
            agents.step(before, event, NOW)
        return
    after, commands = agents.step(before, event, NOW)
    if answer in (Move.IGNORE, agents.Do.STAY):
        assert (after, commands) == (before, ())
    else:
        assert after != before
        said = StateChanged(after.state, after.pause_reason if after.state is AgentState.PAUSED else "")
        assert after.state is state or said in commands


def test_a_pause_asked_for_while_talking_applies_after_wrap_up() -> None:
    agent, commands = agents.step(_agent(AgentState.TALKING), AgentEvent(Kind.PAUSE, reason="tea"), NOW)
    assert (agent.state, agent.pending, commands) == (AgentState.TALKING, AgentState.PAUSED, ())
    agent, _ = agents.step(agent, AgentEvent(Kind.ENDED, wrap_up=TIMED), NOW)
    assert agent.state is AgentState.WRAP_UP
    assert agent.wrap_up_ends == NOW + timedelta(seconds=30)
    agent, _ = agents.step(agent, AgentEvent(Kind.DISPOSED), NOW)
    assert (agent.state, agent.pause_reason, agent.pending) == (AgentState.PAUSED, "tea", None)


def test_signing_in_again_takes_a_log_out_back() -> None:
    leaving, _ = agents.step(_agent(AgentState.TALKING), AgentEvent(Kind.LOG_OUT), NOW)
    assert leaving.pending is AgentState.OFFLINE
    staying, _ = agents.step(leaving, AgentEvent(Kind.LOG_IN), NOW)
    assert (staying.state, staying.pending) == (AgentState.TALKING, None)


def test_wrap_up_that_runs_out_disposes_none_and_goes_where_the_campaign_says() -> None:
    paused = WrapUp(WrapUpMode.TIMED, 30.0, AgentState.PAUSED)
    agent, _ = agents.step(_agent(AgentState.TALKING), AgentEvent(Kind.ENDED, wrap_up=paused), NOW)
    agent, commands = agents.step(agent, AgentEvent(Kind.WRAP_UP_OVER), NOW)
    assert agent.state is AgentState.PAUSED
    assert agents.DisposeNone("c1") in commands


@pytest.mark.parametrize(("mode", "after"), [
    (WrapUpMode.NONE, AgentState.READY), (WrapUpMode.OPTIONAL, AgentState.WRAP_UP),
    (WrapUpMode.MANDATORY, AgentState.WRAP_UP), (WrapUpMode.TIMED, AgentState.WRAP_UP),
])  # fmt: skip
def test_wrap_up_modes(mode: WrapUpMode, after: AgentState) -> None:
    agent, _ = agents.step(_agent(AgentState.TALKING), AgentEvent(Kind.ENDED, wrap_up=WrapUp(mode, 30.0)), NOW)
    assert agent.state is after
    assert (agent.wrap_up_ends is None) == (mode in (WrapUpMode.NONE, WrapUpMode.MANDATORY))


def test_disposed_during_the_conversation_needs_no_wrap_up() -> None:
    agent, _ = agents.step(_agent(AgentState.TALKING), AgentEvent(Kind.DISPOSED), NOW)
    agent, _ = agents.step(agent, AgentEvent(Kind.ENDED, wrap_up=TIMED), NOW)
    assert agent.state is AgentState.READY


def test_a_reservation_that_came_to_nothing_keeps_the_place_in_the_queue() -> None:
    waited = replace(_agent(AgentState.READY), idle_since=NOW)
    reserved, _ = agents.step(waited, AgentEvent(Kind.RESERVE, conversation_id="c1"), NOW + timedelta(seconds=50))
    free, _ = agents.step(reserved, AgentEvent(Kind.WITHDRAWN), NOW + timedelta(seconds=60))
    assert (free.state, free.idle_since, free.conversation_id) == (AgentState.READY, NOW, None)


def test_a_seat_that_does_not_answer_pauses_its_agent() -> None:
    agent, _ = agents.step(_agent(AgentState.RESERVED), AgentEvent(Kind.SEAT_LOST), NOW)
    assert (agent.state, agent.pause_reason) == (AgentState.PAUSED, agents.UNREACHABLE_REASON)


@pytest.mark.parametrize("kind", [Kind.WITHDRAWN, Kind.SEAT_LOST, Kind.ENDED])
def test_the_end_of_another_conversation_is_not_his(kind: Kind) -> None:
    talking = _agent(AgentState.TALKING)
    assert agents.step(talking, AgentEvent(kind, conversation_id="c2", wrap_up=TIMED), NOW) == (talking, ())


def test_leaving_a_preview_releases_its_lead() -> None:
    _, commands = agents.step(_agent(AgentState.PREVIEWING), AgentEvent(Kind.PAUSE), NOW)
    assert agents.ReleaseLead() in commands
    _, commands = agents.step(_agent(AgentState.PREVIEWING), AgentEvent(Kind.DIAL, conversation_id="c2"), NOW)
    assert agents.ReleaseLead() not in commands


# ---- call -------------------------------------------------------------------------------------------------


def _call(state: CallState = CallState.DIALLING, *, preview: bool = False) -> Call:
    policy = CallPolicy(owner_agent_id="a1", owner_seat_id="s1") if preview else CallPolicy()
    return replace(
        calls.start(Call("c1", "k1", "l1", "+861", "t1", created_at=NOW, policy=policy)), state=state,
        agent_id="a1" if state in (CallState.CONNECTING, CallState.TALKING) else None, seat_id="s1",
    )  # fmt: skip


def _event(what: type, seq: int, **fields: object) -> object:
    return what(conversation_id="c1", attempt_id="c1", seq=seq, at_unix_s=NOW.timestamp() + seq, **fields)


def _heard(seq: int, label: str, phase: str = "answered", *, final: bool = True) -> object:
    return _event(ev.Heard, seq, phase=phase, label=label, kind="speech", reason="", confidence=1.0,
                  decided_at_ms=1, final=final)  # fmt: skip


def _worker_events(seq: int) -> list[object]:
    return [
        _event(ev.LegProgress, seq, role="trunk", sip_status=183, early_media=True),
        _event(ev.LegAnswered, seq, role="trunk"), _event(ev.LegAnswered, seq, role="seat", seat_id="s1"),
        _heard(seq, "human"), _heard(seq, "machine"), _heard(seq, "unknown", final=False),
        _heard(seq, "vacant", "early"), _heard(seq, "music", "early"),
        _event(ev.Bridged, seq, seat_id="s1", agent_id="a1"), _event(ev.Bridged, seq, seat_id="s2", agent_id="a2"),
        _event(ev.SeatFailed, seq, seat_id="s1", agent_id="a1", sip_status=480),
        _event(ev.LegEnded, seq, role="trunk", sip_status=486), _event(ev.LegEnded, seq, role="seat", sip_status=200),
        _event(ev.DtmfReceived, seq, role="trunk", digit="1"), _event(ev.PromptEnded, seq, prompt_id="p", role="trunk"),
        _event(ev.RecordingStarted, seq, recording_id="r", spool_path="x"),
        _event(ev.RecordingClosed, seq, recording_id="r", spool_path="x", frames=1),
        _event(ev.ConversationEnded, seq), _event(ev.ConversationEnded, seq, lost=True),
        _event(ev.InboundOffered, seq, trunk_id="t1", caller="+861", called="+862"),
        _event(ev.InboundUnserved, seq, trunk_id="t1", caller="+861", called="+862"),
        _event(ev.HandedOver, seq, joined=True, agent_id="a2", seat_id="s2"),
        _event(ev.HandedOver, seq, joined=False, number="+861012345678"),
        _event(ev.Controls, seq, third="talking", third_agent_id="a3"),
    ]  # fmt: skip


OWN: list[object] = [
    Originated(), OriginateRefused(Verdict(Outcome.CANCELLED)), AgentFound("a1", "s1"), AgentFound("a2", "s2"),
    SeatRefused("a1"), Expired(), HangUpAsked("test"), WorkerGone(), NobodyFree(),
]  # fmt: skip


def test_every_event_of_the_bus_has_its_column() -> None:
    assert {type(event) for event in _worker_events(1)} == set(ev.CONVERSATION_EVENTS)
    assert {type(event) for event in OWN} == set(calls.OWN_EVENTS)
    assert len(calls.TRANSITIONS) == len(CallState) * (len(ev.CONVERSATION_EVENTS) + len(calls.OWN_EVENTS))


@pytest.mark.parametrize("state", CallState)
@pytest.mark.parametrize("preview", [False, True])
@pytest.mark.parametrize("number", range(len(OWN) + len(_worker_events(1))))
def test_call_is_total(state: CallState, preview: bool, number: int) -> None:
    event = (OWN + _worker_events(7))[number]
    call, commands = calls.step(_call(state, preview=preview), event, NOW)  # type: ignore[arg-type]
    assert sum(isinstance(c, Ended) for c in commands) == (
        call.state is CallState.ENDED and state is not CallState.ENDED
    )
    assert call.deadline is not None or call.state in (CallState.TALKING, CallState.ENDED)
    if state is CallState.ENDED:
        assert commands == ()


@given(st.lists(st.integers(0, len(OWN) + len(_worker_events(1)) - 1), max_size=30), st.booleans(), st.data())
def test_no_order_of_events_ends_an_attempt_twice_or_loses_an_agent(
    order: list[int], preview: bool, data: st.DataObject
) -> None:
    call = _call(preview=preview)
    bound: set[str] = {"a1"} if preview else set()
    ended = 0
    for position, number in enumerate(order):
        seq = data.draw(st.integers(1, position + 2))  # late and repeated ones too
        event = (OWN + _worker_events(seq))[number]
        call, commands = calls.step(call, event, NOW)  # type: ignore[arg-type]
        for command in commands:
            if isinstance(command, Ended):
                ended += 1
            if isinstance(command, AgentConnected):
                bound.add(command.agent_id)
            if isinstance(command, AgentFree | ConversationOver):
                bound.discard(command.agent_id)
            if type(command).__name__ == "ConnectSeat":
                bound.add(call.agent_id or "")
            if type(command).__name__ == "AgentUnreachable":
                bound.discard("a1" if call.agent_id is None else call.agent_id)
                bound.discard(command.agent_id)  # type: ignore[union-attr]
        if call.state is CallState.TALKING and call.agent_id:
            assert call.agent_id in bound
    assert ended == (call.state is CallState.ENDED)
    if ended and not preview:
        assert bound == set()


def test_a_repeated_event_changes_nothing() -> None:
    call, _ = calls.step(_call(), _event(ev.LegAnswered, 3, role="trunk"), NOW)  # type: ignore[arg-type]
    again, commands = calls.step(call, _event(ev.LegAnswered, 3, role="trunk"), NOW)  # type: ignore[arg-type]
    assert (again, commands) == (call, ())
