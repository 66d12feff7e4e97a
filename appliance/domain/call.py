"""The life of one attempt: dialling, early, answered, heard, connecting, talking, closing, ended.

A campaign without agents has `beep` and `message` instead of `heard` to `talking` (`call_message`).

`step(call, event, now)` takes the worker's events (`appliance.events`) and the engine's own (`call_model`) and returns
what to do: bus commands to the worker, and notices for the engine. Events are applied once, by their sequence number;
`Ended` is said exactly once, whatever the order of events. What does not fit the state is late and is ignored: a
worker's truth cannot be refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from appliance import events as bus_events
from appliance.commands import PlayPrompt
from appliance.domain import call_message as message
from appliance.domain.call_model import (
    AgentConnected,
    AgentFound,
    AgentFree,
    AgentUnreachable,
    Call,
    CallEvent,
    CallState,
    Commands,
    ConversationOver,
    Ended,
    Expired,
    HangUpAsked,
    LateWord,
    NobodyFree,
    Originated,
    OriginateRefused,
    SeatRefused,
    WorkerGone,
)  # fmt: skip
from appliance.domain.call_steps import (
    CLOSING_S,
    agent_leaves,
    connect,
    hang_up,
    note_verdict,
    passed_on,
    wait_for_agent,
)  # fmt: skip
from appliance.domain.call_steps import later as later
from appliance.domain.hearing import overruled
from appliance.domain.outcome import (
    FATAL_EARLY,
    RING_TIMEOUT,
    SILENT_GATEWAY,
    TrunkEnd,
    Verdict,
    of_unanswered,
    refused_by_edge,
)  # fmt: skip
from appliance.domain.third_party import controls_changed, is_no_hang_up
from appliance.types import LIVE_OUTCOMES, Kind, LegRole, Outcome

LOST_SEQ = 1_000_000
_RING_MARGIN_S = 15.0
_VERDICT_MARGIN_S = 2.0

Handler = Callable[[Call, Any, datetime], tuple[Call, Commands]]


def start(call: Call) -> Call:
    """Set the first deadline of a new attempt."""
    return replace(call, deadline=later(call.created_at, call.policy.ring_timeout_s + _RING_MARGIN_S))


def step(call: Call, event: CallEvent, now: datetime) -> tuple[Call, Commands]:
    """Apply one event; never raises."""
    if isinstance(event, bus_events.ConversationEvent):
        if event.seq <= call.last_seq:
            return call, ()
        if call.state is not CallState.ENDED:
            # a worker's word proves that the switch took the attempt, whatever became of its reply
            call = replace(call, last_seq=event.seq, originated_at=call.originated_at or at(event))
        now = at(event)
    return TRANSITIONS[call.state, type(event)](call, event, now)


def at(event: bus_events.ConversationEvent) -> datetime:
    """Return the instant of an event at its worker."""
    return datetime.fromtimestamp(event.at_unix_s, UTC)


def verdict_of(call: Call) -> Verdict:
    """Return the outcome of an attempt that has ended."""
    if call.lost and call.trunk_end is None:
        return Verdict(Outcome.LOST, reason="the call's own process died")
    if call.refused is not None:
        return call.refused
    if call.answered_at is None:
        return of_unanswered(call.early, call.trunk_end)
    if call.late is not None and overruled(call.heard, call.late) and call.bridged_at is None and not call.abandoned:
        return call.late
    if call.heard is not None:
        return call.heard
    if call.bridged_at is not None:
        return Verdict(Outcome.HUMAN, reason="an agent spoke with the customer")
    return Verdict(Outcome.UNKNOWN, reason="hung up before a verdict")


def was_dialled(call: Call) -> bool:
    """Say whether the exchange saw the call, so that it counts as one of the number's attempts."""
    if call.refused is not None:
        return False
    if call.lost or call.progressed or call.answered_at is not None:
        return True
    end = call.trunk_end
    if end is None or refused_by_edge(end.reason) or end.sip_status == SILENT_GATEWAY:
        return False
    return not end.by_us or end.reason == RING_TIMEOUT


