"""Person or machine on voice-like bursts: the rhythm decides, so the bursts need no words."""

import numpy as np
import pytest

from audio import Label, synth
from tests.unit.audio.hearing import hear, noisy

pytestmark = pytest.mark.unit


def _talk(*parts: float, seed: int, level_dbov: float = -22.0) -> np.ndarray:
    """Pauses and bursts in turn, in seconds."""
    out = []
    for index, length_s in enumerate(parts):
        out.append(
            synth.silence(length_s)
            if index % 2 == 0
            else synth.voice_like(length_s, level_dbov, seed=seed + index, pitch_hz=110 + 9 * seed)
        )
    return np.concatenate(out)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("noise_dbov", [-60.0, -42.0])
def test_a_single_hello_reaches_an_agent_by_the_deadline_and_is_a_person(seed, noise_dbov) -> None:
    verdicts, last = hear(noisy(_talk(0.9, 0.5, 8.0, seed=seed), noise_dbov), phase="answered")
    final = next(v for v in verdicts if v.final)
    assert final.label in (Label.HUMAN, Label.UNKNOWN)  # a buzz is not quite a voice
    assert final.decided_at_ms <= 4000
    assert last.label is Label.HUMAN


@pytest.mark.parametrize("seed", range(5))
def test_a_long_greeting_is_not_a_person(seed) -> None:
    talk = _talk(0.4, 1.9, 0.2, 2.1, 0.25, 2.4, 1.0, seed=seed)
    _, last = hear(noisy(talk, -55.0), phase="answered")
    assert last.label is not Label.HUMAN


def test_nobody_speaks() -> None:
    _, last = hear(synth.noise(6.0, -60.0, seed=1), phase="answered")
    assert last.label is Label.SILENCE
