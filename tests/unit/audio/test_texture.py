"""Music, speech, hiss and hum in early media."""

import numpy as np
import pytest

from audio import Label, synth
from audio.analysis import CHUNK, LineAnalysis
from tests.unit.audio.hearing import hear, noisy

pytestmark = pytest.mark.unit


def _speech(length_s: float) -> np.ndarray:
    pieces = []
    for seed in range(int(length_s / 0.6)):
        pieces += [synth.voice_like(0.45, seed=700 + seed, pitch_hz=100 + 13 * (seed % 7)), synth.silence(0.15)]
    return np.concatenate(pieces)


def _song(length_s: float) -> np.ndarray:
    notes = (440.0, 523.3, 659.3, 587.3, 493.9, 392.0)
    held = [synth.tone([hz, 1.5 * hz, 2 * hz], 0.5, -24.0) for hz in notes]
    return np.tile(np.concatenate(held), int(length_s / 3.0) + 1)[: int(length_s * 8000)]


def test_a_song_is_music_and_words_are_an_announcement() -> None:
    _, song = hear(noisy(_song(9.0), -50.0))
    assert song.label is Label.MUSIC
    _, words = hear(noisy(np.concatenate([synth.silence(0.5), _speech(8.0)]), -50.0))
    assert words.label is Label.ANNOUNCEMENT_UNKNOWN


@pytest.mark.parametrize("kind", ["digital", "hiss", "faint hiss", "hum", "clicks"])
def test_kinds_of_silence_by_six_seconds(kind) -> None:
    times = np.arange(8 * 8000) / 8000
    clicks = synth.noise(8.0, -62.0, seed=4)
    for at in (9000, 21000, 40000):
        clicks[at : at + 60] += synth.noise(1.0, -24.0, seed=5)[:60]
    heard = {
        "digital": synth.silence(8.0),
        "hiss": synth.noise(8.0, -46.0, seed=1),
        "faint hiss": synth.noise(8.0, -64.0, seed=2),
        "hum": 0.004 * (np.sin(2 * np.pi * 50 * times) + 0.5 * np.sin(2 * np.pi * 150 * times)),
        "clicks": clicks,
    }[kind]
    verdicts, last = hear(heard)
    assert last.label is Label.SILENCE
    assert verdicts[0].label is Label.SILENCE
    assert verdicts[0].decided_at_ms <= 6000


def test_a_melody_keeps_the_texture_and_a_ring_clears_it() -> None:
    for sound, kept in ((_song(4.0), True), (synth.tone([450.0], 4.0, -16.0), False)):
        line = LineAnalysis(early=True)
        samples = synth.to_int16(sound)
        for start in range(0, samples.size - CHUNK + 1, CHUNK):
            line.push(samples[start : start + CHUNK])
        assert (line.texture.length_s > 2.0) is kept
        assert line.texture.vector().shape == (76,)