def _close(call: Call, now: datetime) -> tuple[Call, Commands]:
    freed = (*agent_leaves(call), *controls_changed(call.controls, None, call.agent_id))
    call = replace(call, state=CallState.ENDED, ended_at=now, deadline=None, controls=None)
    return call, (*freed, Ended(verdict_of(call)))


# ---- handlers --------------------------------------------------------------------------------------------


def _ignore(call: Call, _event: Any, _now: datetime) -> tuple[Call, Commands]:
    return call, ()


def _originated(call: Call, _event: Originated, now: datetime) -> tuple[Call, Commands]:
    return replace(call, originated_at=call.originated_at or now), ()


def _refused(call: Call, event: OriginateRefused, now: datetime) -> tuple[Call, Commands]:
    return (call, ()) if call.last_seq else _close(replace(call, refused=event.verdict), now)


def _progress(call: Call, event: bus_events.LegProgress, _now: datetime) -> tuple[Call, Commands]:
    if event.role != LegRole.TRUNK:
        return call, ()
    state = CallState.EARLY if event.early_media else call.state
    return replace(call, state=state, progressed=call.progressed or event.sip_status >= 180), ()


def _answered(call: Call, event: bus_events.LegAnswered, now: datetime) -> tuple[Call, Commands]:
    if event.role != LegRole.TRUNK:
        return call, ()
    policy = call.policy
    if policy.owner_agent_id and policy.owner_seat_id:  # preview: the agent judges for himself
        return connect(
            replace(call, answered_at=now, verdict_at=now), policy.owner_agent_id, policy.owner_seat_id, now
        )
    if policy.agent_first:
        return wait_for_agent(replace(call, answered_at=now), now)
    overdue = later(now, policy.verdict_deadline_s + _VERDICT_MARGIN_S)
    return replace(call, state=CallState.ANSWERED, answered_at=now, deadline=overdue), ()


def _note_answer(call: Call, event: bus_events.LegAnswered, now: datetime) -> tuple[Call, Commands]:
    """Answered while it was being hung up."""
    return (replace(call, answered_at=call.answered_at or now) if event.role == LegRole.TRUNK else call), ()


def _heard_waiting(call: Call, event: bus_events.Heard, now: datetime) -> tuple[Call, Commands]:
    """Nobody has the call yet: what is no person after all is let go, and no agent is troubled."""
    before = call
    call, _ = note_verdict(call, event, now)
    return hang_up(call, "machine", now) if _no_person(before, call) else (call, ())


def _heard_connected(call: Call, event: bus_events.Heard, now: datetime) -> tuple[Call, Commands]:
    """An agent has the call, or is about to.

    Where he got it before the ear had judged, its first word takes machines off him; where he dialled himself, and
    with later words, he is only told.
    """
    before = call
    call, _ = note_verdict(call, event, now)
    if call.policy.agent_first and before.heard is None and _no_person(before, call):
        call, commands = hang_up(call, "machine", now)
        return call, tuple(replace(c, taken_off=True) if isinstance(c, ConversationOver) else c for c in commands)
    told = call.late is not before.late or (call.heard is not before.heard and call.policy.owner_agent_id)
    return call, (LateWord(call.agent_id),) if told and call.agent_id else ()


def _no_person(before: Call, call: Call) -> bool:
    """Say whether the ear's newest word, the first or one after a doubt, is that no person is there."""
    if call.late is not before.late:
        return overruled(call.heard, call.late)
    return before.heard is None and call.heard is not None and call.heard.outcome not in LIVE_OUTCOMES


def _heard_early(call: Call, event: bus_events.Heard, now: datetime) -> tuple[Call, Commands]:
    call, _ = note_verdict(call, event, now)
    if event.final and event.phase == "early" and call.early and call.early.outcome in FATAL_EARLY:
        return hang_up(replace(call, verdict_at=now), "heard_" + call.early.outcome.value, now)
    return call, ()


