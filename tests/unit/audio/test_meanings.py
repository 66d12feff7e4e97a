"""What an announcement says without a library: one meaning far ahead of the others, said since the last tone."""

import numpy as np
import pytest

from audio import Kind, Label, meanings, phrases, synth
from audio.meanings import LABELS, Words, by_meaning
from audio.training import announced
from tests.unit.audio.hearing import hear, noisy
from tests.unit.audio.test_kinds import _noisy, _sought, _talk

pytestmark = pytest.mark.unit


@pytest.fixture
def said(monkeypatch) -> list[np.ndarray]:
    """Three sentences of different meanings, which are all that is known."""
    sentences = [_talk(seed, 2.4) for seed in (1, 2, 3)]
    sought = _sought(*sentences)
    monkeypatch.setattr(meanings, "shipped", lambda: sought)
    monkeypatch.setattr(meanings, "LEAST", 20.0)  # talk made of tones is more alike than words are
    monkeypatch.setattr(meanings, "APART", 10.0)
    return sentences


def _words(*parts: np.ndarray, size: int = 1600) -> Words:
    heard = (_noisy(np.concatenate(parts)) * 32768).astype(np.int16)
    words = Words()
    for start in range(0, heard.size, size):
        words.push(heard[start : start + size])
    return words


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_known_sentence_is_named(said, place) -> None:
    found = _words(_talk(21, 0.8), said[place], _talk(31, 0.8)).meaning(0.0, 4.0)
    assert found is not None
    assert found[0] is LABELS[place]


def test_other_words_and_two_meanings_at_once_have_no_name(said) -> None:
    assert _words(_talk(21, 5.0)).meaning(0.0, 5.0) is None
    assert _words(said[0], _talk(31, 0.5), said[1]).meaning(0.0, 5.3) is None
    assert _words(np.zeros(800, np.float32)).meaning(0.0, 0.1) is None


def test_only_what_was_said_between_two_times_counts(said) -> None:
    words = _words(said[0], _talk(31, 0.6), said[1], _talk(32, 20.0))
    early = _words(said[0], _talk(31, 0.6), said[1])
    assert early.meaning(3.0, 5.4)[0] is LABELS[1]
    assert words.meaning(0.0, 25.4) is None, "what was said too long ago is no longer kept"


def test_the_same_words_however_they_come(said) -> None:
    parts = (_talk(31, 9.0), said[1], _talk(32, 1.0))
    found = []
    for size in (800, 1600, 32000):
        words = Words()
        heard = (_noisy(np.concatenate(parts)) * 32768).astype(np.int16)
        for start in range(0, 96000, size):
            words.push(heard[start : start + size])
            if start + size >= 92000:
                found.append(words.meaning(0.0, 11.5))
                break
    assert found[0] is not None
    assert found[0] == found[1] == found[2]


def test_the_best_sentence_of_a_meaning_counts() -> None:
    scores, kinds = np.array([3, 9, 4, 1], np.float32), np.array([0, 1, 0, 4])
    assert by_meaning(scores, kinds).tolist() == [4, 9, 0, 0, 1]


def test_an_announcement_says_what_its_words_mean(monkeypatch) -> None:
    asked: list[tuple[float, float]] = []

    def told(_self: Words, since_s: float, until_s: float) -> tuple[Label, float, float]:
        asked.append((since_s, until_s))
        return Label.VACANT, 15.0, 8.0

    monkeypatch.setattr(Words, "meaning", told)
    ring, pause = synth.call_progress("ru", Label.RINGBACK, 1.0), synth.silence(1.0)
    said = [synth.voice_like(0.45, seed=700 + seed, pitch_hz=100 + 13 * (seed % 7)) for seed in range(13)]
    spoken = [part for one in said for part in (one, synth.silence(0.15))]
    verdicts, last = hear(noisy(np.concatenate([ring, pause, *spoken]), -50.0))
    assert (last.label, last.reason, last.kind) == (Label.VACANT, "known_words", Kind.ANNOUNCEMENT)
    assert sum(verdict.final for verdict in verdicts) <= 1
    assert asked[0][0] == pytest.approx(1.0, abs=0.3)


def test_what_ships_has_sentences_of_every_meaning() -> None:
    assert set(meanings.shipped().sayings.kind.tolist()) == set(range(len(LABELS)))
    assert set(announced.ANNOUNCED) == set(LABELS)
    assert phrases.load("meanings").frames.shape[1] == 20
