"""A file's hearing: which word counts, the scorer's rows, and the same words for any way of feeding it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from audio import Kind, Label, Verdict, synth
from audio.hearing import Hearing, hear, hear_blocks
from audio.wavio import write
from tests.unit.audio.hearing import hear as hear_live
from tests.unit.audio.hearing import noisy

pytestmark = pytest.mark.unit


def _said(label: Label, at_ms: int, reason: str, *, final: bool = False, **evidence: float | str) -> Verdict:
    return Verdict(label, Kind.SPEECH, reason, 0.9, at_ms, evidence, final)


def test_a_late_word_after_doubt_is_the_clips() -> None:
    doubt = _said(Label.UNKNOWN, 4000, "deadline", final=True)
    late = _said(Label.MACHINE, 6100, "late_talks_on")
    beep = _said(Label.MACHINE, 7000, "beep", beep_end_ms=6900)
    leans = _said(Label.HUMAN, 2500, "leans")
    heard = Hearing("a.wav", [_said(Label.UNKNOWN, 700, "speech_onset"), leans, doubt, late, beep], doubt)
    assert heard.word is late
    assert list(heard.score_rows()) == [
        ["a.wav", "human", "2.500", "7.000", ""],
        ["a.wav", "machine", "6.100", "7.000", ""],
    ]
    shown = heard.as_dict()
    assert (shown["label"], shown["decided_at_ms"], shown["beep_ms"]) == ("machine", 6100, 6900)
    assert [event["t_ms"] for event in shown["events"]] == [700, 2500, 4000, 6100, 7000]


def test_a_late_word_that_comes_with_the_end_of_the_audio_counts() -> None:
    machine = _said(Label.MACHINE, 3100, "talks_on", final=True)
    menu = _said(Label.IVR, 14000, "late_offers_choices", final=True)
    assert Hearing("a.wav", [machine], menu).steps == [machine, menu]
    told = _said(Label.IVR, 6000, "late_offers_choices")
    assert Hearing("a.wav", [machine, told], menu).steps == [machine, told]
    assert Hearing("a.wav", [machine], machine).steps == [machine]


def test_without_a_final_word_the_last_one_counts() -> None:
    rings = _said(Label.RINGBACK, 1500, "cadence_match")
    last = _said(Label.RINGBACK, 9000, "cadence_match", final=True)
    assert Hearing("a.wav", [rings], last).word is last
    assert [row[2] for row in Hearing("a.wav", [rings], last).score_rows()] == ["1.500", "9.000"]


def test_after_the_final_word_only_a_late_one_changes_it() -> None:
    final = _said(Label.VACANT, 1500, "library_match", final=True, ann_id="v1")
    more = _said(Label.MUSIC, 3000, "music_in_early_media")
    heard = Hearing("a.wav", [final, more], final)
    assert heard.word is final
    assert heard.announcement_id == "v1"


def _same(heard, live) -> None:
    """The same words; many hops at once and one by one are summed up differently, as the processor has it."""
    assert [replace(one, confidence=0.0) for one in heard] == [replace(one, confidence=0.0) for one in live]
    assert [one.confidence for one in heard] == pytest.approx([one.confidence for one in live], abs=1e-5)


@pytest.mark.parametrize("phase", ["early", "answered"])
def test_files_are_heard_as_calls_are(tmp_path, phase) -> None:
    talk = [synth.silence(0.7), synth.voice_like(0.8, seed=3), synth.silence(0.2), synth.voice_like(2.5, seed=4)]
    sound = synth.to_int16(
        noisy(np.concatenate([*talk, synth.silence(0.3), synth.beep(1000.0, 0.4), synth.silence(0.45)]), -55.0)
    )
    write(tmp_path / "x.wav", sound)
    live, last = hear_live(sound, phase=phase)
    heard = hear(tmp_path / "x.wav", name="x", phase=phase, country="CN")
    assert live
    _same(heard.verdicts[: len(live)], live)
    _same([heard.last], [last])
    assert heard.beep_end_ms == pytest.approx(4900, abs=30) if phase == "answered" else True
    assert hear_blocks(np.array_split(sound, 7), name="x", phase=phase, country="CN") == heard
