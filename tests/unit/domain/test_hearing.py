"""What the ear says late or in doubt: which calls it changes, which a person should listen to, when a trunk drifts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from appliance import events as ev
from appliance.commands import Hangup
from appliance.domain import call as calls
from appliance.domain import drift, hearing, retry
from appliance.domain.call_model import Call, CallPolicy, CallState, LateWord
from appliance.domain.campaign import CampaignConfig
from appliance.domain.drift import Measure, Mix
from appliance.domain.hearing import Doubt, Phase
from appliance.domain.outcome import TrunkEnd, Verdict
from appliance.types import Disposition, LeadState, Outcome

pytestmark = pytest.mark.unit

NOW = datetime(2026, 3, 5, 9, 0, tzinfo=UTC)
DOUBT = Verdict(Outcome.UNKNOWN, "speech", "deadline", 0.0, {}, 4000)


def _call(state: CallState, heard: Verdict = DOUBT) -> Call:
    agent = "agent1" if state in (CallState.CONNECTING, CallState.TALKING) else None
    return Call(
        "a1", "c1", "l1", "+8613800000000", "t1", NOW, state=state, answered_at=NOW, verdict_at=NOW, heard=heard,
        agent_id=agent, seat_id="s1" if agent else None, bridged_at=NOW if state is CallState.TALKING else None,
    )  # fmt: skip


def _late(label: str, seq: int = 1, **fields: object) -> ev.Heard:
    values = {"phase": "answered", "kind": "speech", "reason": "late_talks_on", "confidence": 0.97, "final": False}
    return ev.Heard(
        conversation_id="a1", attempt_id="a1", seq=seq, at_unix_s=NOW.timestamp(), label=label, decided_at_ms=6100,
        **{**values, **fields},  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.parametrize("state", [CallState.CONNECTING, CallState.TALKING])
@pytest.mark.parametrize("label", ["machine", "screening", "human"])
def test_the_agent_is_told_and_nothing_else_changes(state: CallState, label: str) -> None:
    before = _call(state)
    after, commands = calls.step(before, _late(label), NOW)
    assert commands == (LateWord("agent1"),)
    assert after.late is not None
    assert (after.late.outcome, after.late.decided_at_ms) == (label, 6100)
    assert replace(after, late=None, last_seq=0, originated_at=None) == before
    closer, commands = calls.step(after, _late("ivr", seq=2), NOW)
    assert (closer.late and closer.late.outcome, commands) == ("ivr", (LateWord("agent1"),)), "which machine it is"


def test_a_call_that_an_agent_took_keeps_its_outcome() -> None:
    talking, _ = calls.step(_call(CallState.TALKING), _late("machine"), NOW)
    assert calls.verdict_of(talking).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("label", sorted(hearing.TAKEN_OFF))
def test_what_nobody_has_taken_yet_is_let_go(label: Outcome) -> None:
    after, commands = calls.step(_call(CallState.HEARD), _late(label.value), NOW)
    assert after.state is CallState.CLOSING
    assert [type(command) for command in commands] == [Hangup]
    assert calls.verdict_of(after).outcome is label


def test_a_person_after_all_goes_on_waiting() -> None:
    after, commands = calls.step(_call(CallState.HEARD), _late("human"), NOW)
    assert (after.state, commands) == (CallState.HEARD, ())


PERSON = Verdict(Outcome.HUMAN, "speech", "short_greeting", 0.95)


def test_a_beep_after_a_sure_word_is_told_and_costs_nobody_the_line() -> None:
    after, commands = calls.step(_call(CallState.TALKING, PERSON), _late("machine"), NOW)
    assert (after.late and after.late.outcome, commands) == ("machine", (LateWord("agent1"),))
    waits, commands = calls.step(_call(CallState.HEARD, PERSON), _late("machine"), NOW)
    assert (waits.state, commands) == (CallState.HEARD, ())
    assert calls.verdict_of(waits).outcome is Outcome.HUMAN


def test_which_machine_it_is_may_be_told_after_the_line_is_let_go() -> None:
    machine = Verdict(Outcome.MACHINE, "speech", "talks_on", 0.95)
    after, _ = calls.step(_call(CallState.CLOSING, machine), _late("screening"), NOW)
    assert calls.verdict_of(after).outcome is Outcome.SCREENING


def test_a_final_word_the_engine_did_not_wait_for_is_a_late_one() -> None:
    waits, _ = calls.step(replace(_call(CallState.ANSWERED), heard=None), calls.Expired(), NOW)
    assert waits.state is CallState.HEARD
    after, commands = calls.step(waits, _late("machine", reason="talks_on", final=True), NOW)
    assert (after.state, [type(command) for command in commands]) == (CallState.CLOSING, [Hangup])


def test_who_dialled_himself_is_told_what_the_ear_says() -> None:
    policy = CallPolicy(owner_agent_id="agent1", owner_seat_id="s1")
    own = replace(_call(CallState.TALKING), heard=None, policy=policy)
    after, commands = calls.step(own, _late("machine", reason="talks_on", final=True), NOW)
    assert (after.state, commands) == (CallState.TALKING, (LateWord("agent1"),))


def test_abandoned_stays_abandoned() -> None:
    closing = replace(_call(CallState.CLOSING), abandoned=True)
    after, _ = calls.step(closing, _late("machine"), NOW)
    assert calls.verdict_of(after).outcome is Outcome.UNKNOWN


def test_the_end_of_a_beep_is_kept() -> None:
    beep = _late("machine", reason="beep", evidence={"beep_end_ms": 5200})
    after, _ = calls.step(_call(CallState.TALKING), beep, NOW)
    assert (after.beep_end_ms, after.late) == (5200, None)


def test_an_agent_who_found_a_machine_has_the_number_dialled_again() -> None:
    config = CampaignConfig(retry_s={Outcome.MACHINE: 3600}, attempts_total_max=3)
    change = retry.after_disposition(config, Disposition.MACHINE, callback_at=None, attempts=1, now=NOW)
    assert change is not None
    assert change.state is LeadState.WAITING


def test_which_machine_it_is_is_no_doubt() -> None:
    machine, screening = Verdict(Outcome.MACHINE, confidence=0.9), Verdict(Outcome.SCREENING, confidence=0.9)
    assert hearing.doubt(Phase.LATE, screening, before=machine) is Doubt.NONE
    assert hearing.doubt(Phase.LATE, screening, before=PERSON) is Doubt.LATE


# ---- doubts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("phase", "verdict", "end", "expected"), [
    (Phase.ANSWERED, Verdict(Outcome.HUMAN, confidence=0.97), None, Doubt.NONE),
    (Phase.ANSWERED, Verdict(Outcome.MACHINE, confidence=0.7), None, Doubt.UNSURE),
    (Phase.ANSWERED, DOUBT, None, Doubt.UNKNOWN),
    (Phase.LATE, Verdict(Outcome.MACHINE, confidence=0.99), None, Doubt.LATE),
    (Phase.EARLY, Verdict(Outcome.ANNOUNCEMENT_UNKNOWN, confidence=0.99), None, Doubt.ANNOUNCEMENT),
    (Phase.EARLY, Verdict(Outcome.VACANT, confidence=0.99), TrunkEnd(486, 17), Doubt.DISAGREES),
    (Phase.EARLY, Verdict(Outcome.VACANT, confidence=0.99), TrunkEnd(404, 1), Doubt.NONE),
    (Phase.EARLY, Verdict(Outcome.POWERED_OFF, confidence=0.99), TrunkEnd(480, 20), Doubt.NONE),
    (Phase.EARLY, Verdict(Outcome.VACANT, confidence=0.99), TrunkEnd(487, by_us=True), Doubt.NONE),
    (Phase.EARLY, Verdict(Outcome.RINGBACK, confidence=0.99), TrunkEnd(486, 17), Doubt.NONE),
])  # fmt: skip
def test_what_deserves_a_second_look(
    phase: Phase, verdict: Verdict, end: TrunkEnd | None, expected: Doubt
) -> None:
    assert hearing.doubt(phase, verdict, end) is expected


# ---- drift ------------------------------------------------------------------------------------------------

BASE = Mix({"ringback": 800, "busy": 150, "announcement_unknown": 30, "unknown": 20}, {"human": 600, "machine": 200})


def _standing(now: Mix, before: frozenset[Measure] = frozenset(), base: Mix = BASE) -> set[Measure]:
    return {m for m in Measure if drift.stands(drift.compare(m, now, base), before=m in before)}


def test_the_same_mix_is_no_drift() -> None:
    now = Mix({"ringback": 80, "busy": 15, "announcement_unknown": 3, "unknown": 2}, {"human": 60, "machine": 22})
    assert _standing(now) == set()


@pytest.mark.parametrize(("early", "answered", "expected"), [
    ({"ringback": 40, "busy": 8, "announcement_unknown": 40, "unknown": 2}, {}, {Measure.ANNOUNCEMENTS, Measure.TONES}),
    ({"ringback": 10, "busy": 5, "unknown": 60}, {}, {Measure.UNKNOWN, Measure.TONES}),
    ({}, {"human": 10, "machine": 90}, {Measure.MACHINES}),
    ({}, {"human": 200, "machine": 4}, {Measure.MACHINES}),
])  # fmt: skip
def test_drifts_are_seen(early: dict[str, int], answered: dict[str, int], expected: set[Measure]) -> None:
    assert _standing(Mix(early, answered)) == expected


def test_few_calls_prove_nothing_and_take_nothing_back() -> None:
    few = Mix({"announcement_unknown": drift.LEAST_NOW - 1})
    assert _standing(few) == set()
    assert _standing(few, frozenset({Measure.ANNOUNCEMENTS})) == {Measure.ANNOUNCEMENTS}


def test_between_the_thresholds_what_stood_stands() -> None:
    between = Mix({"ringback": 168, "busy": 30, "announcement_unknown": 22, "unknown": 5})
    assert _standing(between) == set()
    assert Measure.ANNOUNCEMENTS in _standing(between, frozenset({Measure.ANNOUNCEMENTS}))
    assert _standing(Mix(BASE.early), frozenset({Measure.ANNOUNCEMENTS})) == set()


@pytest.mark.parametrize(("counts", "expected"), [
    ((10, 100, 10, 100), 1.0), ((0, 50, 0, 50), 1.0), ((20, 100, 10, 100), 0.0459), ((0, 0, 5, 10), 1.0),
])  # fmt: skip
def test_chance_of_a_difference(counts: tuple[int, int, int, int], expected: float) -> None:
    assert drift.chance(*counts) == pytest.approx(expected, abs=0.001)


@pytest.mark.parametrize(("meaning", "outcome"), [("powered_off", "powered_off"), ("", "sit_info"), ("?", "sit_info")])
def test_words_after_an_information_tone_are_the_outcome_where_they_are_known(meaning: str, outcome: str) -> None:
    ringing = replace(_call(CallState.HEARD), state=CallState.EARLY, answered_at=None, verdict_at=None, heard=None)
    word = _late("sit_info", phase="early", kind="sit", reason="three_tones", final=True,
                 evidence={"meaning": meaning} if meaning else {})  # fmt: skip
    after, _ = calls.step(ringing, word, NOW)
    assert after.early is not None
    assert after.early.outcome == outcome
