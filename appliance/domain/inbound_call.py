"""The life of one caller: offered, answered, waiting, connecting, talking, closing, ended.

`step(call, event, now)` takes the worker's events and the engine's own (`inbound_model`) and returns what to do: bus
commands to the worker, and notices for the engine. Events are applied once, by their sequence number; `Ended` is said
exactly once. What does not fit the state is late and is ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from appliance import events as bus_events
from appliance.commands import AnswerInbound, ConnectSeat, Hangup, Hold, PlayPrompt, RecordPolicy
from appliance.domain import inbound_prompts as prompts
from appliance.domain.inbound_config import Overflow
from appliance.domain.inbound_model import (
    CALLBACK,
    CLOSED,
    OVERFLOW,
    Admitted,
    AgentConnected,
    AgentFound,
    AgentFree,
    AgentUnreachable,
    Announce,
    CallBack,
    Commands,
    ConversationOver,
    Decide,
    Ended,
    Expired,
    FindAgent,
    HangUpAsked,
    InboundCall,
    InboundEvent,
    InboundOutcome,
    InboundPolicy,
    InboundState,
    Moved,
    Overflowed,
    PassedTo,
    SeatRefused,
    TurnedAway,
    WorkerGone,
)  # fmt: skip
from appliance.domain.recording_policy import order_for
from appliance.domain.third_party import controls_changed, is_no_hang_up
from appliance.types import LegRole

LOST_SEQ = 1_000_000
_CLOSING_S = 20.0
_ANSWER_S = 15.0
_SENTENCE_S, _MESSAGE_S = 30.0, 180.0
"""Longer than any sentence of the box, or message of the customer's: a prompt without an end holds nobody up."""
_OFFER_S = 15.0
_REST_S = 2.0
_SEAT_MARGIN_S = 3.0
OUTSIDE_RINGS_S = 30.0
_CALLBACK_KEY = "1"
_S = InboundState

Handler = Callable[[InboundCall, Any, datetime], tuple[InboundCall, Commands]]


def step(call: InboundCall, event: InboundEvent, now: datetime) -> tuple[InboundCall, Commands]:
    """Apply one event; never raises."""
    if isinstance(event, bus_events.ConversationEvent):
        if event.seq <= call.last_seq:
            return call, ()
        if call.state is not _S.ENDED:
            call = replace(call, last_seq=event.seq)
        now = at(event)
    return TRANSITIONS[call.state, type(event)](call, event, now)


def at(event: bus_events.ConversationEvent) -> datetime:
    """Return the instant of an event at its worker."""
    return datetime.fromtimestamp(event.at_unix_s, UTC)


def outcome_of(call: InboundCall) -> InboundOutcome:
    """Return what became of a caller who has gone."""
    if call.bridged_at is not None:
        return InboundOutcome.CONNECTED
    said = {
        CALLBACK: InboundOutcome.CALLBACK_ASKED, CLOSED: InboundOutcome.CLOSED, OVERFLOW: InboundOutcome.OVERFLOWED,
    }.get(call.reason)  # fmt: skip
    if said is not None:
        return said
    return InboundOutcome.ABANDONED_IN_QUEUE if call.queued_at is not None else InboundOutcome.MISSED


# ---- what several transitions share -------------------------------------------------------------------


def _later(instant: datetime, seconds: float) -> datetime:
    return instant + timedelta(seconds=seconds)


def _play(call: InboundCall, *prompt_ids: str, hangup_after: bool = False) -> PlayPrompt:
    return PlayPrompt(
        conversation_id=call.call_id, prompt_id=prompt_ids[0], then=prompt_ids[1:], hangup_after=hangup_after
    )


def music(call: InboundCall) -> Hold:
    """Return the command by which he hears the music of his queue, and that somebody still attends to him."""
    return Hold(conversation_id=call.call_id, until_bridged=True, music=call.policy.music)


def answer(call: InboundCall) -> AnswerInbound:
    """Return the command that answers him."""
    return AnswerInbound(conversation_id=call.call_id, record=_recorded(call.policy))


def _recorded(policy: InboundPolicy) -> RecordPolicy:
    return order_for(
        record=policy.record, on_demand=policy.record_on_demand, required=policy.record_required,
        seats=policy.record_seats,
    )  # fmt: skip


def _words(call: InboundCall, name: str) -> str:
    return prompts.sentence(call.policy.language, name)