def _heard_answered(call: Call, event: bus_events.Heard, now: datetime) -> tuple[Call, Commands]:
    call, _ = note_verdict(call, event, now)
    if call.heard is None:
        return call, ()
    live, voice = call.heard.outcome in LIVE_OUTCOMES, call.policy.voice
    if voice is not None:
        return message.speak(call, now) if live else message.answered_by_machine(call, voice, now)
    return wait_for_agent(call, now) if live else hang_up(call, "machine", now)


def _agent_found(call: Call, event: AgentFound, now: datetime) -> tuple[Call, Commands]:
    return connect(call, event.agent_id, event.seat_id, now)


def _seat_refused(call: Call, event: SeatRefused, now: datetime) -> tuple[Call, Commands]:
    if call.agent_id != event.agent_id:
        return call, ()
    call, _ = wait_for_agent(call, now)
    return call, (AgentFree(event.agent_id),)


def _seat_failed(call: Call, event: bus_events.SeatFailed, now: datetime) -> tuple[Call, Commands]:
    theirs = not event.agent_id if call.outside else call.agent_id == event.agent_id
    return _unreachable(call, now) if theirs else (call, ())


def _unreachable(call: Call, now: datetime) -> tuple[Call, Commands]:
    notices = () if call.outside else (AgentUnreachable(call.agent_id or "", call.seat_id or ""),)
    call, commands = wait_for_agent(call, now)
    return call, (*notices, *commands)


def _bridged(call: Call, event: bus_events.Bridged, now: datetime) -> tuple[Call, Commands]:
    if call.outside and not event.agent_id:
        return replace(call, state=CallState.TALKING, deadline=None), ()
    other = call.agent_id if call.agent_id and call.agent_id != event.agent_id else None
    call = replace(
        call, state=CallState.TALKING, bridged_at=call.bridged_at or now, agent_id=event.agent_id,
        seat_id=event.seat_id, deadline=None,
    )  # fmt: skip
    notice = (message.notice_of(call),) if call.policy.notice and not call.passed_on_s else ()
    return call, (*([AgentFree(other)] if other else []), AgentConnected(event.agent_id), *notice)


def _leg_ended(call: Call, event: bus_events.LegEnded, now: datetime) -> tuple[Call, Commands]:
    if event.role == LegRole.SEAT and call.state is CallState.TALKING:
        another = event.seat_id not in (None, call.seat_id)  # one that was tried before is let go only now
        return (call, ()) if another or is_no_hang_up(event) else hang_up(call, "agent_hangup", now)
    if event.role != LegRole.TRUNK or call.trunk_end is not None:
        return call, ()
    end = TrunkEnd(event.sip_status, event.q850, event.reason, event.by_us, call.progressed)
    freed = agent_leaves(call)
    call = replace(
        call, state=CallState.CLOSING, trunk_end=end, retry_after_s=event.retry_after_s, left_at=now,
        deadline=later(now, CLOSING_S),
    )  # fmt: skip
    return call, freed


def _conversation_ended(call: Call, event: bus_events.ConversationEnded, now: datetime) -> tuple[Call, Commands]:
    names = (
        "lost_frames", "rtp_lost", "rtp_received", "tap_gap_p50_ms", "tap_gap_p99_ms", "tap_gap_max_ms", "cpu_s",
        "rss_mb",
    )  # fmt: skip
    media = {name: getattr(event, name) for name in names}
    return _close(replace(call, lost=event.lost, media=media), now)


def _hang_up_asked(call: Call, event: HangUpAsked, now: datetime) -> tuple[Call, Commands]:
    return hang_up(call, event.reason, now)


def _worker_gone(call: Call, _event: WorkerGone, now: datetime) -> tuple[Call, Commands]:
    # nobody can say that it was not dialled, so it counts as one of the number's dials
    return _close(replace(call, lost=True, last_seq=LOST_SEQ, originated_at=call.originated_at or now), now)


def _overdue(call: Call, _event: Expired, now: datetime) -> tuple[Call, Commands]:
    return hang_up(call, "overdue", now)


