"""Audio that nobody should judge by: the ear says `unknown`, or what is still certain, and never fails."""

from __future__ import annotations

import numpy as np
import pytest

from audio import Kind, Label, Listener, g711, synth
from audio.condition import LineCondition
from audio.hearing import hear_blocks
from audio.verdict import Verdict
from tests.unit.audio.hearing import noisy

pytestmark = pytest.mark.unit

_RATE = 8000


def _talk(seconds: float) -> np.ndarray:
    parts = [synth.silence(0.5)]
    while sum(part.size for part in parts) < seconds * _RATE:
        parts += [synth.voice_like(0.9, seed=len(parts)), synth.silence(0.15)]
    return synth.to_int16(noisy(np.concatenate(parts), -60.0))


def _with_losses(samples: np.ndarray, share: float) -> np.ndarray:
    lost = np.random.default_rng(5).random(samples.size // 160) < share
    out = samples[: lost.size * 160].copy().reshape(-1, 160)
    out[lost] = 0
    return out.reshape(-1)


def _with_repeats(samples: np.ndarray, share: float, fade: float) -> np.ndarray:
    """Lost packets filled with the last good one, fading, as simple concealment does; then through G.711."""
    lost = np.random.default_rng(6).random(samples.size // 160) < share
    out = samples[: lost.size * 160].astype(float).reshape(-1, 160)
    for number in range(1, lost.size):
        if lost[number]:
            out[number] = fade * out[number - 1]
    return g711.decode_alaw(g711.encode_alaw(out.reshape(-1).astype(np.int16)))


def _word(samples: np.ndarray, phase: str) -> Verdict:
    return hear_blocks([samples], name="x", phase=phase, country="CN").word


@pytest.mark.parametrize("phase", ["early", "answered"])
def test_torn_speech_is_not_judged(phase) -> None:
    word = _word(_with_losses(_talk(8), 0.6), phase)
    assert word.label is Label.UNKNOWN
    assert word.confidence == 0.0


@pytest.mark.parametrize("phase", ["early", "answered"])
@pytest.mark.parametrize("fade", [1.0, 0.7])
def test_speech_in_repeated_packets_is_not_judged(fade, phase) -> None:
    word = _word(_with_repeats(_talk(8), 0.6, fade), phase)
    assert (word.label, word.reason) == (Label.UNKNOWN, "torn_audio")


def test_a_few_repeats_a_loud_hum_and_a_song_are_no_reason_to_doubt() -> None:
    times = np.arange(8 * _RATE) / _RATE
    hum = noisy(0.1 * np.sin(2 * np.pi * 50 * times) + 0.05 * np.sin(2 * np.pi * 150 * times), -60.0)
    notes = [synth.tone([hz, 1.5 * hz, 2 * hz], 0.4, -20.0) for hz in (400.0, 500.0, 450.0, 350.0) * 5]
    talk = _with_repeats(_talk(8), 0.05, 0.7)
    for samples in (talk, synth.to_int16(hum), synth.to_int16(noisy(np.concatenate(notes), -60.0))):
        assert _word(samples, "early").reason != "torn_audio"


def test_a_few_losses_are_no_reason_to_doubt() -> None:
    condition = LineCondition()
    samples = _with_losses(_talk(8), 0.05)
    hops = samples[: samples.size // 800 * 800].reshape(-1, 10, 80) / 32768
    levels = (10 * np.log10(np.mean(hops**2, axis=2) + 1e-10)).astype(np.float32)
    for number, level in enumerate(levels):
        condition.push(*condition.measure(samples[number * 800 : number * 800 + 800], level, level, 0 * level))
        assert not condition.torn


@pytest.mark.parametrize("phase", ["early", "answered"])
@pytest.mark.parametrize(
    "samples",
    [
        np.full(10 * _RATE, 32767),
        np.where(np.arange(10 * _RATE) % 2, 32767, -32768),
        np.where(np.arange(10 * _RATE) % 80 < 40, 32767, -32768),
        np.random.default_rng(3).normal(0, 8000, 10 * _RATE),
    ],
    ids=["constant", "alternating", "square", "noise"],
)
def test_loud_rubbish_is_not_silence(samples, phase) -> None:
    assert _word(np.clip(samples, -32768, 32767).astype(np.int16), phase).label is Label.UNKNOWN


@pytest.mark.parametrize("phase", ["early", "answered"])
@pytest.mark.parametrize("size", [1, 79, 400, 4000])
def test_a_moment_says_nothing(size, phase) -> None:
    assert _word(np.zeros(size, np.int16), phase).label is Label.UNKNOWN


@pytest.mark.parametrize("level_dbov", [-75.0, -60.0, -48.0])
def test_comfort_noise_is_silence(level_dbov) -> None:
    samples = synth.to_int16(synth.noise(10, level_dbov, seed=2))
    assert _word(samples, "answered").label is Label.SILENCE
    assert _word(samples, "early").label is Label.SILENCE


@pytest.mark.parametrize("phase", ["early", "answered"])
def test_an_offset_brings_no_other_word(phase) -> None:
    samples = _talk(8) // 2
    offset = _word((samples + 8000).astype(np.int16), phase)
    assert offset.label in (_word(samples, phase).label, Label.UNKNOWN)


def test_tones_are_heard_through_clipping_and_offset() -> None:
    clear = synth.call_progress("cn", Label.BUSY, 8)
    for samples in (np.clip(clear * 5, -32768, 32767), clear * 0.5 + 8000):
        word = _word(synth.to_int16(samples), "early")
        assert (word.label, word.kind) == (Label.BUSY, Kind.TONE)


def test_what_was_said_stands_when_the_line_gets_worse() -> None:
    listener = Listener(country="CN", phase="answered")
    hello = synth.to_int16(
        noisy(np.concatenate([synth.silence(0.6), synth.voice_like(0.6, seed=1), synth.silence(3.5)]), -60.0)
    )
    told = [verdict for verdict in listener.push(hello) if verdict.final]
    listener.push(_with_losses(_talk(6), 0.6))
    assert len(told) == 1
    assert listener.finish().label is told[0].label


def test_a_named_announcement_stands_on_a_torn_line() -> None:
    condition = LineCondition()
    for _ in range(40):
        level = np.tile([-20.0, -100.0], 5).astype(np.float32)
        condition.push(*condition.measure(np.zeros(800, np.int16), level, level, 0 * level))
    assert condition.torn
    named = Verdict(Label.VACANT, Kind.ANNOUNCEMENT, "library_match", 0.9, 2000, {"ann_id": "a"}, final=True)
    heard = Verdict(Label.ANNOUNCEMENT_UNKNOWN, Kind.ANNOUNCEMENT, "speech_in_early_media", 0.9, 2000, final=True)
    assert condition.temper(named) == named
    doubted = condition.temper(heard)
    assert (doubted.label, doubted.reason, doubted.final) == (Label.UNKNOWN, "torn_audio", True)
    assert doubted.evidence["instead_of"] == "announcement_unknown"