def _agent_leaves(call: InboundCall) -> Commands:
    if call.outside:
        return ()
    if call.state is _S.TALKING and call.agent_id:
        return (ConversationOver(call.agent_id),)
    return (AgentFree(call.agent_id),) if call.state is _S.CONNECTING and call.agent_id else ()


def _close(call: InboundCall, now: datetime) -> tuple[InboundCall, Commands]:
    freed = (*_agent_leaves(call), *controls_changed(call.controls, None, call.agent_id))
    call = replace(call, state=_S.ENDED, ended_at=now, deadline=None, controls=None)
    return call, (*freed, Ended(outcome_of(call)))


def _hang_up(call: InboundCall, reason: str, now: datetime) -> tuple[InboundCall, Commands]:
    freed = _agent_leaves(call)
    call = replace(call, state=_S.CLOSING, deadline=_later(now, _CLOSING_S))
    return call, (Hangup(conversation_id=call.call_id, reason=reason), *freed)


def _farewell(call: InboundCall, prompt_id: str, now: datetime) -> tuple[InboundCall, Commands]:
    call = replace(call, state=_S.FAREWELL, resting=False, deadline=_later(now, _MESSAGE_S))
    return call, (_play(call, prompt_id, hangup_after=True),)


def _into_queue(call: InboundCall, now: datetime) -> tuple[InboundCall, Commands]:
    """He begins to wait, from now on."""
    call = replace(
        call, queued_at=call.queued_at or now, wait_ends=_later(now, call.policy.max_wait_s)
    )
    return _wait(call, now, (music(call), FindAgent(), Announce()))


def _wait(call: InboundCall, now: datetime, commands: Commands) -> tuple[InboundCall, Commands]:
    next_word = _later(now, call.policy.announce_every_s)
    ends = call.wait_ends or next_word
    call = replace(
        call, state=_S.WAITING, agent_id=None, seat_id=None, resting=False, outside=False,
        deadline=max(now, min(next_word, ends)),
    )  # fmt: skip
    return call, commands


def may_be_called_back(call: InboundCall) -> bool:
    """Say whether his number is known, so that he can be offered a call-back."""
    return call.caller.startswith("+")


# ---- handlers --------------------------------------------------------------------------------------------


def _ignore(call: InboundCall, _event: Any, _now: datetime) -> tuple[InboundCall, Commands]:
    return call, ()


def _offered(call: InboundCall, _event: bus_events.InboundOffered, _now: datetime) -> tuple[InboundCall, Commands]:
    return call, (Decide(),)


def _in_queue(call: InboundCall, queue_id: str, policy: InboundPolicy) -> InboundCall:
    return replace(call, queue_id=queue_id, policy=policy)


def _admitted(call: InboundCall, event: Admitted, now: datetime) -> tuple[InboundCall, Commands]:
    call = replace(
        _in_queue(call, event.queue_id, event.policy), state=_S.ANSWERING, deadline=_later(now, _ANSWER_S)
    )
    return call, (answer(call),)


def _turned_away(call: InboundCall, event: TurnedAway, now: datetime) -> tuple[InboundCall, Commands]:
    return _admitted(replace(call, reason=CLOSED), Admitted(event.queue_id, event.policy), now)


def _answered(call: InboundCall, event: bus_events.LegAnswered, now: datetime) -> tuple[InboundCall, Commands]:
    if event.role != LegRole.TRUNK:
        return call, ()
    call = replace(call, answered_at=now)
    if call.reason == CLOSED:
        return _farewell(call, call.policy.closed_prompt or _words(call, prompts.CLOSED), now)
    if call.policy.notice and call.policy.record:
        call = replace(call, state=_S.NOTICE, deadline=_later(now, _SENTENCE_S))
        return call, (_play(call, _words(call, prompts.NOTICE)),)
    return _into_queue(call, now)


def _notice_over(call: InboundCall, _event: Any, now: datetime) -> tuple[InboundCall, Commands]:
    return _into_queue(call, now)


def _agent_found(call: InboundCall, event: AgentFound, now: datetime) -> tuple[InboundCall, Commands]:
    timeout_s = call.policy.seat_answer_timeout_s
    call = replace(
        call, state=_S.CONNECTING, agent_id=event.agent_id, seat_id=event.seat_id,
        deadline=_later(now, timeout_s + _SEAT_MARGIN_S),
    )  # fmt: skip
    connect = ConnectSeat(
        conversation_id=call.call_id, seat_id=event.seat_id, agent_id=event.agent_id, answer_timeout_s=timeout_s
    )
    return call, (connect,)