def _doubt(call: Call, _event: Expired, now: datetime) -> tuple[Call, Commands]:
    """The ear owes its verdict: a doubt goes to an agent."""
    call = replace(call, heard=Verdict(Outcome.UNKNOWN, Kind.SIGNALLING, "no verdict in time"), verdict_at=now)
    voice = call.policy.voice
    return wait_for_agent(call, now) if voice is None else message.speak(call, now)


def _abandon(call: Call, _event: Expired, now: datetime) -> tuple[Call, Commands]:
    abandoned = call.abandoned or not call.passed_on_s  # an agent had spoken with him
    call = replace(call, state=CallState.CLOSING, abandoned=abandoned, deadline=later(now, CLOSING_S))
    prompt = PlayPrompt(
        conversation_id=call.attempt_id, prompt_id=call.policy.abandon_prompt, role=LegRole.TRUNK, hangup_after=True
    )
    return call, (prompt,)


def _controls(call: Call, event: bus_events.Controls, _now: datetime) -> tuple[Call, Commands]:
    return replace(call, controls=event), controls_changed(call.controls, event, call.agent_id)


def _seat_silent(call: Call, _event: Expired, now: datetime) -> tuple[Call, Commands]:
    return _unreachable(call, now)


_ALWAYS: dict[type, Handler] = {  # in every state but ENDED
    Originated: _originated, HangUpAsked: _hang_up_asked, WorkerGone: _worker_gone, OriginateRefused: _refused,
    bus_events.LegEnded: _leg_ended, bus_events.ConversationEnded: _conversation_ended,
    bus_events.Heard: note_verdict, bus_events.Controls: _controls,
}  # fmt: skip
_UNANSWERED: dict[type, Handler] = {
    **_ALWAYS, bus_events.LegProgress: _progress, bus_events.LegAnswered: _answered, bus_events.Heard: _heard_early,
    Expired: _overdue,
}  # fmt: skip
_ROWS: dict[CallState, dict[type, Handler]] = {
    CallState.DIALLING: _UNANSWERED,
    CallState.EARLY: _UNANSWERED,
    CallState.ANSWERED: {**_ALWAYS, bus_events.Heard: _heard_answered, Expired: _doubt},
    CallState.HEARD: {
        **_ALWAYS, bus_events.Heard: _heard_waiting, AgentFound: _agent_found, bus_events.Bridged: _bridged,
        Expired: _abandon, NobodyFree: message.nobody_free, bus_events.PromptEnded: message.greeting_ended,
        bus_events.DtmfReceived: message.note_key,
    },
    CallState.BEEP: {**_ALWAYS, bus_events.Heard: message.heard_beep, Expired: _overdue},
    CallState.MESSAGE: {
        **_ALWAYS, bus_events.Heard: message.heard_in_message, bus_events.PromptEnded: message.message_ended,
        bus_events.DtmfReceived: message.key_pressed, Expired: message.message_over,
    },
    CallState.CONNECTING: {
        **_ALWAYS, SeatRefused: _seat_refused, bus_events.SeatFailed: _seat_failed, bus_events.Bridged: _bridged,
        Expired: _seat_silent, bus_events.Heard: _heard_connected,
    },
    CallState.TALKING: {**_ALWAYS, bus_events.Heard: _heard_connected, bus_events.HandedOver: passed_on},
    CallState.CLOSING: {
        **_ALWAYS, HangUpAsked: _ignore, bus_events.LegAnswered: _note_answer, Expired: _overdue,
    },
    CallState.ENDED: {},
}  # fmt: skip
OWN_EVENTS: tuple[type, ...] = (
    Originated, OriginateRefused, AgentFound, SeatRefused, Expired, HangUpAsked, WorkerGone, NobodyFree,
)  # fmt: skip
TRANSITIONS: dict[tuple[CallState, type], Handler] = {
    (state, event): _ROWS[state].get(event, _ignore)
    for state in CallState
    for event in (*OWN_EVENTS, *bus_events.CONVERSATION_EVENTS)
}
"""Total: every state and event has its handler; `_ignore` for what is late."""
