"""Third parties, hand-over, mute, pauses of the recording, and a phone that lost its call, on a simulated stack."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from appliance.commands import ConnectSeat, HandOver, Hangup, Hold, Mute, PauseRecording, Supervise
from appliance.errors import CallerError
from appliance.events import (
    Bridged,
    Controls,
    ConversationEnded,
    DtmfReceived,
    HandedOver,
    LegEnded,
    RecordingClosed,
    SeatFailed,
)
from appliance.telephony.port import LegDead, LegDigit
from appliance.telephony.recording import read_spool
from appliance.types import LegRole, SuperviseMode
from tests.unit.telephony.call_rig import AGENT, ID, VOICE, Call

pytestmark = pytest.mark.unit
RELOAD = 'BYE sip:x SIP/2.0\r\nReason: X-Callbox;text="reload"\r\n\r\n'


@pytest.fixture
def call(tmp_path: Path) -> Iterator[Call]:
    one = Call(tmp_path)
    one.dial().answer().bridge()
    yield one
    if not one.conversation.ended:
        one.conversation.end("test over")
        one.run(0.3)


def consult(call: Call, *, answers: bool = True, **fields: str) -> Call:
    wanted = fields or {"seat_id": "seat2", "agent_id": "agent2"}
    call.conversation.post(ConnectSeat(conversation_id=ID, role=LegRole.TRANSFER, answer_timeout_s=20.0, **wanted))
    call.run()
    if answers:
        call.port.far_answers("transfer")
        call.run()
    return call


def hand_over(call: Call, **fields: str) -> Call:
    call.conversation.post(HandOver(conversation_id=ID, **fields))
    return call.run(0.3)


def controls(call: Call) -> Controls:
    found: Controls = call.of(Controls)[-1]
    return found


def test_the_customer_hears_music_while_two_consult(call: Call) -> None:
    consult(call)
    assert ("seat", "transfer") in call.port.routes
    assert ("transfer", "seat") in call.port.routes
    assert [source for source, sink in call.port.routes if sink == "trunk"] == ["music"]
    assert (controls(call).third, controls(call).third_agent_id, controls(call).third_name) == (
        "talking", "agent2", "seat2",
    )  # fmt: skip
    assert len(call.of(Bridged)) == 1, "a third party is not the customer's agent yet"


def test_attended_hand_over_makes_the_third_party_the_seat(call: Call) -> None:
    hand_over(consult(call))
    over = call.of(HandedOver)[0]
    assert (over.joined, over.agent_id, over.seat_id) == (True, "agent2", "seat2")
    assert {("trunk", "seat"), ("seat", "trunk")} <= call.port.routes
    assert "music" not in call.port.playing
    assert set(call.port.dials) == {"trunk", "seat"}
    left = call.of(LegEnded)[0]
    assert (left.role, left.reason) == ("seat", "passed_on")
    assert controls(call).third == ""
    consult(call, seat_id="seat3", agent_id="agent3")
    hand_over(call)
    assert call.of(HandedOver)[1].agent_id == "agent3", "it can be passed on again"
    call.port.far_ends("seat", 200)
    call.run(0.3)
    assert call.of(ConversationEnded)


def test_conference_of_three_and_who_leaves(call: Call) -> None:
    consult(call, number="+861012345678", trunk_id="t2")
    assert call.port.dials["transfer"].headers == (("X-Callbox-Trunk", "t2"),)
    call.conversation.post(Hold(conversation_id=ID, resume=True))
    call.run()
    wanted = {(a, b) for a in ("trunk", "seat", "transfer") for b in ("trunk", "seat", "transfer") if a != b}
    assert wanted <= call.port.routes
    call.conversation.post(Hangup(conversation_id=ID, role=LegRole.TRANSFER))
    call.run(0.3)
    assert {("trunk", "seat"), ("seat", "trunk")} <= call.port.routes
    assert not call.conversation.ended


def test_a_third_party_that_does_not_answer_leaves_agent_and_customer_as_they_were(call: Call) -> None:
    consult(call, answers=False)
    assert controls(call).third == "ringing"
    call.port.far_ends("transfer", 486)
    call.run()
    assert controls(call).third == ""
    assert controls(call).held
    assert call.of(SeatFailed) == []
    assert not call.conversation.ended


def test_blind_hand_over_says_where_to_and_plays_music(call: Call) -> None:
    hand_over(call, agent_id="agent2", seat_id="seat2")
    over = call.of(HandedOver)[0]
    assert (over.joined, over.agent_id, over.seat_id) == (False, "agent2", "seat2")
    assert ("music", "trunk") in call.port.routes
    assert not call.conversation.ended
    call.conversation.post(ConnectSeat(conversation_id=ID, seat_id="seat2", agent_id="agent2"))
    call.run()
    call.port.far_answers("seat")
    call.run()
    assert {("trunk", "seat"), ("seat", "trunk")} <= call.port.routes
    assert [bridged.agent_id for bridged in call.of(Bridged)] == ["agent1", "agent2"]


def test_blind_while_the_third_party_still_rings(call: Call) -> None:
    hand_over(consult(call, answers=False), queue_id="q1")
    assert call.of(HandedOver)[0].queue_id == "q1"
    assert set(call.port.dials) == {"trunk"}


def test_who_listens_takes_the_customer_over(call: Call) -> None:
    call.conversation.post(Supervise(conversation_id=ID, seat_id="boss", mode=SuperviseMode.LISTEN))
    call.run()
    call.port.far_answers("supervisor")
    call.run()
    hand_over(call, seat_id="boss", agent_id="chief")
    over = call.of(HandedOver)[0]
    assert (over.joined, over.agent_id, over.seat_id) == (True, "chief", "boss")
    assert {("trunk", "seat"), ("seat", "trunk")} <= call.port.routes
    assert set(call.port.dials) == {"trunk", "seat"}
    assert not any("supervisor" in route for route in call.port.routes)
    call.port.far_ends("seat", 200)
    call.run(0.3)
    assert call.of(ConversationEnded)


def test_who_takes_over_while_his_phone_still_rings_is_called_anew(call: Call) -> None:
    call.conversation.post(Supervise(conversation_id=ID, seat_id="boss", mode=SuperviseMode.LISTEN))
    call.run()
    hand_over(call, seat_id="boss")
    over = call.of(HandedOver)[0]
    assert (over.joined, over.seat_id) == (False, "boss")
    assert set(call.port.dials) == {"trunk"}
    assert ("music", "trunk") in call.port.routes


def test_hand_over_needs_an_agent_who_talks(call: Call) -> None:
    hand_over(call, queue_id="q1")
    with pytest.raises(CallerError, match="No agent talks"):
        call.conversation.post(HandOver(conversation_id=ID))


def test_muted_seat_is_heard_by_nobody_and_not_recorded(call: Call) -> None:
    call.conversation.post(Mute(conversation_id=ID))
    call.run()
    assert {sink for source, sink in call.port.routes if source == "seat"} == set()
    assert ("trunk", "seat") in call.port.routes
    assert controls(call).muted
    call.conversation.post(Mute(conversation_id=ID, on=False))
    call.run()
    assert ("seat", "trunk") in call.port.routes
    assert not controls(call).muted


def test_card_data_is_left_out_and_the_gap_is_marked(call: Call) -> None:
    call.run(1.0)
    call.conversation.post(PauseRecording(conversation_id=ID))
    call.run(1.0)
    call.port.happen(LegDigit("trunk", "4", 100))
    call.run(1.0)
    call.conversation.post(PauseRecording(conversation_id=ID, resume=True))
    call.run(1.0)
    call.port.happen(LegDigit("trunk", "5", 100))
    call.port.far_ends("trunk", 200)
    call.run(0.3)
    closed = call.of(RecordingClosed)[0]
    [[begin_s, end_s]] = closed.gaps
    assert end_s - begin_s == pytest.approx(2.0, abs=0.15)
    samples = read_spool(Path(closed.spool_path))
    voice, agent = np.frombuffer(VOICE, "<i2")[0], np.frombuffer(AGENT, "<i2")[0]
    inside = samples[int((begin_s + 0.25) * 8000) : int((end_s - 0.05) * 8000)]
    assert not inside.any(), "silence, on both sides"
    edge = samples[int(begin_s * 8000) : int((begin_s + 0.15) * 8000)]
    assert 900 < np.abs(edge).max() < 2000, "a soft tone says so"
    before, after = samples[int((begin_s - 0.1) * 8000)], samples[int((end_s + 0.4) * 8000)]
    assert tuple(before) == tuple(after) == (voice, agent)
    assert [digit.digit for digit in call.of(DtmfReceived)] == ["5"], "digits of the pause are told nobody"
    assert [c.recording_paused for c in call.of(Controls)] == [True, False]


def test_a_call_that_ends_in_a_pause_has_its_gap(call: Call) -> None:
    call.run(1.0)
    call.conversation.post(PauseRecording(conversation_id=ID))
    call.run(1.0)
    call.port.far_ends("trunk", 200)
    call.run(0.3)
    [[begin_s, end_s]] = call.of(RecordingClosed)[0].gaps
    assert end_s - begin_s == pytest.approx(1.0, abs=0.15)


def test_pausing_what_is_not_recorded_is_refused(tmp_path: Path) -> None:
    from appliance.commands import RecordPolicy

    one = Call(tmp_path).dial(record=RecordPolicy(enabled=False)).answer().bridge()
    with pytest.raises(CallerError, match="not being recorded"):
        one.conversation.post(PauseRecording(conversation_id=ID))


def test_a_page_that_is_loaded_anew_finds_its_call_again(call: Call) -> None:
    call.port.far_ends("seat", 200, RELOAD)
    call.run()
    assert ("music", "trunk") in call.port.routes
    assert call.of(LegEnded)[0].reason == "reload"
    call.conversation.post(ConnectSeat(conversation_id=ID, seat_id="seat1", agent_id="agent1", again=True))
    call.run()
    call.port.far_answers("seat")
    call.run(30.0)
    assert {("trunk", "seat"), ("seat", "trunk")} <= call.port.routes
    assert not call.conversation.ended


def test_a_phone_whose_call_died_unheard_is_called_in_its_place(call: Call) -> None:
    call.port.confirms_hang_up = False
    call.conversation.post(ConnectSeat(conversation_id=ID, seat_id="seat1", agent_id="agent1", again=True))
    call.run(4.0)
    assert call.of(LegEnded)[0].reason == "again"
    assert "seat" in call.port.dials
    call.port.far_answers("seat")
    call.run(0.3)
    assert len(call.of(Bridged)) == 2
    call.port.confirms_hang_up = True


@pytest.mark.parametrize("how", ["reload", "media_lost"])
def test_a_seat_that_does_not_come_back_ends_the_call(call: Call, how: str) -> None:
    if how == "reload":
        call.port.far_ends("seat", 200, RELOAD)
    else:
        call.port.happen(LegDead("seat"))
    call.run(20.0)
    assert not call.conversation.ended
    call.run(10.0)
    assert call.of(ConversationEnded)[0].reason == "seat_lost"


def test_a_hang_up_is_no_reload(call: Call) -> None:
    call.port.far_ends("seat", 200)
    call.run(0.5)
    assert call.of(ConversationEnded)