def _seat_refused(call: InboundCall, event: SeatRefused, now: datetime) -> tuple[InboundCall, Commands]:
    """Most often he has hung up, and that word comes in a moment: no agent is troubled before."""
    if call.agent_id != event.agent_id:
        return call, ()
    call, commands = _wait(call, now, (AgentFree(event.agent_id),))
    return replace(call, resting=True, deadline=_later(now, _REST_S)), commands


def _seat_failed(call: InboundCall, event: bus_events.SeatFailed, now: datetime) -> tuple[InboundCall, Commands]:
    theirs = not event.agent_id if call.outside else call.agent_id == event.agent_id
    return _unreachable(call, event, now) if theirs else (call, ())


def _unreachable(call: InboundCall, _event: Any, now: datetime) -> tuple[InboundCall, Commands]:
    notices = () if call.outside else (AgentUnreachable(call.agent_id or "", call.seat_id or ""),)
    return _wait(call, now, (*notices, music(call), FindAgent()))


def _bridged(call: InboundCall, event: bus_events.Bridged, now: datetime) -> tuple[InboundCall, Commands]:
    if call.outside and not event.agent_id:
        return replace(call, state=_S.TALKING, deadline=None), ()
    other = call.agent_id if call.agent_id and call.agent_id != event.agent_id else None
    call = replace(
        call, state=_S.TALKING, bridged_at=call.bridged_at or now, agent_id=event.agent_id, seat_id=event.seat_id,
        deadline=None,
    )  # fmt: skip
    return call, (*([AgentFree(other)] if other else []), AgentConnected(event.agent_id))


def _wait_expired(call: InboundCall, _event: Expired, now: datetime) -> tuple[InboundCall, Commands]:
    """Time for a word about his place, or he has waited long enough."""
    if call.resting:
        return _wait(call, now, (music(call), FindAgent()))
    if call.wait_ends is None or now < call.wait_ends:
        return _wait(call, now, (music(call), FindAgent(), Announce()))
    if call.policy.overflow == Overflow.QUEUE:
        return replace(call, deadline=_later(now, _OFFER_S)), (Overflowed(),)
    if call.policy.overflow == Overflow.CALLBACK and may_be_called_back(call):
        call = replace(call, state=_S.OFFER, deadline=_later(now, _OFFER_S))
        return call, (_play(call, _words(call, prompts.CALLBACK_LAST_OFFER)),)
    return _nobody_free(call, None, now)


def _moved(call: InboundCall, event: Moved, now: datetime) -> tuple[InboundCall, Commands]:
    return _into_queue(replace(_in_queue(call, event.queue_id, event.policy), hops=call.hops + 1), now)


def _nobody_free(call: InboundCall, _event: Any, now: datetime) -> tuple[InboundCall, Commands]:
    return _farewell(replace(call, reason=OVERFLOW), _words(call, prompts.OVERFLOW), now)


def _offer_ignored(call: InboundCall, _event: Expired, now: datetime) -> tuple[InboundCall, Commands]:
    return _hang_up(replace(call, reason=OVERFLOW), "overflow", now)


def _key(call: InboundCall, event: bus_events.DtmfReceived, now: datetime) -> tuple[InboundCall, Commands]:
    offered = call.policy.callback_key or call.state is _S.OFFER
    if event.role != LegRole.TRUNK or event.digit != _CALLBACK_KEY or not offered or not may_be_called_back(call):
        return call, ()
    call = replace(call, callback_at=now, reason=CALLBACK)
    call, commands = _farewell(call, _words(call, prompts.CALLBACK_PROMISED), now)
    return call, (CallBack(), *commands)


def _leg_ended(call: InboundCall, event: bus_events.LegEnded, now: datetime) -> tuple[InboundCall, Commands]:
    if event.role == LegRole.SEAT and call.state is _S.TALKING:
        another = event.seat_id not in (None, call.seat_id)  # one that was tried before is let go only now
        return (call, ()) if another or is_no_hang_up(event) else _hang_up(call, "agent_hangup", now)
    if event.role != LegRole.TRUNK or call.state is _S.CLOSING:
        return call, ()
    freed = _agent_leaves(call)
    return replace(call, state=_S.CLOSING, reason=call.reason or event.reason, deadline=_later(now, _CLOSING_S)), freed


def _controls(call: InboundCall, event: bus_events.Controls, _now: datetime) -> tuple[InboundCall, Commands]:
    return replace(call, controls=event), controls_changed(call.controls, event, call.agent_id)


