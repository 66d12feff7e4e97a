"""Every state that a call, a caller or an agent can come into, by all events in every order: late, twice, or never.

Nothing raises; nobody is stuck: each state that is not the last has a deadline, or a conversation whose worker owes its
end; an agent who was bound to a call is let go exactly once; a call closes once, with its outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from appliance import events as ev
from appliance.commands import Hangup, PlayPrompt
from appliance.domain import agent as agents
from appliance.domain import call as calls
from appliance.domain import call_model as model
from appliance.domain import inbound_call as inbound
from appliance.domain import inbound_model as inbound_words
from appliance.domain.agent import Agent, AgentEvent, Kind, WrapUp
from appliance.domain.call_model import Call, CallPolicy, CallState
from appliance.domain.campaign import VoiceMessage, WrapUpMode
from appliance.domain.inbound_model import InboundCall, InboundOutcome, InboundPolicy, InboundState
from appliance.domain.outcome import Verdict
from appliance.domain.third_party import ThirdGone, ThirdJoined
from appliance.errors import CallerError
from appliance.types import AgentState, Outcome
from tests.state_space import explore, plain

pytestmark = [pytest.mark.unit, pytest.mark.timeout(600)]

NOW = datetime(2026, 3, 5, 9, 0, tzinfo=UTC)
MOVING = frozenset({"deadline", "clock_at", "wait_ends"})
REPORTED = frozenset({
    "originated_at", "created_at", "at", "ended_at", "left_at", "media", "retry_after_s", "keys", "progressed",
    "reason", "kind", "confidence", "decided_at_ms", "seat_id", "policy", "caller_id", "failed_trunks", "message_done",
    "early", "sip_status", "q850", "by_us", "callback_at", "queue_id", "lost", "refused",
})  # fmt: skip
"""Fields that are only written down: no step looks at them."""
BESIDE_OR_REPORTED = REPORTED | {"controls"}
LET_GO = (model.AgentFree, model.AgentUnreachable, model.ConversationOver)  # calls and callers have the same words
TAKEN = model.AgentConnected
ENDS = (model.Ended, inbound_words.Ended)
EXPIRIES_MAX = 12
"""So often at most a deadline may come in a row before the line is let go."""


@dataclass(frozen=True)
class Node:
    """A call or a caller at an instant; `bound`: agents whom the engine holds for it; `said`: what came out last.

    `thirds`: agents who are in it beside the customer and his own.
    """

    call: Any
    now: datetime
    bound: frozenset[str]
    said: tuple[Any, ...] = ()
    thirds: frozenset[str] = frozenset()

    def canonical(self) -> Hashable:
        reason = getattr(self.call, "reason", "")  # a caller's is one word of what happens to him
        controls = self.call.controls
        beside = (controls.third, controls.third_agent_id) if controls is not None else None
        form = plain(self.call, self.now, without=BESIDE_OR_REPORTED, moving=MOVING)
        return form, beside, self.bound, self.thirds, reason


def heard(phase: str, label: str, reason: str = "speech", *, final: bool = True, beep: bool = False) -> dict[str, Any]:
    evidence = {"beep_end_ms": 900} if beep else {}
    return {
        "kind_": ev.Heard, "phase": phase, "label": label, "kind": "speech", "reason": reason, "confidence": 0.9,
        "decided_at_ms": 800, "final": final, "evidence": evidence,
    }  # fmt: skip


OUTSIDE: dict[str, dict[str, Any]] = {
    "outside answered": {"kind_": ev.Bridged, "seat_id": "", "agent_id": ""},
    "outside failed": {"kind_": ev.SeatFailed, "seat_id": "", "agent_id": "", "sip_status": 486},
}
WORKER: dict[str, dict[str, Any]] = {
    "ringing": {"kind_": ev.LegProgress, "role": "trunk", "sip_status": 180},
    "early media": {"kind_": ev.LegProgress, "role": "trunk", "sip_status": 183, "early_media": True},
    "seat rings": {"kind_": ev.LegProgress, "role": "seat", "sip_status": 180},
    "answered": {"kind_": ev.LegAnswered, "role": "trunk"},
    "seat answered": {"kind_": ev.LegAnswered, "role": "seat", "seat_id": "s1"},
    "heard busy": heard("early", "busy"),
    "heard ringback": heard("early", "ringback"),
    "heard a person": heard("answered", "human"),
    "heard a machine": heard("answered", "machine"),
    "heard a beep": heard("answered", "machine", final=False, beep=True),
    "in doubt": heard("answered", "unknown"),
    "a machine after all": heard("answered", "machine", "late_words", final=False),
    "a person after all": heard("answered", "human", "late_words", final=False),
    "hung up": {"kind_": ev.LegEnded, "role": "trunk", "sip_status": 200, "q850": 16},
    "busy": {"kind_": ev.LegEnded, "role": "trunk", "sip_status": 486, "q850": 17},
    "cancelled": {"kind_": ev.LegEnded, "role": "trunk", "sip_status": 487, "by_us": True, "reason": "ring_timeout"},
    "agent hung up": {"kind_": ev.LegEnded, "role": "seat", "sip_status": 200, "seat_id": "s1"},
    "other seat let go": {"kind_": ev.LegEnded, "role": "seat", "sip_status": 487, "seat_id": "s2"},
    "bridged": {"kind_": ev.Bridged, "seat_id": "s1", "agent_id": "a1"},
    "bridged to the other": {"kind_": ev.Bridged, "seat_id": "s2", "agent_id": "a2"},
    "seat failed": {"kind_": ev.SeatFailed, "seat_id": "s1", "agent_id": "a1", "sip_status": 480},
    "other seat failed": {"kind_": ev.SeatFailed, "seat_id": "s2", "agent_id": "a2", "sip_status": 480},
    "key 1": {"kind_": ev.DtmfReceived, "role": "trunk", "digit": "1"},
    "key 9": {"kind_": ev.DtmfReceived, "role": "trunk", "digit": "9"},
    "prompt ended": {"kind_": ev.PromptEnded, "prompt_id": "p", "role": "trunk"},
    "recording": {"kind_": ev.RecordingStarted, "recording_id": "r", "spool_path": "r.au"},
    "offered": {"kind_": ev.InboundOffered, "trunk_id": "t1", "caller": "+8613800138000", "called": "+861088886666"},
    "over": {"kind_": ev.ConversationEnded},
    "worker died": {"kind_": ev.ConversationEnded, "lost": True},
}


def from_worker(name: str, seq: int, now: datetime) -> ev.ConversationEvent:
    fields = dict((WORKER | OUTSIDE)[name])
    kind = fields.pop("kind_")
    event: ev.ConversationEvent = kind(
        conversation_id="c1", attempt_id="c1", seq=seq, at_unix_s=now.timestamp(), **fields
    )
    return event


Step = Callable[[Any, Any, datetime], tuple[Any, tuple[Any, ...]]]


def take(step: Step, node: Node, event: Any, now: datetime | None = None) -> Node:
    """One step, with what becomes of the agents who are bound to the call."""
    now = now or node.now
    call, said = step(node.call, event, now)
    bound, thirds = node.bound, node.thirds
    talking = node.call.state in (CallState.TALKING, InboundState.TALKING)
    if isinstance(event, model.AgentFound) or (isinstance(event, ev.HandedOver) and event.agent_id and talking):
        bound |= {event.agent_id}
        thirds -= {event.agent_id}
    for word in said:
        if isinstance(word, ThirdJoined):
            thirds |= {word.agent_id}
        elif isinstance(word, ThirdGone):
            thirds -= {word.agent_id}
        if isinstance(word, LET_GO):
            assert word.agent_id in bound, f"{word} without being bound"
            bound -= {word.agent_id}
        elif isinstance(word, TAKEN):
            bound |= {word.agent_id}
    return Node(call, now, bound, said, thirds)


def worker_moves(step: Step, node: Node) -> Iterable[tuple[str, Callable[[], Node]]]:
    for name in WORKER:
        yield name, lambda name=name: take(step, node, from_worker(name, node.call.last_seq + 1, node.now))
    yield "told twice", lambda: take(step, node, from_worker("over", min(node.call.last_seq, 1), node.now))


def expire(step: Step, node: Node, event: Any) -> Node:
    return take(step, node, event, max(node.now, node.call.deadline))


def check_step(before: Node, after: Node, ended: Any, talking: Any) -> None:
    """What holds behind every step of a call or a caller."""
    ends = [word for word in after.said if isinstance(word, ENDS)]
    if before.call.state is ended:
        assert (after.call, after.said) == (before.call, ()), "a closed call stays as it is"
        return
    assert len(ends) == (after.call.state is ended), "it closes once"
    if after.call.state is ended:
        assert not after.bound | after.thirds, f"{after.bound | after.thirds} left behind"
        assert after.call.deadline is None
        return
    assert after.call.deadline is not None or after.call.state is talking, "nothing ends this state"
    if after.call.state.value in ("connecting", "talking"):
        assert after.bound == (set() if after.call.outside else {after.call.agent_id})
    else:
        owner = getattr(after.call.policy, "owner_agent_id", None)
        assert after.bound <= {owner}, f"{after.bound} bound to nothing"


def check_ends(step: Step, node: Node, ended: Any, gone: Any, letting_go: Callable[[Node], bool]) -> None:
    """From here on: a worker's last word or its silence closes; deadlines alone let the line go."""
    if node.call.state is ended:
        return
    for end in (from_worker("over", node.call.last_seq + 1, node.now), gone):
        assert take(step, node, end).call.state is ended
    expired = inbound_words.Expired() if isinstance(node.call, InboundCall) else model.Expired()
    for _ in range(EXPIRIES_MAX):
        if letting_go(node):
            return
        node = expire(step, node, expired)
        if any(isinstance(word, inbound_words.Overflowed) for word in node.said):  # the engine answers at once
            node = take(step, node, inbound_words.TurnedAway("q1", node.call.policy))
    raise AssertionError(f"deadlines alone never end it: {node.call.state}")


