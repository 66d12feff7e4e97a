"""Training of the kinds: which clip is of which kind, what a row of looks says, alignment, sayings without a voice."""

import numpy as np
import pytest

from audio import phrases
from audio.training import kinds, sayings

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("package", "files", "sublabel", "kind"),
    [
        ("espeak:+m7", "screen_ru0", "call_screen", 1),
        ("flite:slt", "menu_en-us1.2", "ivr_menu", 2),
        ("flite:slt", "en0", "tts_greeting/sine440", 0),
        ("asterisk-prompt-x", "voice:vm-theperson+digits/1+vm-intro", "pro_prompt", 0),
        ("asterisk-prompt-x", "voice:vm-opts", "pro_prompt/sine440", 2),
        ("asterisk-prompt-x", "voice:hello-world+vm-options", "pro_prompt", 2),
        ("asterisk-prompt-x", "voice:privacy-prompt", "pro_prompt", 1),
        ("labelled", "call.wav", "call_screen", 1),
    ],
)
def test_the_kind_of_a_clip(package, files, sublabel, kind) -> None:
    assert kinds.kind_of({"source_pkg": package, "source_files": files, "sublabel": sublabel}) == kind


def test_choices_that_end_in_a_beep_are_a_mailboxs() -> None:
    row = {"source_pkg": "asterisk-prompt-x", "source_files": "voice:vm-opts", "sublabel": "pro_prompt/sine440"}
    assert kinds.kind_of({**row, "beep_end": ""}) == 2
    assert kinds.kind_of({**row, "beep_end": "7.25"}) == 0


@pytest.mark.parametrize(
    ("looks", "kind"),
    [
        ([[0.1, 0.85, 0.05], [0.9, 0.1, 0.0]], 1),
        ([[0.3, 0.7, 0.0], [0.3, 0.0, 0.7]], 2),
        ([[0.3, 0.7, 0.0], [0.85, 0.0, 0.15]], 0),
        ([[0.3, 0.7, 0.0], [0.4, 0.6, 0.0]], 1),
        ([[0.3, 0.7, 0.0], [0.6, 0.4, 0.0]], 0),
        ([[0.95, 0.05, 0.0], [0.1, 0.9, 0.0]], 0),
        ([], 0),
    ],
)
def test_what_a_row_of_looks_says(looks, kind) -> None:
    assert kinds.replay(np.array(looks, np.float32).reshape(-1, 3), beep_s=float("inf")) == kind


@pytest.mark.parametrize(("beep_s", "kind"), [(5.0, 0), (13.0, 0), (24.5, 0), (25.5, 2)])
def test_a_likely_menu_that_beeps_is_a_mailbox(beep_s, kind) -> None:
    assert kinds.replay(np.array([[0.6, 0.0, 0.4], [0.6, 0.0, 0.4]], np.float32), beep_s=beep_s) == kind


@pytest.mark.parametrize(("beep_s", "kind"), [(5.0, 0), (7.0, 2)])
def test_a_sure_menu_is_said_before_a_later_beep(beep_s, kind) -> None:
    assert kinds.replay(np.array([[0.1, 0.0, 0.9], [0.1, 0.0, 0.9]], np.float32), beep_s=beep_s) == kind


def test_a_slower_voice_is_laid_beside_a_faster_one() -> None:
    fast = np.random.default_rng(1).standard_normal((20, phrases.WIDTH)).astype(np.float32)
    path = sayings._aligned(np.repeat(fast, 2, axis=0), fast)
    assert (path[:, 0] // 2 == path[:, 1]).all()
    assert path[:, 0].max() == 39


def _spoken(dice: np.random.Generator, text: int, voice: str, truth: np.ndarray) -> sayings.Spoken:
    own = truth + 0.1 * dice.standard_normal(truth.shape)
    noisy = own + 0.1 * dice.standard_normal(truth.shape)
    return sayings.Spoken(text, voice, own.astype(np.float32), noisy.astype(np.float32), np.ones(len(truth), np.bool_))


def test_sayings_leave_out_a_voice_and_keep_what_voices_share() -> None:
    dice = np.random.default_rng(2)
    wanted = [sayings.Text(number % 3, "en-us", f"text {number}") for number in range(12)]
    said = []
    for number in range(12):
        truth = dice.standard_normal((30, phrases.WIDTH))
        said += [_spoken(dice, number, voice, truth) for voice in sayings.VOICES[:3]]
    voices = sayings.Voices(wanted, said, seed=1)
    whole, without = voices.sayings(""), voices.sayings(sayings.VOICES[0])
    assert (len(whole.starts), len(without.starts)) == (36, 24)
    assert whole.kind.tolist() == [number % 3 for number in range(12) for _ in range(3)]
    heard = (said[0].plain - without.mean) @ without.project
    same, other = (without.frames[start : start + 30] for start in without.starts[[0, 2]])
    assert np.square(heard - same).sum() < 0.2 * np.square(heard - other).sum()


def test_clauses_of_a_text() -> None:
    assert sayings.clauses("Hello. Who is it? 您好。请问") == ["Hello.", "Who is it?", "您好。", "请问"]
