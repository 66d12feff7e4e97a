"""Any call played through the worker's logic on a simulated telephone stack and a clock moved by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from appliance.clock import ManualClock
from appliance.commands import (
    AnswerInbound,
    ConnectSeat,
    Hangup,
    Hold,
    ListenPolicy,
    Originate,
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
    Heard,
    InboundOffered,
    LegAnswered,
    LegEnded,
    LegProgress,
    PromptEnded,
    RecordingClosed,
    RecordingStarted,
    SeatFailed,
    StorageState,
)
from appliance.telephony import capture
from appliance.telephony.conversation import Conversation, Surroundings
from appliance.telephony.port import LegDead, LegDigit, LegOffered, SoundEnded
from appliance.telephony.recording import read_sidecar, read_spool
from appliance.telephony.simulated_port import SimulatedPort
from appliance.telephony.storage import Storage
from appliance.types import LegRole, SuperviseMode
from audio import Kind as HeardKind
from audio import Label, Verdict, synth, wavio

pytestmark = pytest.mark.unit

ID = "conv1"
VOICE = np.full(160, 500, "<i2").tobytes()
AGENT = np.full(160, -700, "<i2").tobytes()


class Call:
    """One conversation with what it said."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(datetime(2026, 1, 5, tzinfo=UTC))
        self.port = SimulatedPort(self.clock)
        self.events: list[Any] = []
        self.storage = Storage(monotonic=self.clock.monotonic_s)
        for name in ("music", "closed", "abandoned"):
            wavio.write(folder / f"{name}.wav", synth.to_int16(synth.beep(440.0, 0.1)))
        self.conversation = Conversation(
            conversation_id=ID, attempt_id=ID, campaign_id="camp", port=self.port, clock=self.clock,
            publish=self.events.append, figures=lambda: {"cpu_s": 0.1, "rss_mb": 1.0},
            around=Surroundings(
                realm="callbox", prompts=folder, spool=folder, sync_interval_s=1.0, unattended_s=60.0,
                storage=self.storage,
            ),
        )  # fmt: skip

    def dial(self, **fields: Any) -> Call:
        values: dict[str, Any] = {
            "attempt_id": ID, "conversation_id": ID, "number": "+8613800138000", "trunk_id": "t1",
            "caller_id": "+861010", "issued_at_unix_s": 0.0, "ring_timeout_s": 30.0, **fields,
        }  # fmt: skip
        self.conversation.originate(Originate(**values))
        return self

    def run(self, seconds: float = 0.1) -> Call:
        for _ in range(max(1, round(seconds / 0.1))):
            self.port.poll(100)
            self.conversation.step()
        return self

    def answer(self) -> Call:
        self.port.speak("trunk", VOICE)
        self.port.far_answers("trunk")
        return self.run()

    def bridge(self) -> Call:
        self.conversation.post(ConnectSeat(conversation_id=ID, seat_id="seat1", agent_id="agent1"))
        self.run()
        self.port.speak("seat", AGENT)
        self.port.far_answers("seat")
        return self.run()

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def names(self) -> list[str]:
        return [type(event).__name__ for event in self.events if not isinstance(event, Heard)]


@pytest.fixture
def call(tmp_path: Path) -> Iterator[Call]:
    one = Call(tmp_path)
    yield one
    if not one.conversation.ended and one.port.dials:
        one.conversation.end("test over")
        one.run(0.3)


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


def test_early_media_is_heard_and_the_answer_starts_anew(call: Call) -> None:
    call.dial(listen=ListenPolicy(country="CN")).port.far_rings("trunk", 183, early_media=True)
    tone = synth.to_int16(synth.call_progress("cn", Label.RINGBACK, 5.0))
    for start in range(0, tone.size, 160):
        call.port.speak("trunk", tone[start : start + 160].astype("<i2").tobytes())
        call.port.poll(20)
        call.conversation.step()
    assert call.of(LegProgress)[-1].early_media
    assert any(heard.phase == "early" and heard.label == "ringback" for heard in call.of(Heard))
    assert "left" in call.port.taps
    call.answer().run(0.5)
    assert call.of(RecordingStarted)