# ---- a call -------------------------------------------------------------------------------------------------

KEYS = VoiceMessage(prompt="offer", agent_key="1", stop_key="9")
POLICIES = {
    "ear first": CallPolicy(),
    "agent first": CallPolicy(clock="answer"),
    "preview": CallPolicy(owner_agent_id="a1", owner_seat_id="s1"),
    "greeting": CallPolicy(greeting="greeting", greeting_s=6.0, notice="recorded"),
    "message": CallPolicy(voice=KEYS, notice="recorded"),
    "message after the beep": CallPolicy(voice=KEYS.model_copy(update={"on_machine": "after_beep", "stop_key": ""})),
}


def call_moves(node: Node) -> Iterable[tuple[str, Callable[[], Node]]]:
    yield from worker_moves(calls.step, node)
    own: dict[str, Any] = {
        "taken": model.Originated(), "refused": model.OriginateRefused(Verdict(Outcome.CANCELLED)),
        "hang up": model.HangUpAsked("agent"), "gone": model.WorkerGone(), "nobody free": model.NobodyFree(),
        "seat refused": model.SeatRefused("a1"), "other seat refused": model.SeatRefused("a2"),
    }  # fmt: skip
    if node.call.state is CallState.HEARD and not node.call.policy.owner_agent_id:
        own["agent found"] = model.AgentFound("a1", "s1")
        own["other agent found"] = model.AgentFound("a2", "s2")
    for name, event in own.items():
        yield name, lambda event=event: take(calls.step, node, event)
    if node.call.deadline is not None:
        yield "deadline", lambda: expire(calls.step, node, model.Expired())


