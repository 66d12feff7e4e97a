"""A campaign without agents, the greeting, and calls that are bridged before the ear has judged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from appliance import events as ev
from appliance.commands import ConnectSeat, Hangup, Hold, PlayPrompt
from appliance.domain import after_call
from appliance.domain import call as calls
from appliance.domain.call_model import (
    AgentFound,
    AgentFree,
    Call,
    CallPolicy,
    CallState,
    ConversationOver,
    Expired,
    FindAgent,
    NobodyFree,
)
from appliance.domain.campaign import CampaignConfig, VoiceMessage
from appliance.domain.outcome import Verdict
from appliance.types import LeadState, Outcome

pytestmark = pytest.mark.unit

NOW = datetime(2026, 3, 5, 9, 0, tzinfo=UTC)
VOICE = VoiceMessage(agent_key="1", stop_key="9")


class Play:
    """One call, fed with events a second apart."""

    def __init__(self, policy: CallPolicy) -> None:
        self.call = calls.start(Call("c1", "k1", "l1", "+861", "t1", created_at=NOW, policy=policy))
        self.seq = 0

    def worker(self, what: type, **fields: Any) -> tuple[Any, ...]:
        self.seq += 1
        at_unix_s = NOW.timestamp() + self.seq
        return self.own(what(conversation_id="c1", attempt_id="c1", seq=self.seq, at_unix_s=at_unix_s, **fields))

    def own(self, event: Any) -> tuple[Any, ...]:
        self.call, commands = calls.step(self.call, event, NOW + timedelta(seconds=self.seq))
        return commands

    def answer(self) -> tuple[Any, ...]:
        return self.worker(ev.LegAnswered, role="trunk")

    def hear(self, label: str, *, final: bool = True, **evidence: Any) -> tuple[Any, ...]:
        return self.worker(ev.Heard, phase="answered", label=label, kind="speech", reason="", confidence=1.0,
                           decided_at_ms=1, final=final, evidence=evidence)  # fmt: skip


def test_a_message_without_keys_hangs_up_behind_it() -> None:
    play = Play(CallPolicy(voice=VoiceMessage()))
    play.answer()
    (prompt,) = play.hear("human")
    assert (prompt.prompt_id, prompt.hangup_after) == ("message", True)
    play.worker(ev.PromptEnded, prompt_id="message", role="trunk")
    assert play.call.message_done
    change = after_call.lead_change(
        CampaignConfig(), play.call, Verdict(Outcome.HUMAN), attempts_before=0, now=NOW
    )  # fmt: skip
    assert change.state is LeadState.DONE


def test_keys_bring_an_agent_or_end_all_calls() -> None:
    play = Play(CallPolicy(voice=VOICE))
    play.answer()
    (prompt,) = play.hear("unknown")  # a doubt is spoken to like a person
    assert not prompt.hangup_after
    assert play.worker(ev.DtmfReceived, role="trunk", digit="5") == ()
    assert play.worker(ev.DtmfReceived, role="trunk", digit="1") == (FindAgent(),)
    assert (play.call.state, play.call.within_s) == (CallState.HEARD, VOICE.hand_over_wait_s)
    assert play.own(NobodyFree()) == (Hold(conversation_id="c1", until_bridged=True),)
    (connect,) = play.own(AgentFound("a1", "s1"))
    assert isinstance(connect, ConnectSeat)

    stop = Play(CallPolicy(voice=VOICE))
    stop.answer()
    stop.hear("human")
    (thanks,) = stop.worker(ev.DtmfReceived, role="trunk", digit="9")
    assert (thanks.prompt_id, thanks.hangup_after, stop.call.stop_asked) == ("stopped", True, True)
    change = after_call.lead_change(CampaignConfig(), stop.call, Verdict(Outcome.HUMAN), attempts_before=0, now=NOW)
    assert change.state is LeadState.DO_NOT_CALL


def test_who_asked_for_an_agent_in_vain_is_told_and_called_back() -> None:
    play = Play(CallPolicy(voice=VOICE))
    play.answer()
    play.hear("human")
    play.worker(ev.DtmfReceived, role="trunk", digit="1")
    (told,) = play.own(Expired())
    assert told.prompt_id == "abandoned"
    change = after_call.lead_change(CampaignConfig(), play.call, Verdict(Outcome.HUMAN), attempts_before=0, now=NOW)
    assert (change.state, change.callback) == (LeadState.WAITING, True)
    assert change.next_attempt_at is not None


@pytest.mark.parametrize("on_machine", ["hang_up", "after_beep"])
def test_machines(on_machine: str) -> None:
    play = Play(CallPolicy(voice=VoiceMessage(on_machine=on_machine)))  # type: ignore[arg-type]
    play.answer()
    commands = play.hear("machine")
    if on_machine == "hang_up":
        assert isinstance(commands[0], Hangup)
        return
    assert (commands, play.call.state) == ((), CallState.BEEP)
    (prompt,) = play.hear("machine", final=False, beep_end_ms=5000)
    assert isinstance(prompt, PlayPrompt)
    assert prompt.hangup_after


def test_a_fax_gets_no_message() -> None:
    play = Play(CallPolicy(voice=VoiceMessage(on_machine="after_beep")))
    play.answer()
    assert isinstance(play.hear("fax")[0], Hangup)


def test_a_greeting_is_said_once_and_followed_by_music() -> None:
    play = Play(CallPolicy(greeting="hello", greeting_s=20.0))
    play.answer()
    assert play.hear("human", onset_ms=500) == (FindAgent(),)
    (greeting,) = play.own(NobodyFree())
    assert (greeting.prompt_id, greeting.hangup_after) == ("hello", False)
    assert play.own(NobodyFree()) == ()
    assert isinstance(play.worker(ev.PromptEnded, prompt_id="hello", role="trunk")[0], Hold)
    assert play.call.within_s is not None
    assert play.call.within_s > 20.0


@pytest.mark.parametrize("label", ["machine", "human"])
def test_bridged_at_the_answer_the_ear_only_takes_machines_off(label: str) -> None:
    play = Play(CallPolicy(clock="answer"))
    assert play.answer() == (FindAgent(),)
    assert play.call.clock_at == play.call.answered_at
    play.own(AgentFound("a1", "s1"))
    play.worker(ev.Bridged, seat_id="s1", agent_id="a1")
    commands = play.hear(label)
    if label == "human":
        assert (commands, play.call.state) == ((), CallState.TALKING)
        return
    assert [type(c) for c in commands] == [Hangup, ConversationOver]
    assert commands[1].taken_off
    assert calls.verdict_of(play.call).outcome is Outcome.MACHINE


def test_who_is_recorded_is_told_so_where_the_rules_want_it() -> None:
    play = Play(CallPolicy(notice="ru-notice"))
    play.answer()
    play.hear("human")
    play.own(AgentFound("a1", "s1"))
    said = play.worker(ev.Bridged, seat_id="s1", agent_id="a1")[-1]
    assert (said.prompt_id, said.hangup_after) == ("ru-notice", False)
    robot = Play(CallPolicy(notice="ru-notice", voice=VOICE))
    robot.answer()
    (prompt,) = robot.hear("human")
    assert (prompt.prompt_id, prompt.then) == ("ru-notice", ("message",))


def test_a_machine_is_taken_off_a_seat_that_still_rings() -> None:
    play = Play(CallPolicy(clock="answer"))
    play.answer()
    play.own(AgentFound("a1", "s1"))
    assert AgentFree("a1") in play.hear("machine")


def test_another_trunk_only_before_the_subscriber_answers() -> None:
    def closed(outcome: Outcome, **fields: Any) -> bool:
        call = Call("c1", "k1", "l1", "+861", "t1", created_at=NOW, originated_at=NOW, **fields)
        return after_call.may_fail_over(call, Verdict(outcome))

    assert closed(Outcome.TRUNK_FAILED)
    assert closed(Outcome.CONGESTION)
    for outcome in (Outcome.BUSY, Outcome.REJECTED, Outcome.NO_ANSWER, Outcome.VACANT, Outcome.HUMAN):
        assert not closed(outcome)
    assert not closed(Outcome.TRUNK_FAILED, answered_at=NOW)
    assert not closed(Outcome.TRUNK_FAILED, progressed=True)
    assert not closed(Outcome.TRUNK_FAILED, failed_trunks=("t2", "t3"))
