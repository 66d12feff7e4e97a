"""Kinds of machines: sayings are found whole, in part and through noise, looks are few."""

import numpy as np
import pytest

from audio import Label, kinds, phrases
from audio.kinds import BEEP_BY_S, LOOKS_S, PLAIN, SURE, WIDTH, KindWatch, inputs
from audio.phrases import Following, Sayings, Sought

pytestmark = pytest.mark.unit


def _talk(seed: int, seconds: float) -> np.ndarray:
    """Something like speech: a new pair of formants each 120 ms, float32 in [-1, 1]."""
    dice = np.random.default_rng(seed)
    pieces = []
    for _ in range(round(seconds / 0.12)):
        t = np.arange(960) / 8000
        low, high = dice.uniform(250, 900), dice.uniform(1000, 3000)
        pieces.append(0.1 * np.sin(2 * np.pi * low * t) + 0.05 * np.sin(2 * np.pi * high * t))
    return np.concatenate(pieces).astype(np.float32)


def _noisy(samples: np.ndarray, seed: int = 9) -> np.ndarray:
    hiss = np.random.default_rng(seed).standard_normal(samples.size) * 0.005
    return (samples + hiss).astype(np.float32)


def _sought(*said: np.ndarray) -> Sought:
    """Sayings of kinds 0, 1, 2 in turn, with numbers learnt from talk in general."""
    general = np.concatenate([phrases.stacked(phrases.power(_noisy(_talk(seed, 6.0))))[0] for seed in range(50, 60)])
    mean = general.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov((general - mean).T))
    project = (vectors[:, -20:] / np.sqrt(values[-20:]) * 4).astype(np.float32)
    rows = [(phrases.stacked(phrases.power(one))[0] - mean) @ project for one in said]
    return Sought(
        Sayings(
            mean=mean.astype(np.float32),
            project=project,
            sounds=((general[:: len(general) // 128][:128] - mean) @ project).astype(np.float32),
            frames=np.concatenate(rows).astype(np.float32),
            starts=np.cumsum([0, *map(len, rows[:-1])]),
            text=np.arange(len(rows)),
            kind=np.arange(len(rows)) % 3,
        )
    )


@pytest.mark.parametrize("every", [1, kinds.EVERY])
@pytest.mark.parametrize("part", [slice(None), slice(8000), slice(4000, None)])
def test_a_saying_is_found_whole_and_in_part_through_noise(part, every) -> None:
    said = [_talk(seed, 1.5) for seed in (1, 2, 3)]
    sought = Sought(_sought(*said).sayings, every=every)
    for number, one in enumerate(said):
        heard = _noisy(np.concatenate([_talk(20 + number, 1.0), one[part], _talk(30 + number, 1.0)]))
        scores, _ = Following(sought).hear(phrases.power(heard))
        assert scores.argmax() == number


def test_looking_in_between_changes_little() -> None:
    said = _talk(1, 1.5)
    sought = _sought(said, _talk(2, 1.5))
    spectra = phrases.power(_noisy(np.concatenate([_talk(20, 2.0), said, _talk(30, 1.0)])))
    at_once, in_parts = Following(sought), Following(sought)
    for size in (60, 90, 140):
        in_parts.hear(spectra[:size])
    assert in_parts.hear(spectra)[0] == pytest.approx(at_once.hear(spectra)[0], rel=0.3)


def test_the_best_of_different_texts_count() -> None:
    sayings = _sought(*(_talk(seed, 0.6) for seed in range(6))).sayings
    fields = {name: getattr(sayings, name) for name in Sayings.__slots__}
    same = Sayings(**{**fields, "text": np.array([0, 1, 2, 0, 1, 2])})
    scores = np.array([1, 2, 3, 4, 5, 6], np.float32)
    assert phrases.summary(scores, sayings)[:5].tolist() == pytest.approx([0.4, 0.1, 0.0, 0.25, 0.25])
    assert phrases.summary(scores, same)[:5].tolist() == pytest.approx([0.4, 0.0, 0.0, 0.4, 0.4])


@pytest.mark.parametrize("size", [0, 100, 255, 256, 800, 4000])
def test_a_moment_of_sound_or_of_silence_is_no_trouble(size) -> None:
    sought = _sought(_talk(1, 1.0))
    for samples in (np.zeros(size, np.float32), _talk(2, 0.6)[:size]):
        found = inputs(*Following(sought).hear(phrases.power(samples)), sought, beeped=False)
        assert found.shape == (WIDTH,)
        assert np.isfinite(found).all()


def _watch(monkeypatch, shares) -> tuple[KindWatch, list[float]]:
    looked: list[float] = []
    watch = KindWatch()

    def told(size: int, beeped: bool) -> np.ndarray:
        looked.append(size / 8000)
        return np.array(shares, np.float32)

    monkeypatch.setattr(watch, "_shares", told)
    return watch, looked


def _run(watch: KindWatch, seconds: float, beep_s: float = np.inf) -> list[tuple[float, Label]]:
    said = []
    for tick in range(1, round(seconds * 10) + 1):
        if not watch.over:
            watch.push(np.zeros(800, np.int16))
        if watch.due(tick / 10) and (found := watch.look(tick / 10, beeped=beep_s <= tick / 10)) is not None:
            said.append((tick / 10, found[0]))
        watch.expire(tick / 10)
    return said


def test_what_is_sure_is_said_at_the_first_look_and_then_nothing_is_kept(monkeypatch) -> None:
    watch, looked = _watch(monkeypatch, [0.1, SURE + 0.05, 0.05])
    assert _run(watch, 20.0) == [(LOOKS_S[0], Label.SCREENING)]
    assert looked == [LOOKS_S[0]]
    assert watch.over


def test_what_is_likely_is_said_at_last(monkeypatch) -> None:
    watch, looked = _watch(monkeypatch, [0.3, 0.7, 0.0])
    assert _run(watch, 20.0) == [(LOOKS_S[-1], Label.SCREENING)]
    assert looked == list(LOOKS_S)
    assert watch.over


@pytest.mark.parametrize("beep_s", [5.0, 13.0, BEEP_BY_S])
def test_a_likely_menu_waits_for_the_beep_that_makes_it_a_mailbox(monkeypatch, beep_s) -> None:
    watch, looked = _watch(monkeypatch, [0.5, 0.1, 0.4])
    assert _run(watch, 30.0) == [(BEEP_BY_S, Label.IVR)]
    assert looked == list(LOOKS_S)
    assert watch.over
    beeps, _ = _watch(monkeypatch, [0.5, 0.1, 0.4])
    assert _run(beeps, 30.0, beep_s) == []
    assert beeps.over


def test_a_likely_menu_is_said_when_the_audio_ends(monkeypatch) -> None:
    watch, _ = _watch(monkeypatch, [0.5, 0.1, 0.4])
    assert _run(watch, 15.0) == []
    assert not watch.over
    assert watch.look(15.0, beeped=False, last=True) == (Label.IVR, pytest.approx(0.4))
    assert watch.over


def test_a_plain_machine_stays_one_and_an_hour_needs_no_more_memory(monkeypatch) -> None:
    watch, looked = _watch(monkeypatch, [PLAIN - 0.1, 0.15, 0.05])
    assert _run(watch, 60.0) == []
    assert looked == list(LOOKS_S)
    silent, _ = _watch(monkeypatch, [0.9, 0.05, 0.05])
    kept_s = 0.0
    while not silent.over and kept_s < 3600:
        silent.push(np.zeros(800, np.int16))
        kept_s += 0.1
    assert kept_s < 14


def test_a_machine_surely_plain_is_looked_at_once(monkeypatch) -> None:
    watch, looked = _watch(monkeypatch, [PLAIN + 0.02, 0.04, 0.04])
    assert _run(watch, 20.0) == []
    assert looked == [LOOKS_S[0]]
    assert watch.over


def test_a_look_takes_what_was_heard_until_its_time_however_it_came() -> None:
    sound = (_talk(7, 14.0) * 32768).astype(np.int16)
    shares = []
    for size in (800, 8000, 32000):
        watch = KindWatch()
        for start in range(0, 96000, size):
            watch.push(sound[start : start + size])
        shares.append([watch._shares(48000, False), watch._shares(96000, False)])
    assert np.array_equal(shares[0], shares[1])
    assert np.array_equal(shares[0], shares[2])


def test_what_ships_knows_its_kinds() -> None:
    assert kinds.shipped().sayings.kind.max() == len(kinds.KINDS) - 1
