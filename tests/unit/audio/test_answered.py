"""The answered phase's numbers and its later words."""

import numpy as np
import pytest

from audio import Label, synth
from audio.analysis import CHUNK, LineAnalysis
from audio.answered import LIMIT_HOPS, WIDTH, AnsweredInputs, onset_hop, since_s, waiting
from audio.foreground import Foreground
from tests.unit.audio.hearing import hear, noisy

pytestmark = pytest.mark.unit

_HELLO = np.concatenate([synth.silence(0.9), synth.voice_like(0.5, -22.0, seed=1, pitch_hz=110), synth.silence(4.6)])


def _vectors(samples: np.ndarray) -> list[np.ndarray]:
    line, inputs = LineAnalysis(early=False), AnsweredInputs()
    out = []
    for at in range(0, samples.size - CHUNK + 1, CHUNK):
        for step in line.push(samples[at : at + CHUNK]):
            (spoken,) = inputs.push(step.features, [step.tonal_hops])
            if onset_hop(spoken, step.speech) is not None:
                out.append(inputs.vector(spoken, step.speech))
    return out


def test_the_numbers_tell_when_and_how_long() -> None:
    last = _vectors(synth.to_int16(noisy(_HELLO, -60.0)))[-1]
    assert last.shape == (WIDTH,)
    assert np.isfinite(last).all()
    assert last[0] == pytest.approx(6.0)
    assert float(since_s(last)) == pytest.approx(5.1, abs=0.1)
    pause_s, talk_s = waiting(last)
    assert pause_s == pytest.approx(4.0, abs=0.6)  # the view says four seconds at most
    assert talk_s == pytest.approx(0.5, abs=0.25)


def test_an_hour_needs_no_more_memory_than_a_greeting() -> None:
    talk = synth.to_int16(noisy(synth.voice_like(2.0, seed=1), -55.0))
    vectors = _vectors(np.tile(talk, 10))
    assert np.isfinite(vectors[-1]).all()
    assert vectors[-1][15] <= LIMIT_HOPS / 100


def test_foreground_is_the_voice_not_the_noise() -> None:
    samples = synth.to_int16(noisy(_HELLO, -45.0))
    line, foreground = LineAnalysis(early=False), Foreground()
    likely = np.concatenate(
        [
            foreground.push(step.features)
            for at in range(0, samples.size - CHUNK + 1, CHUNK)
            for step in line.push(samples[at : at + CHUNK])
        ]
    )
    assert likely.min() >= 0
    assert likely[100:140].mean() > 3 * likely[250:].mean()


def test_a_beep_after_a_person_was_said_is_one_later_word() -> None:
    greeting = np.concatenate(
        [_HELLO, synth.beep(1000, 0.4), synth.silence(1.5), synth.beep(1000, 0.4), synth.silence(1)]
    )
    verdicts, last = hear(noisy(greeting, -55.0), phase="answered")
    assert [v.label for v in verdicts if v.final] == [Label.HUMAN]
    late = [v for v in verdicts if v.reason.startswith("late_")]
    assert [(v.label, v.final) for v in late] == [(Label.MACHINE, False)]
    assert abs(late[0].evidence["beep_end_ms"] - 6400) <= 60
    assert last.label is Label.MACHINE
    assert any(v.reason == "beep" for v in verdicts)


def test_doubt_is_resolved_at_most_once() -> None:
    murmur = np.concatenate([synth.voice_like(0.35, seed=s, level_dbov=-30) for s in range(40)])
    verdicts, _ = hear(noisy(murmur, -33.0), phase="answered")
    finals = [v for v in verdicts if v.final]
    assert len(finals) == 1
    late = [v for v in verdicts if v.reason.startswith("late_")]
    assert len(late) <= 1
    assert all(finals[0].decided_at_ms < v.decided_at_ms <= 12000 for v in late)