def call_lets_go(node: Node) -> bool:
    if node.call.state in (CallState.TALKING, CallState.ENDED):
        return True
    return any(isinstance(w, Hangup) or (isinstance(w, PlayPrompt) and w.hangup_after) for w in node.said)


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES.keys())
def test_a_call_is_never_stuck(policy: CallPolicy) -> None:
    start = calls.start(Call("c1", "k1", "l1", "+8613800138000", "t1", created_at=NOW, policy=policy))
    node = Node(start, NOW, frozenset({policy.owner_agent_id} if policy.owner_agent_id else ()))

    def check(before: Node, name: str, after: Node) -> None:
        check_step(before, after, CallState.ENDED, CallState.TALKING)
        for word in after.said:
            if isinstance(word, model.Ended):
                assert word.verdict.outcome in set(Outcome)
        if name == "other seat let go" and before.call.seat_id == "s1":
            assert after.call.state is before.call.state, "a seat that was tried before ends no conversation"

    space = explore(node, call_moves, Node.canonical, check)
    reached = {one.state.call.state for one in space.seen.values()}
    assert reached >= {CallState.EARLY, CallState.CLOSING, CallState.ENDED}
    assert (CallState.TALKING in reached) == (policy.voice is None or bool(policy.voice.agent_key))
    for key, one in space.seen.items():
        try:
            check_ends(calls.step, one.state, CallState.ENDED, model.WorkerGone(), call_lets_go)
        except AssertionError as error:
            raise AssertionError(f"{error} at: {space.way_to(key)}") from error


