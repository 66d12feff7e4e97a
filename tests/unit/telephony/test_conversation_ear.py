"""What the ear's words do to a call, and which sound is kept as their evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from appliance.commands import (
    Hangup,
    ListenPolicy,
    RecordPolicy,
)
from appliance.events import (
    Heard,
    LegProgress,
    RecordingClosed,
    RecordingStarted,
    StorageState,
)
from appliance.telephony import capture
from appliance.telephony.recording import read_sidecar, read_spool
from audio import Kind as HeardKind
from audio import Label, Verdict, synth
from tests.unit.telephony.call_rig import ID, Call

pytestmark = pytest.mark.unit


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
