"""The life of one attempt: dialling, early, answered, heard, connecting, talking, closing, ended.

`step(call, event, now)` takes the worker's events (`appliance.events`) and the engine's own (`call_model`) and returns
what to do: bus commands to the worker, and notices for the engine. Events are applied once, by their sequence number;
`Ended` is said exactly once, whatever the order of events. What does not fit the state is late and is ignored: a
worker's truth cannot be refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from appliance import events as bus_events
from appliance.commands import ConnectSeat, Hangup, PlayPrompt
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
    FindAgent,
    HangUpAsked,
    LateWord,
    Originated,
    OriginateRefused,
    SeatRefused,
    WorkerGone,
)  # fmt: skip
from appliance.domain.hearing import LATE_REASON, TAKEN_OFF
from appliance.domain.outcome import (
    FATAL_EARLY,
    RING_TIMEOUT,
    SILENT_GATEWAY,
    TrunkEnd,
    Verdict,
    of_unanswered,
    refused_by_edge,
)  # fmt: skip
from appliance.types import LIVE_OUTCOMES, Kind, LegRole, Outcome

LOST_SEQ = 1_000_000
_CLOSING_S = 20.0
_RING_MARGIN_S = 15.0
_VERDICT_MARGIN_S = 2.0
_SEAT_MARGIN_S = 3.0
_NO_AGENT_YET = frozenset({CallState.DIALLING, CallState.EARLY, CallState.ANSWERED, CallState.HEARD})

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
    if call.late is not None and call.late.outcome in TAKEN_OFF and call.bridged_at is None and not call.abandoned:
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


# ---- what several transitions share -------------------------------------------------------------------


def later(instant: datetime, seconds: float) -> datetime:
    """Return the instant `seconds` after another."""
    return instant + timedelta(seconds=seconds)


def _agent_leaves(call: Call) -> Commands:
    """Return the notice for the agent who was bound to the call in its present state."""
    if call.state is CallState.TALKING and call.agent_id:
        return (ConversationOver(call.agent_id),)
    if call.state is CallState.CONNECTING and call.agent_id:
        return (AgentFree(call.agent_id),)
    owner = call.policy.owner_agent_id
    return (AgentFree(owner),) if owner and call.state in _NO_AGENT_YET else ()


def _close(call: Call, now: datetime) -> tuple[Call, Commands]:
    freed = _agent_leaves(call)
    call = replace(call, state=CallState.ENDED, ended_at=now, deadline=None)
    return call, (*freed, Ended(verdict_of(call)))


def _hang_up(call: Call, reason: str, now: datetime) -> tuple[Call, Commands]:
    freed = _agent_leaves(call)
    call = replace(call, state=CallState.CLOSING, deadline=later(now, _CLOSING_S))
    return call, (Hangup(conversation_id=call.attempt_id, reason=reason), *freed)


def _connect(call: Call, agent_id: str, seat_id: str, now: datetime) -> tuple[Call, Commands]:
    timeout_s = call.policy.seat_answer_timeout_s
    call = replace(
        call, state=CallState.CONNECTING, agent_id=agent_id, seat_id=seat_id,
        deadline=later(now, timeout_s + _SEAT_MARGIN_S),
    )  # fmt: skip
    connect = ConnectSeat(
        conversation_id=call.attempt_id, seat_id=seat_id, agent_id=agent_id, answer_timeout_s=timeout_s
    )
    return call, (connect,)


def _wait_for_agent(call: Call, now: datetime) -> tuple[Call, Commands]:
    """A live person: the abandon clock runs from the verdict; a preview dial waits for its own agent only."""
    deadline = max(later(call.verdict_at or now, call.policy.abandon_after_s), now)
    call = replace(call, state=CallState.HEARD, agent_id=None, seat_id=None, deadline=deadline)
    return call, () if call.policy.owner_agent_id else (FindAgent(),)


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
        return _connect(
            replace(call, answered_at=now, verdict_at=now), policy.owner_agent_id, policy.owner_seat_id, now
        )
    overdue = later(now, policy.verdict_deadline_s + _VERDICT_MARGIN_S)
    return replace(call, state=CallState.ANSWERED, answered_at=now, deadline=overdue), ()


def _note_answer(call: Call, event: bus_events.LegAnswered, now: datetime) -> tuple[Call, Commands]:
    """Answered while it was being hung up."""
    return (replace(call, answered_at=call.answered_at or now) if event.role == LegRole.TRUNK else call), ()


def _verdict(event: bus_events.Heard) -> Verdict:
    """The information tone only says that words follow: where the library knows them, they are the outcome."""
    meaning = str(event.evidence.get("meaning", "")) if event.label == Outcome.SIT_INFO else ""
    named = meaning in set(Outcome)
    return Verdict(
        Outcome(meaning if named else event.label), Kind.ANNOUNCEMENT if named else event.kind, event.reason,
        event.confidence, event.evidence, event.decided_at_ms,
    )  # fmt: skip


def _note_verdict(call: Call, event: bus_events.Heard, _now: datetime) -> tuple[Call, Commands]:
    if not event.final:
        return _note_remark(call, event), ()
    if event.phase == "early":
        return replace(call, early=_verdict(event)), ()
    return replace(call, heard=call.heard or _verdict(event)), ()


def _note_remark(call: Call, event: bus_events.Heard) -> Call:
    """A beep's end, or the word that follows a doubt; other steps on the way are not kept."""
    if event.phase != "answered":
        return call
    if "beep_end_ms" in event.evidence:
        call = replace(call, beep_end_ms=int(event.evidence["beep_end_ms"]))
    doubted = call.heard is not None and call.heard.outcome is Outcome.UNKNOWN and call.late is None
    return replace(call, late=_verdict(event)) if doubted and event.reason.startswith(LATE_REASON) else call