# ---- a caller -----------------------------------------------------------------------------------------------

QUEUES = {
    "call-back": ("+8613800138000", InboundPolicy(language="en", max_wait_s=60.0)),
    "another queue": (
        "+8613800138000",
        InboundPolicy(language="en", overflow="queue", callback_key=False, max_wait_s=60.0, notice=True),
    ),
    "message": ("", InboundPolicy(language="en", overflow="message", max_wait_s=60.0)),
}


def caller_moves(node: Node) -> Iterable[tuple[str, Callable[[], Node]]]:
    yield from worker_moves(inbound.step, node)
    policy = node.call.policy
    own: dict[str, Any] = {
        "admitted": inbound_words.Admitted("q1", policy), "turned away": inbound_words.TurnedAway("q1", policy),
        "moved": inbound_words.Moved("q2", policy), "hang up": inbound_words.HangUpAsked("agent"),
        "gone": inbound_words.WorkerGone(), "seat refused": inbound_words.SeatRefused("a1"),
        "other seat refused": inbound_words.SeatRefused("a2"),
    }  # fmt: skip
    if node.call.hops >= 1:  # the engine moves nobody for ever
        del own["moved"]
    if node.call.waits:
        own["agent found"] = inbound_words.AgentFound("a1", "s1")
        own["other agent found"] = inbound_words.AgentFound("a2", "s2")
    for name, event in own.items():
        yield name, lambda event=event: take(inbound.step, node, event)
    if node.call.deadline is not None:
        yield "deadline", lambda: expire(inbound.step, node, inbound_words.Expired())


def caller_let_go(node: Node) -> bool:
    if node.call.state in (InboundState.TALKING, InboundState.ENDED):
        return True
    return any(isinstance(w, Hangup) or (isinstance(w, PlayPrompt) and w.hangup_after) for w in node.said)


@pytest.mark.parametrize(("caller", "policy"), QUEUES.values(), ids=QUEUES.keys())
def test_a_caller_is_never_stuck(caller: str, policy: InboundPolicy) -> None:
    call = InboundCall("c1", "t1", caller, "+861088886666", at=NOW, policy=policy, deadline=NOW + timedelta(seconds=15))

    def check(before: Node, name: str, after: Node) -> None:
        check_step(before, after, InboundState.ENDED, InboundState.TALKING)
        for word in after.said:
            if isinstance(word, inbound_words.Ended):
                assert word.outcome in set(InboundOutcome)
        if name == "other seat let go" and before.call.seat_id == "s1":
            assert after.call.state is before.call.state, "a seat that was tried before ends no conversation"

    space = explore(Node(call, NOW, frozenset()), caller_moves, Node.canonical, check)
    reached = {one.state.call.state for one in space.seen.values()}
    assert reached >= set(InboundState) - {InboundState.OFFER, InboundState.NOTICE}
    assert (InboundState.NOTICE in reached) == policy.notice
    for key, one in space.seen.items():
        try:
            check_ends(inbound.step, one.state, InboundState.ENDED, inbound_words.WorkerGone(), caller_let_go)
        except AssertionError as error:
            raise AssertionError(f"{error} at: {space.way_to(key)}") from error


