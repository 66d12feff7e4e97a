"""What comes back: a carrier between different words is counted, whatever its sounds; plain talk has none."""

import numpy as np
import pytest

from audio.phrases import Spoken
from audio.returns import RETURNS_SIZE, RHYTHM_SIZE, returns, rhythm, stretches

pytestmark = pytest.mark.unit
_CARRIER_FRAMES, _WORD_FRAMES = 14, 60


def _words(seed: int, frames: int) -> np.ndarray:
    """Sounds as they are compared [frames, 20], each two frames long."""
    return np.repeat(np.random.default_rng(seed).standard_normal((frames // 2, 20)), 2, axis=0) * 3


def _spoken(*phrases: np.ndarray, pause: int = 12) -> Spoken:
    """Phrases with pauses between, and with what a second time never is the same."""
    rows = np.concatenate(phrases)
    rows = rows + 0.5 * np.random.default_rng(99).standard_normal(rows.shape)
    starts = np.cumsum([0, *(len(phrase) + pause for phrase in phrases[:-1])])
    when = np.concatenate([start + np.arange(len(phrase)) for start, phrase in zip(starts, phrases, strict=True)])
    heard = rows.astype(np.float32)
    return Spoken(int(when[-1]) + 20, when, heard, np.square(heard).sum(axis=1), np.zeros(len(rows), np.float32), 0.0)


def _menu(choices: int, seed: int = 1) -> Spoken:
    carrier = _words(seed, _CARRIER_FRAMES)
    return _spoken(*(np.concatenate((carrier, _words(seed + 10 + n, _WORD_FRAMES))) for n in range(choices)))


def _talk(phrases: int) -> Spoken:
    return _spoken(*(_words(40 + n, _CARRIER_FRAMES + _WORD_FRAMES) for n in range(phrases)))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_carrier_is_counted_and_what_is_said_after_it_measured(seed) -> None:
    found = returns(_menu(4, seed))
    times, between, spread, length, _, after, after_spread, before, _ = found[18:]
    assert times * 4 == 4
    assert between * 4 == pytest.approx((_CARRIER_FRAMES + _WORD_FRAMES + 12) * 0.04, rel=0.1)
    assert spread < 0.1
    assert length == pytest.approx(_CARRIER_FRAMES * 0.04, abs=0.1)
    assert after == pytest.approx(_WORD_FRAMES * 0.04, abs=0.1)
    assert after_spread < 0.1
    assert before < 0.1


def test_a_carrier_said_three_times_fits_in_pairs() -> None:
    found = stretches(_menu(3))
    carriers = found.scores > 8
    assert carriers.sum() == 3
    for later, earlier in zip(found.later[carriers], found.earlier[carriers], strict=True):
        assert abs((later[0] - earlier[0]) % (_CARRIER_FRAMES + _WORD_FRAMES)) <= 1
    assert (np.diff(found.scores) <= 0).all()


def test_talk_in_which_nothing_comes_back_has_no_carrier() -> None:
    found = returns(_talk(4))
    assert found[18] == 0
    assert found[2] == 0
    assert found[12] < 0.12 < 0.18 < returns(_menu(4))[12]


def test_phrases_of_one_length_have_no_spread() -> None:
    even = rhythm(_talk(4))
    uneven = rhythm(_spoken(_words(1, 10), _words(2, 40), _words(3, 16), _words(4, 60)))
    assert even[[0, 4]] * 6 == pytest.approx([4, 4])
    assert even[5] * 3 == pytest.approx((_CARRIER_FRAMES + _WORD_FRAMES) * 0.04)
    assert even[6] == pytest.approx(0, abs=1e-6)
    assert even[8] == pytest.approx(12 * 0.04)
    assert uneven[6] > 0.4


@pytest.mark.parametrize("frames", [0, 1, 2, 6, 12, 14])
def test_a_moment_of_speech_is_no_trouble(frames) -> None:
    whole = _menu(2)
    few = Spoken(30, whole.when[:frames], whole.numbers[:frames], whole.squares[:frames], whole.general[:frames], 0.0)
    found, beat = returns(few), rhythm(few)
    assert (found.shape, beat.shape) == ((RETURNS_SIZE,), (RHYTHM_SIZE,))
    assert np.isfinite(found).all()
    assert np.isfinite(beat).all()
