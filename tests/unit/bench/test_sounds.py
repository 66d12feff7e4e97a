"""The bench's sounds without voice packages: made once, the same each time, taken up again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from appliance.bench.provide import phone_password, teach_announcements
from appliance.bench.sound_sources import generator_for, shape
from appliance.bench.sounds import VERSION, SoundLibrary, made_version
from appliance.errors import BoxError
from appliance.settings import Home
from audio import levels, synth
from audio.g711 import encode_alaw

pytestmark = pytest.mark.unit


def test_shape_trims_silence_and_sets_the_level() -> None:
    voice = synth.voice_like(1.0, -10.0, seed=1)
    shaped = shape(np.concatenate([synth.silence(1.0), voice, synth.silence(2.0)]), -24.0)
    assert 0.9 < shaped.size / 8000 < 1.2
    rms = float(np.sqrt(np.mean(shaped**2)))
    assert abs(20 * np.log10(rms / levels.rms_from_dbov(-24.0))) < 3


def test_generators_depend_on_their_key_only() -> None:
    assert generator_for("a", 1).random() == generator_for("a", 1).random()
    assert generator_for("a", 1).random() != generator_for("a", 2).random()


def test_missing_sound_says_what_to_do(tmp_path: Path) -> None:
    assert made_version(tmp_path) is None
    with pytest.raises(BoxError, match="prepare --bench"):
        SoundLibrary(tmp_path).sound("tones/ring")
    (tmp_path / "manifest.json").write_text(f'{{"version": {VERSION}, "missing": []}}')
    assert made_version(tmp_path) == VERSION


def test_announcements_are_enrolled_once(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.make()
    made = tmp_path / "sounds" / "announcements"
    made.mkdir(parents=True)
    spoken = synth.to_int16(synth.voice_like(3.0, seed=4))
    (made / "powered_off_zh.al").write_bytes(encode_alaw(spoken).tobytes())
    for _ in range(2):
        teach_announcements(home, SoundLibrary(tmp_path / "sounds"))
    assert (home.announcements / "library.csv").read_text().splitlines() == [
        "ann_id,label,file", "bench-powered_off-zh,powered_off,bench-powered_off-zh.wav",
    ]  # fmt: skip


def test_phone_passwords_are_stable_and_differ() -> None:
    assert phone_password("secret", "s01") == phone_password("secret", "s01")
    assert len({phone_password(s, p) for s in ("a", "b") for p in ("s01", "s02")}) == 4
