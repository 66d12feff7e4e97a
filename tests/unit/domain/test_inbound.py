"""The life of a caller, his queue, and who answers him."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance import events as ev
from appliance.commands import AnswerInbound, ConnectSeat, Hangup, Hold, PlayPrompt
from appliance.domain import inbound, inbound_call
from appliance.domain import inbound_model as model
from appliance.domain.agent import Agent
from appliance.domain.inbound_config import QueueConfig, is_open, parse_queue, queue_of
from appliance.domain.inbound_model import InboundCall, InboundOutcome, InboundPolicy, InboundState
from appliance.domain.inbound_prompts import position_prompt, wait_prompt
from appliance.errors import ValidationErrors
from appliance.types import AgentState

pytestmark = pytest.mark.unit

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)  # Monday, 11:00 in Shanghai
POLICY = InboundPolicy(language="en")


class Caller:
    """A caller with what came out of each step; time goes by hand."""

    def __init__(self, caller: str = "+8613800138000", policy: InboundPolicy = POLICY) -> None:
        self.call = InboundCall("c1", "t1", caller, "+861088886666", at=NOW)
        self.now = NOW
        self.seq = 0
        self.policy = policy
        self.said: list[Any] = []

    def own(self, event: Any) -> Caller:
        self.call, commands = inbound_call.step(self.call, event, self.now)
        self.said += commands
        return self

    def hears(self, kind: type, **fields: Any) -> Caller:
        self.seq += 1
        return self.own(
            kind(conversation_id="c1", attempt_id="c1", seq=self.seq, at_unix_s=self.now.timestamp(), **fields)
        )

    def after(self, seconds: float) -> Caller:
        self.now += timedelta(seconds=seconds)
        return self

    def offered(self) -> Caller:
        return self.hears(ev.InboundOffered, trunk_id="t1", caller=self.call.caller, called=self.call.called)

    def waiting(self) -> Caller:
        self.offered().own(model.Admitted("q1", self.policy))
        return self.hears(ev.LegAnswered, role="trunk")

    def expires(self) -> Caller:
        assert self.call.deadline is not None
        self.now = self.call.deadline
        return self.own(model.Expired())

    def gone(self) -> Caller:
        self.hears(ev.LegEnded, role="trunk", sip_status=200)
        return self.hears(ev.ConversationEnded)

    def of(self, kind: type) -> list[Any]:
        return [one for one in self.said if isinstance(one, kind)]

    @property
    def outcome(self) -> InboundOutcome:
        return self.of(model.Ended)[0].outcome


def test_the_whole_way_to_an_agent() -> None:
    one = Caller().waiting()
    assert one.call.state is InboundState.WAITING
    assert [type(c) for c in one.said] == [
        model.Decide, AnswerInbound, Hold, model.FindAgent, model.Announce,
    ]  # fmt: skip
    one.after(30).own(model.AgentFound("a1", "s1"))
    assert one.of(ConnectSeat)[0].seat_id == "s1"
    one.hears(ev.Bridged, seat_id="s1", agent_id="a1").after(60)
    assert one.call.state is InboundState.TALKING
    one.gone()
    assert one.of(model.ConversationOver) == [model.ConversationOver("a1")]
    assert one.outcome is InboundOutcome.CONNECTED
    assert one.call.wait_s == 30


def test_notice_before_the_queue() -> None:
    one = Caller(policy=replace(POLICY, notice=True)).waiting()
    assert one.of(PlayPrompt)[0].prompt_id == "en-notice"
    assert not one.of(model.FindAgent)
    one.hears(ev.PromptEnded, prompt_id="en-notice", role="trunk")
    assert one.call.state is InboundState.WAITING
    assert not Caller(policy=replace(POLICY, notice=True, record=False)).waiting().of(PlayPrompt)


def test_closed_hours() -> None:
    one = Caller().offered().own(model.TurnedAway("q1", POLICY)).hears(ev.LegAnswered, role="trunk")
    assert one.of(PlayPrompt) == [PlayPrompt(conversation_id="c1", prompt_id="en-closed", hangup_after=True)]
    assert one.gone().outcome is InboundOutcome.CLOSED


def test_hangs_up_in_the_queue_or_before() -> None:
    assert Caller().waiting().after(9).gone().outcome is InboundOutcome.ABANDONED_IN_QUEUE
    assert Caller().offered().own(model.Admitted("q1", POLICY)).gone().outcome is InboundOutcome.MISSED
    hung_up = Caller().waiting().own(model.AgentFound("a1", "s1")).gone()
    assert hung_up.of(model.AgentFree) == [model.AgentFree("a1")]


def test_a_key_brings_a_call_back() -> None:
    one = Caller().waiting().hears(ev.DtmfReceived, role="trunk", digit="2")
    assert one.call.waits
    one.after(5).hears(ev.DtmfReceived, role="trunk", digit="1")
    assert one.of(model.CallBack)
    assert one.of(PlayPrompt)[-1].hangup_after
    one.hears(ev.DtmfReceived, role="trunk", digit="1")
    assert len(one.of(model.CallBack)) == 1
    assert one.gone().outcome is InboundOutcome.CALLBACK_ASKED
    withheld = Caller(caller="").waiting().hears(ev.DtmfReceived, role="trunk", digit="1")
    assert withheld.call.waits


def test_told_again_and_again_then_overflow() -> None:
    one = Caller(policy=replace(POLICY, max_wait_s=100, announce_every_s=40, overflow="message")).waiting()
    for words in (2, 3):
        one.expires()
        assert len(one.of(model.Announce)) == words
    one.expires()
    assert one.now == NOW + timedelta(seconds=100)
    assert one.of(PlayPrompt)[-1].prompt_id == "en-overflow"
    assert one.gone().outcome is InboundOutcome.OVERFLOWED


def test_overflow_to_another_queue_or_an_offer() -> None:
    one = Caller(policy=replace(POLICY, max_wait_s=30, overflow="queue")).waiting().expires()
    assert one.of(model.Overflowed)
    one.own(model.Moved("q2", replace(POLICY, max_wait_s=30, overflow="callback")))
    assert (one.call.queue_id, one.call.hops, one.call.waits) == ("q2", 1, True)
    one.expires()
    assert one.call.state is InboundState.OFFER
    assert one.call.waits  # an agent who becomes free may still have him
    assert one.expires().call.state is InboundState.CLOSING
    assert one.gone().outcome is InboundOutcome.OVERFLOWED


def test_a_seat_that_does_not_answer() -> None:
    one = Caller().waiting().own(model.AgentFound("a1", "s1"))
    one.hears(ev.SeatFailed, seat_id="s1", agent_id="a1", sip_status=480)
    assert one.of(model.AgentUnreachable) == [model.AgentUnreachable("a1", "s1")]
    assert one.call.waits
    assert one.call.agent_id is None
    one.own(model.AgentFound("a2", "s2")).own(model.SeatRefused("a2"))
    assert one.call.state is InboundState.WAITING
    assert not one.call.waits  # its word that he hung up comes first
    one.expires()
    assert one.call.waits


def test_the_worker_dies() -> None:
    one = Caller().waiting().own(model.WorkerGone())
    assert one.call.state is InboundState.ENDED
    assert one.outcome is InboundOutcome.ABANDONED_IN_QUEUE


_EVENTS = st.sampled_from(
    [
        (ev.InboundOffered, {"trunk_id": "t1", "caller": "", "called": ""}), (ev.LegAnswered, {"role": "trunk"}),
        (ev.LegAnswered, {"role": "seat"}), (ev.PromptEnded, {"prompt_id": "x", "role": "trunk"}),
        (ev.DtmfReceived, {"role": "trunk", "digit": "1"}), (ev.Bridged, {"seat_id": "s1", "agent_id": "a1"}),
        (ev.Bridged, {"seat_id": "s2", "agent_id": "a2"}),
        (ev.SeatFailed, {"seat_id": "s1", "agent_id": "a1", "sip_status": 480}),
        (ev.LegEnded, {"role": "trunk", "sip_status": 200}), (ev.LegEnded, {"role": "seat", "sip_status": 200}),
    ]
)  # fmt: skip
_OWN = st.sampled_from(
    [
        model.Admitted("q1", POLICY), model.Admitted("q1", replace(POLICY, overflow="queue", notice=True)),
        model.TurnedAway("q1", POLICY), model.Moved("q2", POLICY), model.AgentFound("a1", "s1"),
        model.AgentFound("a2", "s2"), model.SeatRefused("a1"), model.Expired(), model.HangUpAsked("x"),
    ]
)  # fmt: skip


@given(st.lists(st.one_of(_EVENTS, _OWN), max_size=25))
def test_any_order_ends_once_and_frees_every_agent(steps: list[Any]) -> None:
    one = Caller()
    bound: set[str] = set()
    for step in steps:
        before = len(one.said)
        if isinstance(step, tuple):
            one.hears(step[0], **step[1])
        else:
            one.own(step)
        for said in one.said[before:]:
            if isinstance(said, ConnectSeat | model.AgentConnected):
                bound.add(said.agent_id)
            elif isinstance(said, model.AgentFree | model.AgentUnreachable | model.ConversationOver):
                bound.discard(said.agent_id)
        if one.call.agent_id and one.call.state in (InboundState.CONNECTING, InboundState.TALKING):
            assert bound == {one.call.agent_id}
    before = len(one.said)
    one.hears(ev.ConversationEnded)
    for said in one.said[before:]:
        if isinstance(said, model.AgentFree | model.ConversationOver):
            bound.discard(said.agent_id)
    assert not bound
    assert len(one.of(model.Ended)) == 1
    assert one.call.state is InboundState.ENDED


@pytest.mark.parametrize("state", [s for s in InboundState if s is not InboundState.ENDED])
def test_no_state_is_a_dead_end(state: InboundState) -> None:
    """Time alone leads out of every state but a conversation, which both ends can leave."""
    call = InboundCall("c1", "t1", "+8613800138000", "+861088886666", at=NOW, policy=POLICY, state=state, deadline=NOW)
    after = [inbound_call.step(call, event, NOW)[1] for event in (model.Expired(), model.HangUpAsked("x"))]
    assert any(isinstance(c, Hangup | model.FindAgent) for commands in after for c in commands)


# ---- queues and agents ------------------------------------------------------------------------------------


def test_queue_of_a_number() -> None:
    queues = [("q1", QueueConfig(numbers=["+861088886666"])), ("q2", QueueConfig())]
    assert queue_of("+861088886666", queues) == "q1"
    assert queue_of("+861011112222", queues) == "q2"
    assert queue_of("+861011112222", queues[:1]) is None


def test_opening_hours_hold_in_the_box_s_zone() -> None:
    config = QueueConfig(hours={"mon": ["09:00-12:00"]})
    assert is_open(config, "Asia/Shanghai", NOW)
    assert not is_open(config, "Asia/Shanghai", NOW + timedelta(hours=1))
    assert not is_open(config, "UTC", NOW)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("numbers", ["88886666"]), ("hours", {"mon": ["12:00-09:00"]}), ("max_wait_s", 1), ("skills", {"x": 9}),
        ("nothing", 1),
    ],
)  # fmt: skip
def test_bad_queue(field: str, value: Any) -> None:
    with pytest.raises(ValidationErrors):
        parse_queue({field: value})


def _agent(name: str, idle_min: int, state: AgentState = AgentState.READY, **skills: int) -> Agent:
    return Agent(
        name, seat_id="s" + name, state=state, idle_since=NOW - timedelta(minutes=idle_min), skills=skills
    )


def test_last_agent_then_skill_then_longest_idle() -> None:
    agents = [_agent("a", 1, ru=5), _agent("b", 9, ru=2), _agent("c", 5, ru=5), _agent("d", 60)]
    everybody = lambda _agent: True  # noqa: E731

    def chosen(last: str | None, *, without: str = "") -> str:
        found = inbound.choose([a for a in agents if a.agent_id != without], {"ru": 2}, last, everybody)
        return found.agent_id if found else ""

    assert chosen("b") == "b"
    assert chosen(None) == "c"
    assert chosen(None, without="c") == "a"
    assert chosen("d") == "c"  # he spoke with him, but does not speak his language
    busy = [replace(a, state=AgentState.TALKING) for a in agents]
    assert inbound.choose(busy, {}, "b", everybody) is None
    assert inbound.serving(busy, {"ru": 2}, everybody) == 3


def test_waits_are_estimated_and_said() -> None:
    handling = inbound.Handling()
    for _ in range(30):
        handling.learn(60.0)
    assert 60 < handling.mean_s < 80
    assert inbound.estimated_wait_s(3, 0, 60.0) == inbound.estimated_wait_s(3, 1, 60.0) == 180.0
    assert wait_prompt("ru", 100) == "ru-wait-2"
    assert wait_prompt("en", 9999) == "en-wait-30"
    assert position_prompt("zh", 3) == "zh-position-3"
    assert position_prompt("zh", 11) == "zh-position-many"
    assert inbound.expected_callers([NOW - timedelta(seconds=s) for s in (1, 2, 3, 700)], NOW) == pytest.approx(0.1)