def _heard_late(call: Call, event: bus_events.Heard, now: datetime) -> tuple[Call, Commands]:
    """Nobody has the call yet: what is no person after all is let go, and no agent is troubled."""
    before = call.late
    call, _ = _note_verdict(call, event, now)
    if call.late is None or call.late is before or call.late.outcome not in TAKEN_OFF:
        return call, ()
    return _hang_up(call, "machine", now)


def _told_late(call: Call, event: bus_events.Heard, now: datetime) -> tuple[Call, Commands]:
    """An agent has the call, or is about to: he decides, the outcome stays what it was."""
    before = call.late
    call, _ = _note_verdict(call, event, now)
    return call, (LateWord(call.agent_id),) if call.late is not before and call.agent_id else ()


def _heard_early(call: Call, event: bus_events.Heard, now: datetime) -> tuple[Call, Commands]:
    call, _ = _note_verdict(call, event, now)
    if event.final and event.phase == "early" and call.early and call.early.outcome in FATAL_EARLY:
        return _hang_up(replace(call, verdict_at=now), "heard_" + call.early.outcome.value, now)
    return call, ()


def _heard_answered(call: Call, event: bus_events.Heard, now: datetime) -> tuple[Call, Commands]:
    call, _ = _note_verdict(call, event, now)
    if call.heard is None:
        return call, ()
    live = call.heard.outcome in LIVE_OUTCOMES
    call = replace(call, verdict_at=now)
    return _wait_for_agent(call, now) if live else _hang_up(call, "machine", now)


def _agent_found(call: Call, event: AgentFound, now: datetime) -> tuple[Call, Commands]:
    return _connect(call, event.agent_id, event.seat_id, now)


def _seat_refused(call: Call, event: SeatRefused, now: datetime) -> tuple[Call, Commands]:
    if call.agent_id != event.agent_id:
        return call, ()
    call, _ = _wait_for_agent(call, now)
    return call, (AgentFree(event.agent_id),)


def _seat_failed(call: Call, event: bus_events.SeatFailed, now: datetime) -> tuple[Call, Commands]:
    return _unreachable(call, now) if call.agent_id == event.agent_id else (call, ())


def _unreachable(call: Call, now: datetime) -> tuple[Call, Commands]:
    notice = AgentUnreachable(call.agent_id or "", call.seat_id or "")
    call, commands = _wait_for_agent(call, now)
    return call, (notice, *commands)