def test_without_ear_and_recording_there_is_no_tap(call: Call) -> None:
    call.dial(listen=ListenPolicy(enabled=False), record=RecordPolicy(enabled=False)).answer().run(1.0)
    assert not call.port.taps
    assert not call.of(RecordingStarted)


def test_a_broken_ear_gives_the_doubt_to_an_agent(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        phase = "answered"
        heard_audio = True

        def __init__(self, **_: object) -> None: ...

        def answer(self) -> None: ...

        def push(self, _frames: list[bytes]) -> list[object]:
            raise ValueError("shapes")

    monkeypatch.setattr(capture, "Ear", Broken)
    call.dial().answer().run(1.0)
    heard = call.of(Heard)
    assert [(h.label, h.reason, h.final) for h in heard] == [("unknown", "ear_failed", True)]
    assert not call.conversation.ended


class ScriptedEar:
    """An ear that says what a test wants, by milliseconds of its phase."""

    script: ClassVar[dict[str, list[tuple[int, Verdict]]]] = {}
    last: ClassVar[Verdict] = Verdict(Label.SILENCE, HeardKind.SILENCE, "nothing_heard", 0.9, 0, final=True)

    def __init__(self, *, answered: bool, **_: object) -> None:
        self.phase, self.heard_ms, self.step_ms = "answered" if answered else "early", 0, 100
        self.heard_audio = False

    def push(self, frames: list[bytes]) -> list[Verdict]:
        before, self.heard_ms, self.heard_audio = self.heard_ms, self.heard_ms + 20 * len(frames), True
        return [verdict for at, verdict in self.script.get(self.phase, []) if before < at <= self.heard_ms]

    def answer(self) -> None:
        self.phase, self.heard_ms = "answered", 0

    def finish(self) -> Verdict:
        return self.last


def _word(label: Label, ms: int, reason: str = "", *, final: bool = True, sure: float = 0.99) -> tuple[int, Verdict]:
    return ms, Verdict(label, HeardKind.SPEECH, reason, sure, ms, final=final)


@pytest.fixture
def ear(monkeypatch: pytest.MonkeyPatch) -> type[ScriptedEar]:
    class Own(ScriptedEar):
        script: ClassVar[dict[str, list[tuple[int, Verdict]]]] = {}

    monkeypatch.setattr(capture, "Ear", Own)
    return Own


@pytest.mark.parametrize("first", [Label.UNKNOWN, Label.MACHINE, Label.HUMAN])
def test_words_after_the_final_one_are_told(call: Call, ear: type[ScriptedEar], first: Label) -> None:
    ear.script["answered"] = [
        _word(first, 4000), _word(Label.MACHINE, 6000, "late_talks_on", final=False),
        _word(Label.IVR, 7000, "late_menu", final=False),
    ]  # fmt: skip
    call.dial(record=RecordPolicy(enabled=False)).answer().run(9.0)
    assert [(h.label, h.final) for h in call.of(Heard)] == [(first, True), ("machine", False), ("ivr", False)]
    assert "left" not in call.port.taps, "nobody listens any more"


def test_the_ear_stops_listening_in_the_end(call: Call, ear: type[ScriptedEar]) -> None:
    ear.script["answered"] = [_word(Label.UNKNOWN, 4000), _word(Label.HUMAN, 9000, "late_x", final=False)]
    call.dial(record=RecordPolicy(enabled=False)).answer().run(11.0)
    assert [h.label for h in call.of(Heard)] == ["unknown"]
    assert "left" not in call.port.taps


def _early(call: Call, seconds: float) -> None:
    """Early media in which every 20 ms can be told from every other."""
    call.port.far_rings("trunk", 183, early_media=True)
    for number in range(round(seconds / 0.02)):
        call.port.speak("trunk", np.full(160, number + 1, "<i2").tobytes())
        call.port.poll(20)
        call.conversation.step()


def test_the_last_seconds_of_an_unanswered_call_are_kept(call: Call, ear: type[ScriptedEar]) -> None:
    ear.script["early"] = [_word(Label.VACANT, 11000)]
    _early(call.dial(), 14.0)
    call.conversation.post(Hangup(conversation_id=ID, reason="heard_vacant"))
    call.run(0.5)
    (started,), (closed,) = call.of(RecordingStarted), call.of(RecordingClosed)
    sidecar = read_sidecar(Path(started.spool_path))
    assert sidecar is not None
    samples = read_spool(Path(closed.spool_path))
    assert sidecar.kind == "evidence"
    assert closed.frames == samples.shape[0] == 10 * 8000
    assert set(samples[:, 1]) == {0}
    assert sidecar.begins_ms == pytest.approx(4000, abs=300)
    assert samples[0, 0] == pytest.approx(sidecar.begins_ms / 20 + 1, abs=1), "the place of the verdict can be found"
    assert call.names()[-2:] == ["LegEnded", "ConversationEnded"]


@pytest.mark.parametrize(("word", "kept"), [
    (_word(Label.RINGBACK, 2000), False), (_word(Label.RINGBACK, 2000, sure=0.6), True),
    (_word(Label.MUSIC, 2000), False), (_word(Label.ANNOUNCEMENT_UNKNOWN, 2000), True),
    (_word(Label.UNKNOWN, 2000, sure=0.0), True), (_word(Label.BUSY, 2000), True),
])  # fmt: skip
def test_which_early_media_are_evidence(
    call: Call, ear: type[ScriptedEar], word: tuple[int, Verdict], kept: bool
) -> None:
    ear.script["early"] = [word]
    _early(call.dial(), 3.0)
    call.port.far_ends("trunk", 486)
    call.run(0.3)
    assert bool(call.of(RecordingClosed)) is kept


def test_no_evidence_of_answered_calls_or_against_the_policy(call: Call, ear: type[ScriptedEar]) -> None:
    ear.script["early"] = [_word(Label.VACANT, 1000)]
    _early(call.dial(record=RecordPolicy(enabled=False)), 2.0)
    call.port.far_ends("trunk", 404)
    call.run(0.3)
    assert not call.of(RecordingStarted)


@pytest.mark.parametrize(
    ("state", "kept"),
    [
        ({"degraded": True, "rebuilding": True}, False), ({"degraded": False, "rebuilding": False, "low": True}, False),
        ({"degraded": False, "rebuilding": False}, True),
    ],
)  # fmt: skip
def test_evidence_gives_way_to_calls_when_the_disk_is_in_trouble(
    call: Call, ear: type[ScriptedEar], state: dict[str, Any], kept: bool
) -> None:
    ear.script["early"] = [_word(Label.VACANT, 1000)]
    call.storage.heard(StorageState(at_unix_s=0.0, **state))
    _early(call.dial(), 2.0)
    call.port.far_ends("trunk", 404)
    call.run(0.3)
    assert bool(call.of(RecordingStarted)) is kept


def test_a_call_is_recorded_on_a_degraded_mirror(call: Call) -> None:
    call.storage.heard(StorageState(at_unix_s=0.0, degraded=True, rebuilding=True, low=True))
    call.dial().answer().bridge().run(1.0)
    call.port.far_ends("trunk", 200)
    call.run(0.3)
    (closed,) = call.of(RecordingClosed)
    assert closed.frames > 8000
    assert not closed.error_id


def test_an_answer_throws_the_early_media_away(call: Call, ear: type[ScriptedEar]) -> None:
    ear.script["early"] = [_word(Label.VACANT, 1000)]
    _early(call.dial(), 2.0)
    call.answer().run(1.0)
    call.port.far_ends("trunk", 200)
    call.run(0.3)
    (started,) = call.of(RecordingStarted)
    sidecar = read_sidecar(Path(started.spool_path))
    assert sidecar is not None
    assert sidecar.kind == "conversation"


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