# ---- a customer who is passed on, with others beside him ---------------------------------------------------

AFTER_TALK = ("answered", "seat answered", "hung up", "agent hung up", "other seat let go", "over", "worker died")
OF_SEATS = ("bridged", "bridged to the other", "seat failed", "other seat failed")
OF_OUTSIDE = ("outside answered", "outside failed")
PASSED_ON: dict[str, dict[str, Any]] = {
    "passed to an agent": {"joined": False, "seat_id": "s2", "agent_id": "a2"},
    "left to an agent": {"joined": True, "seat_id": "s2", "agent_id": "a2"},
    "passed to a queue": {"joined": False, "queue_id": "q2"},
    "passed outside": {"joined": False, "number": "+8613900139000", "trunk_id": "t1"},
    "left to somebody outside": {"joined": True},
}
BESIDE: dict[str, dict[str, Any]] = {
    "a third rings": {"third": "ringing", "third_agent_id": "a3"},
    "a third talks": {"third": "talking", "third_agent_id": "a3"},
    "somebody outside talks": {"third": "talking"},
    "nobody beside": {},
}


def moves_after_talk(step: Step, found: type, over: Any, node: Node) -> Iterable[tuple[str, Callable[[], Node]]]:
    seq = node.call.last_seq + 1
    for name in (*AFTER_TALK, *(OF_OUTSIDE if node.call.outside else OF_SEATS)):  # the worker tells of whom he rang
        yield name, lambda name=name: take(step, node, from_worker(name, seq, node.now))
    same = {"conversation_id": "c1", "attempt_id": "c1", "seq": seq, "at_unix_s": node.now.timestamp()}
    for name, fields in PASSED_ON.items():
        if node.call.outside or fields.get("agent_id") in node.bound:
            continue  # a seat passes him on, and not to itself
        yield name, lambda fields=fields: take(step, node, ev.HandedOver(**same, **fields))
    for name, fields in BESIDE.items():
        yield name, lambda fields=fields: take(step, node, ev.Controls(**same, **fields))
    if getattr(node.call, "waits", node.call.state is CallState.HEARD):
        yield "agent found", lambda: take(step, node, found("a1", "s1"))
    if node.call.deadline is not None:
        yield "deadline", lambda: expire(step, node, over)
    yield "gone", lambda: take(step, node, model.WorkerGone())


@pytest.mark.parametrize("direction", ["out", "in"])
def test_a_customer_who_is_passed_on_is_never_stuck(direction: str) -> None:
    if direction == "out":
        step: Step = calls.step
        ended: Any = CallState.ENDED
        talking: Any = CallState.TALKING
        letting_go = call_lets_go
        call: Any = Call(
            "c1", "k1", "l1", "+8613800138000", "t1", created_at=NOW, state=CallState.TALKING, answered_at=NOW,
            bridged_at=NOW, agent_id="a1", seat_id="s1", last_seq=3, clock_at=NOW, within_s=2.0,
        )  # fmt: skip
    else:
        step, ended, talking, letting_go = inbound.step, InboundState.ENDED, InboundState.TALKING, caller_let_go
        call = InboundCall(
            "c1", "t1", "+8613800138000", "+861088886666", at=NOW, state=InboundState.TALKING, answered_at=NOW,
            queued_at=NOW, bridged_at=NOW, agent_id="a1", seat_id="s1", last_seq=3, queue_id="q1",
            policy=InboundPolicy(language="en", max_wait_s=60.0),
        )  # fmt: skip

    def move(node: Node) -> Iterable[tuple[str, Callable[[], Node]]]:
        return moves_after_talk(step, model.AgentFound, model.Expired(), node)

    def check(before: Node, _name: str, after: Node) -> None:
        check_step(before, after, ended, talking)
        assert not after.bound & after.thirds, "somebody is his agent and beside him"

    space = explore(Node(call, NOW, frozenset({"a1"})), move, Node.canonical, check)
    reached = {(one.state.call.state, one.state.call.outside) for one in space.seen.values()}
    assert {(talking, True), (talking, False), (ended, False)} <= reached
    assert any(one.state.thirds for one in space.seen.values())
    for key, one in space.seen.items():
        try:
            check_ends(step, one.state, ended, model.WorkerGone(), letting_go)
        except AssertionError as error:
            raise AssertionError(f"{error} at: {space.way_to(key)}") from error