def _passed_on(call: InboundCall, event: bus_events.HandedOver, now: datetime) -> tuple[InboundCall, Commands]:
    """His agent has left him to somebody else, who talks with him already, or is to be connected."""
    over = _agent_leaves(call)
    call = replace(call, wait_ends=_later(now, call.policy.max_wait_s))
    if event.joined and event.agent_id:
        call = replace(call, agent_id=event.agent_id, seat_id=event.seat_id)
        return call, (*over, AgentConnected(event.agent_id))
    if event.joined:
        return replace(call, outside=True), over
    if event.agent_id:
        call, commands = _agent_found(call, AgentFound(event.agent_id, event.seat_id), now)
    elif event.number or event.seat_id:
        call = replace(
            call, state=_S.CONNECTING, outside=True, deadline=_later(now, OUTSIDE_RINGS_S + _SEAT_MARGIN_S)
        )
        commands = (
            ConnectSeat(
                conversation_id=call.call_id, seat_id=event.seat_id, number=event.number, trunk_id=event.trunk_id,
                caller_id=event.caller_id or None, answer_timeout_s=OUTSIDE_RINGS_S,
            ),
        )  # fmt: skip
    else:
        call, commands = _wait(call, now, (PassedTo(event.queue_id),) if event.queue_id else (FindAgent(),))
    return call, (*over, *commands)


def _conversation_ended(
    call: InboundCall, event: bus_events.ConversationEnded, now: datetime
) -> tuple[InboundCall, Commands]:
    media = {"rtp_lost": event.rtp_lost, "rtp_received": event.rtp_received, "lost_frames": event.lost_frames}
    reason = call.reason or event.reason
    return _close(replace(call, lost=call.lost or event.lost, media=media, reason=reason), now)


def _hang_up_asked(call: InboundCall, event: HangUpAsked, now: datetime) -> tuple[InboundCall, Commands]:
    return _hang_up(call, event.reason, now)


def _overdue(call: InboundCall, _event: Expired, now: datetime) -> tuple[InboundCall, Commands]:
    return _hang_up(call, "overdue", now)


def _worker_gone(call: InboundCall, _event: WorkerGone, now: datetime) -> tuple[InboundCall, Commands]:
    return _close(replace(call, lost=True, last_seq=LOST_SEQ, reason=call.reason or "worker_gone"), now)


_ALWAYS: dict[type, Handler] = {  # in every state but ENDED
    HangUpAsked: _hang_up_asked, WorkerGone: _worker_gone, bus_events.LegEnded: _leg_ended,
    bus_events.ConversationEnded: _conversation_ended, bus_events.Controls: _controls,
}  # fmt: skip
_WAITS: dict[type, Handler] = {
    **_ALWAYS, AgentFound: _agent_found, bus_events.Bridged: _bridged, bus_events.DtmfReceived: _key,
}  # fmt: skip
_ROWS: dict[InboundState, dict[type, Handler]] = {
    _S.OFFERED: {
        **_ALWAYS, bus_events.InboundOffered: _offered, Admitted: _admitted, TurnedAway: _turned_away,
        Expired: _overdue,
    },
    _S.ANSWERING: {**_ALWAYS, bus_events.LegAnswered: _answered, Expired: _overdue},
    _S.NOTICE: {**_ALWAYS, bus_events.PromptEnded: _notice_over, Expired: _notice_over},
    _S.WAITING: {**_WAITS, Expired: _wait_expired, Moved: _moved, TurnedAway: _nobody_free},
    _S.OFFER: {**_WAITS, Expired: _offer_ignored},
    _S.CONNECTING: {
        **_ALWAYS, SeatRefused: _seat_refused, bus_events.SeatFailed: _seat_failed, bus_events.Bridged: _bridged,
        Expired: _unreachable,
    },
    _S.TALKING: {**_ALWAYS, bus_events.HandedOver: _passed_on},
    _S.FAREWELL: {**_ALWAYS, Expired: _overdue},
    _S.CLOSING: {**_ALWAYS, HangUpAsked: _ignore, Expired: _overdue},
    _S.ENDED: {},
}  # fmt: skip
OWN_EVENTS: tuple[type, ...] = (
    Admitted, TurnedAway, Moved, AgentFound, SeatRefused, Expired, HangUpAsked, WorkerGone,
)  # fmt: skip
TRANSITIONS: dict[tuple[InboundState, type], Handler] = {
    (state, event): _ROWS[state].get(event, _ignore)
    for state in InboundState
    for event in (*OWN_EVENTS, *bus_events.CONVERSATION_EVENTS)
}
"""Total: every state and event has its handler; `_ignore` for what is late."""
