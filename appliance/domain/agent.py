"""One agent at a seat: ready, reserved, talking, wrap-up, paused, and the states of preview dialling.

`step(agent, event, now)` is pure. What is asked for during a conversation (pause, ready, log-out) is kept in `pending`
and applies after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, StrEnum

from appliance.domain.campaign import WrapUpMode
from appliance.domain.machine import Move, refusal
from appliance.errors import CallerError
from appliance.types import AgentState

UNREACHABLE_REASON = "phone not reachable"


@dataclass(frozen=True)
class WrapUp:
    """How the wrap-up after a conversation runs; `limit_s` 0 or None: no limit."""

    mode: WrapUpMode = WrapUpMode.NONE
    limit_s: float | None = None
    then: AgentState = AgentState.READY  # when the time ran out


@dataclass(frozen=True)
class Agent:
    """The live state of one agent. `campaigns` empty: all that he may work in."""

    agent_id: str
    display_name: str = ""
    seat_id: str | None = None
    campaigns: frozenset[str] = frozenset()
    skills: Mapping[str, int] = field(default_factory=dict, hash=False)  # level (1 to 5) by name
    state: AgentState = AgentState.OFFLINE
    since: datetime | None = None
    idle_since: datetime | None = None  # for the longest idle; kept when a reservation came to nothing
    pending: AgentState | None = None
    pause_reason: str = ""
    conversation_id: str | None = None  # kept through wrap-up
    disposed: bool = False
    wrap_up: WrapUp = WrapUp()
    wrap_up_ends: datetime | None = None


class Kind(StrEnum):
    LOG_IN = "log_in"
    LOG_OUT = "log_out"
    READY = "ready"
    PAUSE = "pause"
    RESERVE = "reserve"  # a conversation is being connected to the seat
    CONNECTED = "connected"
    WITHDRAWN = "withdrawn"  # the conversation ended before it was connected
    SEAT_LOST = "seat_lost"  # the phone did not answer
    ENDED = "ended"  # the conversation is over
    DISPOSED = "disposed"
    WRAP_UP_OVER = "wrap_up_over"
    PREVIEW = "preview"
    DIAL = "dial"
    SKIP = "skip"


@dataclass(frozen=True)
class AgentEvent:
    """What happened; the other fields belong to the kinds that name them."""

    kind: Kind
    seat_id: str | None = None  # LOG_IN
    campaigns: frozenset[str] = frozenset()  # LOG_IN
    ready: bool = False  # LOG_IN
    reason: str = ""  # PAUSE
    conversation_id: str | None = None  # RESERVE, CONNECTED, DIAL; of WITHDRAWN, SEAT_LOST, ENDED: no other's is meant
    wrap_up: WrapUp = WrapUp()  # ENDED


class Do(Enum):
    """Answers of the table that depend on more than the state."""

    SIT_DOWN = "sit_down"
    STAY = "stay"  # signed in again: a log-out that was asked for is forgotten
    LATER = "later"  # remember as pending
    AFTER_CALL = "after_call"  # wrap-up, or what comes after it
    AFTER_WORK = "after_work"  # what is pending, or ready
    LEAVE_WRAP_UP = "leave_wrap_up"  # if its mode allows
    NOTE_DISPOSED = "note_disposed"
    END_WRAP_UP = "end_wrap_up"  # a disposition ends it, but where its whole time runs
    TIME_OUT = "time_out"


@dataclass(frozen=True)
class StateChanged:
    """The state (or its reason) changed: to be logged and shown."""

    state: AgentState
    reason: str = ""


@dataclass(frozen=True)
class DisposeNone:
    """The wrap-up ended without a disposition."""

    conversation_id: str


@dataclass(frozen=True)
class ReleaseLead:
    """The previewed record leaves the screen undialled."""


AgentCommand = StateChanged | DisposeNone | ReleaseLead
_S, _K = AgentState, Kind
_COMMON: dict[Kind, AgentState | Do | Move] = {
    _K.LOG_IN: Move.IGNORE, _K.WITHDRAWN: Move.IGNORE, _K.ENDED: Move.IGNORE, _K.DISPOSED: Move.IGNORE,
    _K.WRAP_UP_OVER: Move.IGNORE, _K.SEAT_LOST: Move.IGNORE,
}  # fmt: skip
_BUSY = {**_COMMON, _K.LOG_IN: Do.STAY, _K.LOG_OUT: Do.LATER, _K.READY: Do.LATER, _K.PAUSE: Do.LATER}
_ROWS: dict[AgentState, dict[Kind, AgentState | Do | Move]] = {
    _S.OFFLINE: {**_COMMON, _K.LOG_IN: Do.SIT_DOWN, _K.LOG_OUT: Move.IGNORE},
    _S.READY: {
        **_COMMON, _K.LOG_OUT: _S.OFFLINE, _K.READY: Move.IGNORE, _K.PAUSE: _S.PAUSED, _K.RESERVE: _S.RESERVED,
        _K.CONNECTED: _S.TALKING, _K.SEAT_LOST: _S.PAUSED, _K.PREVIEW: _S.PREVIEWING,
    },
    _S.RESERVED: {
        **_BUSY, _K.CONNECTED: _S.TALKING, _K.WITHDRAWN: Do.AFTER_WORK, _K.ENDED: Do.AFTER_WORK,
        _K.SEAT_LOST: _S.PAUSED,
    },
    _S.TALKING: {
        **_BUSY, _K.CONNECTED: Move.IGNORE, _K.ENDED: Do.AFTER_CALL, _K.DISPOSED: Do.NOTE_DISPOSED,
    },
    _S.WRAP_UP: {
        **_BUSY, _K.LOG_OUT: Do.LEAVE_WRAP_UP, _K.READY: Do.LEAVE_WRAP_UP, _K.PAUSE: Do.LEAVE_WRAP_UP,
        _K.DISPOSED: Do.END_WRAP_UP, _K.WRAP_UP_OVER: Do.TIME_OUT,
    },
    _S.PAUSED: {
        **_COMMON, _K.LOG_OUT: _S.OFFLINE, _K.READY: _S.READY, _K.PAUSE: _S.PAUSED, _K.CONNECTED: _S.TALKING,
        _K.PREVIEW: _S.PREVIEWING,
    },
    _S.PREVIEWING: {
        **_COMMON, _K.LOG_OUT: _S.OFFLINE, _K.READY: _S.READY, _K.PAUSE: _S.PAUSED, _K.DIAL: _S.DIALLING,
        _K.SKIP: _S.READY,
    },
    _S.DIALLING: {
        **_BUSY, _K.CONNECTED: _S.TALKING, _K.WITHDRAWN: Do.AFTER_WORK, _K.ENDED: Do.AFTER_WORK,
        _K.SEAT_LOST: _S.PAUSED,
    },
}  # fmt: skip
TRANSITIONS: dict[tuple[AgentState, Kind], AgentState | Do | Move] = {
    (state, kind): _ROWS[state].get(kind, Move.REFUSE) for state in AgentState for kind in Kind
}
"""Total: every state and event has an answer."""

_PENDING = {Kind.LOG_OUT: AgentState.OFFLINE, Kind.READY: AgentState.READY, Kind.PAUSE: AgentState.PAUSED}
_OVER = frozenset({Kind.WITHDRAWN, Kind.SEAT_LOST, Kind.ENDED})
_KEEP_CONVERSATION = frozenset({AgentState.RESERVED, AgentState.TALKING, AgentState.WRAP_UP, AgentState.DIALLING})


def step(agent: Agent, event: AgentEvent, now: datetime) -> tuple[Agent, tuple[AgentCommand, ...]]:
    """Apply one event; raises CallerError `agent.not_now` or `agent.disposition_needed`."""
    answer = TRANSITIONS[agent.state, event.kind]
    of_another = event.kind in _OVER and None not in (event.conversation_id, agent.conversation_id)
    if answer is Move.IGNORE or (of_another and event.conversation_id != agent.conversation_id):
        return agent, ()
    if answer is Move.REFUSE:
        raise refusal("agent", agent.state, event.kind)
    if isinstance(answer, AgentState):
        return _go(agent, answer, event, now)
    return _do(answer, agent, event, now)


def _do(answer: Do, agent: Agent, event: AgentEvent, now: datetime) -> tuple[Agent, tuple[AgentCommand, ...]]:
    if answer is Do.SIT_DOWN:
        seated = replace(agent, seat_id=event.seat_id, campaigns=event.campaigns)
        return _go(seated, AgentState.READY if event.ready else AgentState.PAUSED, event, now)
    if answer is Do.STAY:
        return replace(agent, pending=None if agent.pending is AgentState.OFFLINE else agent.pending), ()
    if answer is Do.LATER:
        return replace(agent, pending=_PENDING[event.kind], pause_reason=event.reason), ()
    if answer is Do.NOTE_DISPOSED:
        return replace(agent, disposed=True), ()
    if answer is Do.AFTER_CALL:
        whole = event.wrap_up.mode is WrapUpMode.FIXED and event.wrap_up.limit_s
        if event.wrap_up.mode is WrapUpMode.NONE or (agent.disposed and not whole) or event.wrap_up.limit_s == 0:
            return _go(agent, agent.pending or AgentState.READY, event, now)
        return _go(agent, AgentState.WRAP_UP, event, now)
    if answer is Do.LEAVE_WRAP_UP:
        if agent.wrap_up.mode is WrapUpMode.OPTIONAL:
            return _undisposed(agent, _PENDING[event.kind], event, now)
        if event.kind is Kind.READY and agent.wrap_up.mode is not WrapUpMode.FIXED:
            raise CallerError("agent.disposition_needed", "Set the disposition of the conversation first.")
        return replace(agent, pending=_PENDING[event.kind], pause_reason=event.reason), ()
    if answer is Do.END_WRAP_UP and agent.wrap_up.mode is WrapUpMode.FIXED:
        return replace(agent, disposed=True), ()
    if answer is Do.TIME_OUT and not agent.disposed:
        return _undisposed(agent, agent.pending or agent.wrap_up.then, event, now)
    return _go(agent, agent.pending or AgentState.READY, event, now)


def _undisposed(
    agent: Agent, state: AgentState, event: AgentEvent, now: datetime
) -> tuple[Agent, tuple[AgentCommand, ...]]:
    conversation_id = agent.conversation_id
    agent, commands = _go(agent, state, event, now)
    return agent, (*([DisposeNone(conversation_id)] if conversation_id else []), *commands)


def _go(
    agent: Agent, state: AgentState, event: AgentEvent, now: datetime
) -> tuple[Agent, tuple[AgentCommand, ...]]:
    reason = agent.pause_reason if state in _KEEP_CONVERSATION else ""  # of a pause that is pending
    if state is AgentState.PAUSED:
        reason = UNREACHABLE_REASON if event.kind is Kind.SEAT_LOST else event.reason or agent.pause_reason
    limit_s = event.wrap_up.limit_s if event.wrap_up.mode is not WrapUpMode.MANDATORY else None
    idle_since = agent.idle_since if event.kind is Kind.WITHDRAWN or state is not AgentState.READY else now
    after = replace(
        agent, state=state, since=now, idle_since=idle_since, pause_reason=reason,
        seat_id=None if state is AgentState.OFFLINE else agent.seat_id,
        pending=agent.pending if state in _KEEP_CONVERSATION else None,
        conversation_id=(event.conversation_id or agent.conversation_id) if state in _KEEP_CONVERSATION else None,
        disposed=agent.disposed and state is AgentState.WRAP_UP,
        wrap_up=event.wrap_up if state is AgentState.WRAP_UP else WrapUp(),
        wrap_up_ends=now + timedelta(seconds=limit_s) if state is AgentState.WRAP_UP and limit_s else None,
    )  # fmt: skip
    commands: list[AgentCommand] = [StateChanged(state, reason if state is AgentState.PAUSED else "")]
    if agent.state is AgentState.PREVIEWING and state is not AgentState.DIALLING:
        commands.append(ReleaseLead())
    return after, tuple(commands)
