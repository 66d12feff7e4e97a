"""Any call played through the worker's logic on a simulated telephone stack and a clock moved by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from appliance.commands import (
    AnswerInbound,
    ConnectSeat,
    Hangup,
    Hold,
    PlayPrompt,
    RecordPolicy,
    SendDtmf,
    Supervise,
)
from appliance.errors import CallerError
from appliance.events import (
    Bridged,
    ConversationEnded,
    DtmfReceived,
    InboundOffered,
    LegAnswered,
    LegEnded,
    PromptEnded,
    RecordingClosed,
    RecordingStarted,
    SeatFailed,
)
from appliance.telephony.port import LegDead, LegDigit, LegOffered, SoundEnded
from appliance.telephony.recording import read_spool
from appliance.types import LegRole, SuperviseMode
from tests.unit.telephony.call_rig import ID, VOICE, Call

pytestmark = pytest.mark.unit


def test_the_whole_way_of_a_call(call: Call) -> None:
    call.dial().port.far_rings("trunk")
    call.run().answer().bridge().run(2.0)
    call.port.far_ends("trunk", 200, received=100, lost=2)
    call.run(0.3)
    assert call.names() == [
        "LegProgress", "LegAnswered", "RecordingStarted", "LegAnswered", "Bridged", "LegEnded", "LegEnded",
        "RecordingClosed", "ConversationEnded",
    ]  # fmt: skip
    assert [event.seq for event in call.events] == list(range(1, len(call.events) + 1))
    dial = call.port.dials.get("trunk")
    assert dial is None
    end = call.of(ConversationEnded)[0]
    assert (end.rtp_received, end.rtp_lost, end.lost_frames, end.lost) == (100, 2, 0, False)
    assert call.conversation.ended


def test_what_is_sent_to_trunk_and_seat(call: Call) -> None:
    call.dial()
    trunk = call.port.dials["trunk"]
    assert (trunk.account, trunk.uri, trunk.from_uri) == (
        "trunk", "sip:+8613800138000@callbox", "sip:+861010@callbox",
    )  # fmt: skip
    assert ("X-Callbox-Trunk", "t1") in trunk.headers
    call.answer()
    call.conversation.post(ConnectSeat(conversation_id=ID, seat_id="seat1", agent_id="agent1"))
    call.run()
    seat = call.port.dials["seat"]
    assert (seat.account, seat.uri) == ("seat", "sip:seat1@callbox")
    assert {name for name, _ in seat.headers} == {"X-Callbox-Leg", "Call-Info", "Alert-Info"}


def test_left_is_the_customer_right_is_the_agent(call: Call) -> None:
    call.dial().answer().run(1.0).bridge().run(1.0)
    call.port.far_ends("seat", 200)
    call.run(0.3)
    closed = call.of(RecordingClosed)[0]
    samples = read_spool(Path(closed.spool_path))
    assert samples.shape[0] == closed.frames
    assert set(samples[:, 0]) <= {0, 500}
    assert set(samples[:, 1]) == {0, -700}
    begin = int(np.flatnonzero(samples[:, 1])[0])
    assert 8000 < begin < 8000 * 1.5
    assert call.of(LegEnded)[-1].reason == "seat_hung_up"


def test_refused_by_the_exchange(call: Call) -> None:
    call.dial().port.far_ends("trunk", 503, "SIP/2.0 503 x\r\nReason: Q.850;cause=34\r\nRetry-After: 7\r\n\r\n")
    call.run()
    end = call.of(LegEnded)[0]
    assert (end.sip_status, end.q850, end.retry_after_s, end.by_us, end.answered) == (503, 34, 7, False, False)
    assert call.names() == ["LegEnded", "ConversationEnded"]


def test_a_cause_that_came_with_the_announcement_is_kept_when_we_hang_up(call: Call) -> None:
    progress = "SIP/2.0 183 x\r\nReason: Q.850;cause=1\r\n\r\n"
    call.dial().port.far_rings("trunk", 183, early_media=True, message=progress)
    call.run()
    call.conversation.end("heard_vacant")
    call.run(0.5)
    end = call.of(LegEnded)[0]
    assert (end.q850, end.by_us, end.reason) == (1, True, "heard_vacant")


def test_nobody_answers_in_time(call: Call) -> None:
    call.dial(ring_timeout_s=10.0).port.far_rings("trunk")
    call.run(9.5)
    assert not call.port.hung_up
    call.run(1.0)
    end = call.of(LegEnded)[0]
    assert (end.sip_status, end.by_us, end.reason) == (487, True, "ring_timeout")
    assert call.conversation.ended


def test_a_far_end_that_never_confirms_the_hang_up_is_given_up(call: Call) -> None:
    call.port.confirms_hang_up = False
    call.dial(ring_timeout_s=5.0).run(7.5)
    assert not call.events
    call.run(1.0)
    assert call.of(LegEnded)[0].sip_status == 487
    assert call.conversation.ended


def test_a_dial_that_fails_at_once_ends_with_its_events(call: Call) -> None:
    call.port.refuse.add("dial")
    call.dial()
    assert call.names() == ["LegEnded", "ConversationEnded"]
    assert call.of(LegEnded)[0].reason == "telephony.dial_failed"


def test_an_answer_without_session_is_told_apart(call: Call) -> None:
    call.dial().port.far_ends("trunk", 406)
    call.run()
    assert call.of(LegEnded)[0].reason == "answer_without_sdp"


def test_a_real_406_keeps_its_name(call: Call) -> None:
    call.dial().port.far_ends("trunk", 406, 'SIP/2.0 406 No\r\nReason: X;text="codec"\r\n\r\n')
    call.run()
    assert call.of(LegEnded)[0].reason == "codec"


def test_a_seat_that_does_not_answer_then_another(call: Call) -> None:
    call.dial().answer()
    call.conversation.post(ConnectSeat(conversation_id=ID, seat_id="s1", agent_id="a1", answer_timeout_s=2.0))
    call.run(2.5)
    failed = call.of(SeatFailed)[0]
    assert (failed.seat_id, failed.agent_id, failed.reason) == ("s1", "a1", "timeout")
    call.bridge()
    assert call.of(Bridged)[0].seat_id == "seat1"
    assert not call.conversation.ended


def test_commands_out_of_time_are_refused(call: Call) -> None:
    call.dial()
    connect = ConnectSeat(conversation_id=ID, seat_id="s1", agent_id="a1")
    with pytest.raises(CallerError, match="not answered"):
        call.conversation.post(connect)
    call.answer()
    call.conversation.post(connect)
    with pytest.raises(CallerError, match="Another seat"):
        call.conversation.post(connect)
    with pytest.raises(CallerError, match="no prompt"):
        call.conversation.post(PlayPrompt(conversation_id=ID, prompt_id="../etc"))
    call.port.far_ends("trunk", 200)
    call.run(0.5)
    with pytest.raises(CallerError, match="has ended"):
        call.conversation.post(Hangup(conversation_id=ID))


def test_hold_and_resume(call: Call) -> None:
    call.dial().answer().bridge()
    call.conversation.post(Hold(conversation_id=ID))
    call.run()
    assert ("music", "trunk") in call.port.routes
    assert ("trunk", "seat") not in call.port.routes
    assert call.port.looping == {"music"}
    call.conversation.post(Hold(conversation_id=ID, resume=True))
    call.run()
    assert {("trunk", "seat"), ("seat", "trunk")} <= call.port.routes
    assert "music" not in call.port.playing


def test_a_supervisor_comes_changes_and_goes(call: Call) -> None:
    call.dial().answer().bridge()
    call.conversation.post(Supervise(conversation_id=ID, seat_id="boss", mode=SuperviseMode.LISTEN))
    call.run().port.far_answers("supervisor")
    call.run()
    assert ("trunk", "supervisor") in call.port.routes
    call.conversation.post(Supervise(conversation_id=ID, seat_id="boss", mode=SuperviseMode.BARGE))
    call.run()
    assert ("supervisor", "trunk") in call.port.routes
    call.conversation.post(Supervise(conversation_id=ID, seat_id="boss", mode=None))
    call.run(0.3)
    assert not any("supervisor" in route for route in call.port.routes)
    assert not call.conversation.ended


def test_a_prompt_then_good_bye(call: Call) -> None:
    call.dial().answer()
    call.conversation.post(PlayPrompt(conversation_id=ID, prompt_id="abandoned", hangup_after=True))
    call.run(0.3)
    assert ("prompt", "trunk") in call.port.routes
    call.port.happen(SoundEnded("prompt"))
    call.run(0.5)
    assert call.of(PromptEnded)[0].prompt_id == "abandoned"
    assert call.of(LegEnded)[0].reason == "after_abandoned"
    assert call.conversation.ended


def test_digits_both_ways(call: Call) -> None:
    call.dial().answer()
    call.port.happen(LegDigit("trunk", "5", 100))
    call.conversation.post(SendDtmf(conversation_id=ID, digits="12#"))
    call.run()
    assert [(d.role, d.digit) for d in call.of(DtmfReceived)] == [("trunk", "5")]
    assert call.port.digits == [("trunk", "12#")]
    call.port.refuse.add("send_dtmf")
    call.conversation.post(SendDtmf(conversation_id=ID, digits="1"))
    call.run()
    assert not call.conversation.ended


def test_the_agent_hangs_up(call: Call) -> None:
    call.dial().answer().bridge()
    call.conversation.post(Hangup(conversation_id=ID, role=LegRole.SEAT, reason="agent"))
    call.run(0.5)
    assert {leg.role for leg in call.of(LegEnded)} == {"seat", "trunk"}
    assert call.conversation.ended


def test_a_far_end_that_went_without_a_word(call: Call) -> None:
    call.dial().answer().bridge()
    call.port.happen(LegDead("trunk"))
    call.run(0.5)
    assert {leg.reason for leg in call.of(LegEnded)} == {"media_lost"}
    assert call.conversation.ended


def test_nobody_attends(call: Call) -> None:
    call.dial().answer().run(61.0)
    assert call.of(LegEnded)[0].reason == "unattended"


def test_a_caller_hears_that_we_are_closed(call: Call) -> None:
    call.port.far_offers("offer-1", "INVITE sip:1@box SIP/2.0\r\nX-Callbox-Leg: seat\r\nX-Callbox-Seat: seat4\r\n\r\n")
    offered = [event for event in call.port.take_events() if isinstance(event, LegOffered)]
    call.conversation.accept(offered[0])
    call.run(0.3)
    answered = call.of(LegAnswered)[0]
    assert (answered.role, answered.seat_id) == ("seat", "seat4")
    assert call.port.playing["prompt"].stem == "closed"
    call.port.happen(SoundEnded("prompt"))
    call.run(0.5)
    assert call.conversation.ended


def _offer(call: Call) -> None:
    call.port.far_offers(
        "offer-1", "INVITE sip:+861088886666@127.0.2.1 SIP/2.0\r\nX-Callbox-Leg: trunk\r\nX-Callbox-Trunk: t1\r\n"
        "X-Callbox-Calling: +8613800138000\r\n\r\n",
    )  # fmt: skip
    offered = [event for event in call.port.take_events() if isinstance(event, LegOffered)]
    call.conversation.accept(offered[0])
    call.run()


def _answer(call: Call) -> None:
    call.port.speak("trunk", VOICE)
    call.conversation.post(AnswerInbound(conversation_id=ID, record=RecordPolicy()))
    call.run(0.3)


def test_a_caller_from_the_trunk_rings_until_it_is_decided(call: Call) -> None:
    _offer(call)
    offered = call.of(InboundOffered)[0]
    assert (offered.seq, offered.trunk_id, offered.caller, offered.called) == (
        1, "t1", "+8613800138000", "+861088886666",
    )  # fmt: skip
    call.run(2.0)
    assert not call.of(LegAnswered)
    _answer(call)
    _answer(call)  # said again: nothing happens
    assert [event.role for event in call.of(LegAnswered)] == ["trunk"]
    assert call.of(RecordingStarted)
    call.bridge()
    assert "prompt" not in call.port.playing
    assert {("trunk", "seat"), ("seat", "trunk")} <= call.port.routes
    assert call.of(Bridged)


def test_a_caller_may_be_refused(call: Call) -> None:
    _offer(call)
    call.conversation.post(Hangup(conversation_id=ID, reason="refused", sip_status=480))
    call.run(0.5)
    assert call.port.hung_up == [("trunk", 480)]
    assert not call.of(LegAnswered)
    assert call.conversation.ended


def test_a_caller_about_whom_nobody_decides_is_let_go(call: Call) -> None:
    _offer(call)
    call.run(21.0)
    assert call.port.hung_up == [("trunk", 480)]
    assert call.of(LegEnded)[0].reason == "undecided"
    assert call.conversation.ended


def test_the_music_of_a_queue_ends_when_a_seat_answers(call: Call) -> None:
    _offer(call)
    _answer(call)
    waits = Hold(conversation_id=ID, until_bridged=True)
    call.conversation.post(waits)
    call.run()
    assert ("music", "trunk") in call.port.routes
    for _ in range(3):  # somebody attends to him
        call.run(50.0)
        call.conversation.post(waits)
    call.conversation.post(PlayPrompt(conversation_id=ID, prompt_id="closed", then=("abandoned",)))
    call.run()
    assert ("prompt", "trunk") in call.port.routes
    assert ("music", "trunk") not in call.port.routes
    call.port.happen(SoundEnded("prompt"))
    call.run()
    assert call.port.playing["prompt"].stem == "abandoned"
    assert not call.of(PromptEnded)
    call.port.happen(SoundEnded("prompt"))
    call.run()
    assert [event.prompt_id for event in call.of(PromptEnded)] == ["closed"]
    assert ("music", "trunk") in call.port.routes
    call.bridge()
    assert "music" not in call.port.playing
    assert {("trunk", "seat"), ("seat", "trunk")} <= call.port.routes
    call.conversation.post(waits)  # came too late
    call.run()
    assert ("music", "trunk") not in call.port.routes