def _bridged(call: Call, event: bus_events.Bridged, now: datetime) -> tuple[Call, Commands]:
    other = call.agent_id if call.agent_id and call.agent_id != event.agent_id else None
    call = replace(
        call, state=CallState.TALKING, bridged_at=now, agent_id=event.agent_id, seat_id=event.seat_id, deadline=None
    )
    return call, (*([AgentFree(other)] if other else []), AgentConnected(event.agent_id))


def _leg_ended(call: Call, event: bus_events.LegEnded, now: datetime) -> tuple[Call, Commands]:
    if event.role == LegRole.SEAT and call.state is CallState.TALKING:
        return _hang_up(call, "agent_hangup", now)
    if event.role != LegRole.TRUNK or call.trunk_end is not None:
        return call, ()
    end = TrunkEnd(event.sip_status, event.q850, event.reason, event.by_us, call.progressed)
    freed = _agent_leaves(call)
    call = replace(
        call, state=CallState.CLOSING, trunk_end=end, retry_after_s=event.retry_after_s,
        deadline=later(now, _CLOSING_S),
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
    return _hang_up(call, event.reason, now)


def _worker_gone(call: Call, _event: WorkerGone, now: datetime) -> tuple[Call, Commands]:
    # nobody can say that it was not dialled, so it counts as one of the number's dials
    return _close(replace(call, lost=True, last_seq=LOST_SEQ, originated_at=call.originated_at or now), now)


def _overdue(call: Call, _event: Expired, now: datetime) -> tuple[Call, Commands]:
    return _hang_up(call, "overdue", now)


def _doubt(call: Call, _event: Expired, now: datetime) -> tuple[Call, Commands]:
    """The ear owes its verdict: a doubt goes to an agent."""
    doubt = Verdict(Outcome.UNKNOWN, Kind.SIGNALLING, "no verdict in time")
    return _wait_for_agent(replace(call, heard=doubt, verdict_at=now), now)


def _abandon(call: Call, _event: Expired, now: datetime) -> tuple[Call, Commands]:
    call = replace(call, state=CallState.CLOSING, abandoned=True, deadline=later(now, _CLOSING_S))
    prompt = PlayPrompt(
        conversation_id=call.attempt_id, prompt_id=call.policy.abandon_prompt, role=LegRole.TRUNK, hangup_after=True
    )
    return call, (prompt,)


def _seat_silent(call: Call, _event: Expired, now: datetime) -> tuple[Call, Commands]:
    return _unreachable(call, now)


_ALWAYS: dict[type, Handler] = {  # in every state but ENDED
    Originated: _originated, HangUpAsked: _hang_up_asked, WorkerGone: _worker_gone, OriginateRefused: _refused,
    bus_events.LegEnded: _leg_ended, bus_events.ConversationEnded: _conversation_ended,
    bus_events.Heard: _note_verdict,
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
        **_ALWAYS, bus_events.Heard: _heard_late, AgentFound: _agent_found, bus_events.Bridged: _bridged,
        Expired: _abandon,
    },
    CallState.CONNECTING: {
        **_ALWAYS, SeatRefused: _seat_refused, bus_events.SeatFailed: _seat_failed, bus_events.Bridged: _bridged,
        Expired: _seat_silent, bus_events.Heard: _told_late,
    },
    CallState.TALKING: {**_ALWAYS, bus_events.Heard: _told_late},
    CallState.CLOSING: {
        **_ALWAYS, HangUpAsked: _ignore, bus_events.LegAnswered: _note_answer, Expired: _overdue,
    },
    CallState.ENDED: {},
}  # fmt: skip
OWN_EVENTS: tuple[type, ...] = (
    Originated, OriginateRefused, AgentFound, SeatRefused, Expired, HangUpAsked, WorkerGone,
)  # fmt: skip
TRANSITIONS: dict[tuple[CallState, type], Handler] = {
    (state, event): _ROWS[state].get(event, _ignore)
    for state in CallState
    for event in (*OWN_EVENTS, *bus_events.CONVERSATION_EVENTS)
}
"""Total: every state and event has its handler; `_ignore` for what is late."""
