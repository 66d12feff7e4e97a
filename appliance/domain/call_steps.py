"""What several transitions of a call share: deadlines, closing, hanging up, connecting, waiting for an agent."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from appliance import events as bus_events
from appliance.commands import ConnectSeat, Hangup
from appliance.domain.abandoned import clock_start
from appliance.domain.call_model import (
    AgentConnected,
    AgentFree,
    Call,
    CallState,
    Commands,
    ConversationOver,
    FindAgent,
)  # fmt: skip
from appliance.domain.hearing import LATE_REASON
from appliance.domain.outcome import Verdict
from appliance.types import Kind, Outcome

CLOSING_S = 20.0
_SEAT_MARGIN_S = 3.0
OUTSIDE_RINGS_S = 30.0
"""So long a third party outside may ring."""
OWNER_WAITS = frozenset({CallState.DIALLING, CallState.EARLY, CallState.ANSWERED})
"""Before the answer whoever dialled by hand is bound to the call; in HEARD his seat has failed and he is free."""


def later(instant: datetime, seconds: float) -> datetime:
    """Return the instant `seconds` after another."""
    return instant + timedelta(seconds=seconds)


def agent_leaves(call: Call) -> Commands:
    """Return the notice for the agent who was bound to the call in its present state."""
    if call.outside:
        return ()
    if call.state is CallState.TALKING and call.agent_id:
        return (ConversationOver(call.agent_id),)
    if call.state is CallState.CONNECTING and call.agent_id:
        return (AgentFree(call.agent_id),)
    owner = call.policy.owner_agent_id
    return (AgentFree(owner),) if owner and call.state in OWNER_WAITS else ()


def hang_up(call: Call, reason: str, now: datetime) -> tuple[Call, Commands]:
    """Let the customer's line go, and the agent with it."""
    freed = agent_leaves(call)
    call = replace(call, state=CallState.CLOSING, deadline=later(now, CLOSING_S))
    return call, (Hangup(conversation_id=call.attempt_id, reason=reason), *freed)


def connect(call: Call, agent_id: str, seat_id: str, now: datetime) -> tuple[Call, Commands]:
    """Bring the customer to a seat."""
    timeout_s = call.policy.seat_answer_timeout_s
    call = replace(
        call, state=CallState.CONNECTING, agent_id=agent_id, seat_id=seat_id,
        deadline=later(now, timeout_s + _SEAT_MARGIN_S),
    )  # fmt: skip
    command = ConnectSeat(
        conversation_id=call.attempt_id, seat_id=seat_id, agent_id=agent_id, answer_timeout_s=timeout_s
    )
    return call, (command,)


def passed_on(call: Call, event: bus_events.HandedOver, now: datetime) -> tuple[Call, Commands]:
    """The agent has left the customer to somebody else, who talks with him already, or is to be connected."""
    over = agent_leaves(call)
    call = replace(
        call, passed_on_s=event.wait_s, queue_id=event.queue_id,
        policy=replace(call.policy, owner_agent_id=None, owner_seat_id=None, greeting=""),
    )  # fmt: skip
    if event.joined and event.agent_id:
        call = replace(call, agent_id=event.agent_id, seat_id=event.seat_id)
        return call, (*over, AgentConnected(event.agent_id))
    if event.joined:
        return replace(call, outside=True), over
    if event.agent_id:
        call, commands = connect(call, event.agent_id, event.seat_id, now)
    elif event.number or event.seat_id:
        call, commands = _connect_outside(call, event, now)
    else:
        call, commands = wait_for_agent(call, now)
    return call, (*over, *commands)


def _connect_outside(call: Call, event: bus_events.HandedOver, now: datetime) -> tuple[Call, Commands]:
    call = replace(
        call, state=CallState.CONNECTING, outside=True, deadline=later(now, OUTSIDE_RINGS_S + _SEAT_MARGIN_S)
    )
    command = ConnectSeat(
        conversation_id=call.attempt_id, seat_id=event.seat_id, number=event.number, trunk_id=event.trunk_id,
        caller_id=event.caller_id or None, answer_timeout_s=OUTSIDE_RINGS_S,
    )  # fmt: skip
    return call, (command,)


def wait_for_agent(call: Call, now: datetime) -> tuple[Call, Commands]:
    """A person waits: his clock was set before or starts now; a preview dial waits for its own agent only."""
    if call.passed_on_s:
        deadline = later(now, call.passed_on_s)
        call = replace(
            call, state=CallState.HEARD, agent_id=None, seat_id=None, outside=False, deadline=deadline
        )
        return call, (FindAgent(),)
    if call.clock_at is None:
        verdict = call.heard
        clock_at = clock_start(
            call.policy.clock, answered_at=call.answered_at or now, verdict_at=call.verdict_at or now,
            evidence=verdict.evidence if verdict else {}, latency_s=call.policy.clock_latency_s,
        )  # fmt: skip
        call = replace(call, clock_at=clock_at, within_s=call.policy.abandon_after_s)
    deadline = max(later(call.clock_at or now, call.within_s or 0.0), now)
    call = replace(call, state=CallState.HEARD, agent_id=None, seat_id=None, deadline=deadline)
    return call, () if call.policy.owner_agent_id else (FindAgent(),)


def verdict_of_ear(event: bus_events.Heard) -> Verdict:
    """The information tone only says that words follow: where the library knows them, they are the outcome."""
    meaning = str(event.evidence.get("meaning", "")) if event.label == Outcome.SIT_INFO else ""
    named = meaning in set(Outcome)
    return Verdict(
        Outcome(meaning if named else event.label), Kind.ANNOUNCEMENT if named else event.kind, event.reason,
        event.confidence, event.evidence, event.decided_at_ms,
    )  # fmt: skip


def note_verdict(call: Call, event: bus_events.Heard, now: datetime) -> tuple[Call, Commands]:
    """Keep what the ear says; the first final word after the answer stands, later ones are kept beside it."""
    if not event.final:
        return _note_remark(call, event), ()
    if event.phase == "early":
        return replace(call, early=verdict_of_ear(event)), ()
    if call.heard is None:
        call = replace(call, heard=verdict_of_ear(event), verdict_at=call.verdict_at or now)
    elif call.heard.kind is Kind.SIGNALLING:  # the engine did not wait for it any longer
        call = replace(call, late=verdict_of_ear(event))
    return call, ()


def _note_remark(call: Call, event: bus_events.Heard) -> Call:
    """A beep's end, or a word that puts the final one right or says it closer; other steps on the way are not kept."""
    if event.phase != "answered":
        return call
    if "beep_end_ms" in event.evidence:
        call = replace(call, beep_end_ms=int(event.evidence["beep_end_ms"]))
    if call.heard is None or not event.reason.startswith(LATE_REASON):
        return call
    return replace(call, late=verdict_of_ear(event))