# ---- an agent -----------------------------------------------------------------------------------------------

WRAP_UPS = {
    "none": WrapUp(), "timed": WrapUp(WrapUpMode.TIMED, 30.0), "mandatory": WrapUp(WrapUpMode.MANDATORY),
    "optional": WrapUp(WrapUpMode.OPTIONAL, 30.0, AgentState.PAUSED),
}  # fmt: skip
BY_HIMSELF = frozenset({
    Kind.LOG_IN, Kind.LOG_OUT, Kind.READY, Kind.PAUSE, Kind.DISPOSED, Kind.PREVIEW, Kind.DIAL, Kind.SKIP,
})  # fmt: skip
IN_CONVERSATION = frozenset({AgentState.RESERVED, AgentState.TALKING, AgentState.DIALLING})


@pytest.mark.parametrize("wrap_up", WRAP_UPS.values(), ids=WRAP_UPS.keys())
def test_an_agent_is_never_stuck(wrap_up: WrapUp) -> None:
    @dataclass(frozen=True)
    class Place:
        agent: Agent
        refused: bool = False

    def happen(place: Place, kind: Kind, ready: bool) -> Place:
        conversation_id = "c1" if kind in (Kind.RESERVE, Kind.CONNECTED, Kind.DIAL) else None
        event = AgentEvent(kind, "s1", ready=ready, conversation_id=conversation_id, wrap_up=wrap_up, reason="tea")
        try:
            agent, _ = agents.step(place.agent, event, NOW)
        except CallerError:
            return Place(place.agent, refused=True)
        return Place(agent)

    def moves(place: Place) -> Iterable[tuple[str, Callable[[], Place]]]:
        for kind in Kind:
            for ready in (False, True):
                yield f"{kind} {ready}", lambda kind=kind, ready=ready: happen(place, kind, ready)

    def check(before: Place, name: str, after: Place) -> None:
        kind = Kind(name.split()[0])
        if kind in (Kind.ENDED, Kind.WITHDRAWN, Kind.SEAT_LOST, Kind.WRAP_UP_OVER):
            assert not after.refused, "the engine's word is never refused"
        if kind is Kind.ENDED:
            assert after.agent.state not in IN_CONVERSATION, "a conversation that has ended holds nobody"
        if after.agent.state not in IN_CONVERSATION | {AgentState.WRAP_UP}:
            assert (after.agent.conversation_id, after.agent.pending) == (None, None)
        if after.agent.state is AgentState.WRAP_UP and wrap_up.mode in (WrapUpMode.TIMED, WrapUpMode.OPTIONAL):
            assert after.agent.wrap_up_ends is not None
            assert agents.step(after.agent, AgentEvent(Kind.WRAP_UP_OVER), NOW)[0].state is not AgentState.WRAP_UP
        if after.agent.state is AgentState.WRAP_UP:
            assert agents.step(after.agent, AgentEvent(Kind.DISPOSED), NOW)[0].state is not AgentState.WRAP_UP

    written = frozenset({"since", "idle_since", "pause_reason"})
    space = explore(Place(Agent("a1")), moves, lambda place: plain(place, NOW, without=written), check)
    for one in space.seen.values():  # whatever he is in, its end and his own word bring him back to work, or home
        agent = one.state.agent
        if agent.state in IN_CONVERSATION | {AgentState.WRAP_UP}:
            agent, _ = agents.step(agent, AgentEvent(Kind.ENDED, wrap_up=wrap_up), NOW)
            agent, _ = agents.step(agent, AgentEvent(Kind.DISPOSED), NOW)
        assert agent.state in (AgentState.READY, AgentState.PAUSED, AgentState.OFFLINE, AgentState.PREVIEWING)
