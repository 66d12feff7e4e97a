"""Music of our own for training: chords, melodies, basses, drums and sung vowels, no two pieces alike.

The songs of the builder are few; a model fitted on them alone knows those songs. What is composed here is crude, but
it has what makes music music on a telephone line: held notes, steps between them, a beat.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import signal

RATE_HZ = 8000
Samples = NDArray[np.float64]
Dice = np.random.Generator
_SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 7, 9), (0, 3, 5, 7, 10), (0, 2, 3, 5, 7, 9, 10))
_CHORDS = ((0, 4, 5, 3), (0, 5, 3, 4), (0, 3, 4, 0), (0, 0, 3, 4), (5, 3, 0, 4), (0, 6, 5, 4), (0, 2, 3, 3))
_VOWELS = ((730, 1090, 2440), (530, 1840, 2480), (270, 2290, 3010), (570, 840, 2410), (300, 870, 2240))
_STEPS = (1, 1, 2, 2, 3, 4, 6, 8)


def _hz(note: float) -> float:
    return float(440 * 2 ** ((note - 69) / 12))


def _envelope(size: int, attack_s: float, decay_per_s: float, release_s: float = 0.03) -> Samples:
    t = np.arange(size) / RATE_HZ
    rise = np.minimum(1, t / max(attack_s, 1e-3))
    fall = np.minimum(1, (size / RATE_HZ - t) / release_s)
    return np.asarray(rise * np.clip(fall, 0, 1) * np.exp(-decay_per_s * t))


def _harmonics(hz: float, size: int, weights: NDArray[np.float64], vibrato: float, dice: Dice) -> Samples:
    t = np.arange(size) / RATE_HZ
    sway = vibrato * np.sin(2 * np.pi * dice.uniform(4.5, 6.5) * t + dice.uniform(0, 6))
    phase = 2 * np.pi * np.cumsum(hz * (1 + sway)) / RATE_HZ
    out = np.zeros(size)
    for number, weight in enumerate(weights, 1):
        if hz * number > 3700:
            break
        out += weight * np.sin(number * phase + dice.uniform(0, 6))
    return out


def _plucked(hz: float, size: int, dice: Dice) -> Samples:
    weights = 1 / np.arange(1, 13) ** dice.uniform(0.8, 2.0)
    return _harmonics(hz, size, weights, 0, dice) * _envelope(size, 0.004, dice.uniform(1.5, 7))


def _held(hz: float, size: int, dice: Dice) -> Samples:
    weights = 1 / np.arange(1, 16) ** dice.uniform(0.5, 1.6)
    both = _harmonics(hz, size, weights, dice.uniform(0, 0.006), dice)
    both += _harmonics(hz * (1 + dice.uniform(0.001, 0.006)), size, weights, 0, dice)
    return both * _envelope(size, dice.uniform(0.02, 0.25), dice.uniform(0, 0.6), 0.1)


def _organ(hz: float, size: int, dice: Dice) -> Samples:
    weights = dice.random(8) * (dice.random(8) < 0.6)
    weights[0] = 1
    return _harmonics(hz, size, weights, 0, dice) * _envelope(size, 0.01, 0)


def _square(hz: float, size: int, dice: Dice) -> Samples:
    weights = np.array([1 / n if n % 2 else 0.1 / n for n in range(1, 16)])
    return _harmonics(hz, size, weights, dice.uniform(0, 0.008), dice) * _envelope(size, 0.005, dice.uniform(0, 3))


def _bell(hz: float, size: int, dice: Dice) -> Samples:
    t = np.arange(size) / RATE_HZ
    ratio, depth = float(dice.choice([1.41, 2.0, 3.5, 1.0])), dice.uniform(0.5, 3) * np.exp(-3 * t)
    return np.asarray(np.sin(2 * np.pi * hz * t + depth * np.sin(2 * np.pi * hz * ratio * t))) * _envelope(
        size, 0.002, 2.5
    )


def _sung(hz: float, size: int, dice: Dice) -> Samples:
    """A vowel held on a note, with the vibrato of a singer."""
    source = _harmonics(hz, size, 1 / np.arange(1, 24) ** 0.8, dice.uniform(0.004, 0.02), dice)
    out = np.zeros(size)
    for formant in _VOWELS[int(dice.integers(len(_VOWELS)))]:
        b, a = signal.iirpeak(min(formant * dice.uniform(0.9, 1.15), 3700), 6, fs=RATE_HZ)
        out += signal.lfilter(b, a, source)
    if dice.random() < 0.4:  # a consonant before it
        size_s = min(size, int(dice.uniform(0.03, 0.09) * RATE_HZ))
        out[:size_s] = dice.standard_normal(size_s) * np.std(out) * 0.5
    return out * _envelope(size, 0.04, 0.2, 0.06)


_VOICES: tuple[Callable[[float, int, Dice], Samples], ...] = (_plucked, _held, _organ, _square, _bell, _sung)


def _drum(kind: int, dice: Dice) -> Samples:
    size = int((0.05, 0.18, 0.25)[kind] * RATE_HZ)
    t = np.arange(size) / RATE_HZ
    if kind == 2:
        return np.asarray(np.sin(2 * np.pi * np.cumsum(60 + 120 * np.exp(-t * 30)) / RATE_HZ) * np.exp(-t * 14))
    noise = dice.standard_normal(size) * np.exp(-t * (60 if kind == 0 else 22))
    return np.asarray(
        np.diff(noise, prepend=0) if kind == 0 else noise + 0.7 * np.sin(2 * np.pi * 190 * t) * np.exp(-t * 20)
    )


def compose(dice: Dice, length_s: float) -> Samples:
    """A piece of music at 8 kHz, peak about 1: some of pad, arpeggio, melody, second voice, bass and drums."""
    total = int(length_s * RATE_HZ)
    out = np.zeros(total + RATE_HZ)
    beat = int(60 / dice.uniform(60, 175) * RATE_HZ)
    scale = _SCALES[int(dice.integers(len(_SCALES)))]
    chords = _CHORDS[int(dice.integers(len(_CHORDS)))]
    root = int(dice.integers(45, 62))
    parts = dice.random(6) < (0.5, 0.45, 0.7, 0.25, 0.45, 0.5)
    if not parts[:4].any():
        parts[int(dice.integers(4))] = True
    voices = [_VOICES[int(dice.integers(len(_VOICES)))] for _ in range(4)]

    def note(degree: int) -> float:
        return _hz(root + 12 * (degree // len(scale)) + scale[degree % len(scale)])

    def put(sound: Samples, at: int, level: float) -> None:
        stop = min(out.size, at + sound.size)
        if at < stop:
            out[at:stop] += level * sound[: stop - at] / (np.max(np.abs(sound)) + 1e-9)

    bar = 4 * beat
    for number, start in enumerate(range(0, total, bar)):
        chord = chords[number % len(chords)]
        if parts[0]:
            for tone in (0, 2, 4):
                put(voices[0](note(chord + tone), bar, dice), start, 0.25)
        if parts[1]:
            for step in range(8):
                put(
                    voices[1](note(chord + (0, 2, 4, 2)[step % 4] + 7 * (step % 2)), beat, dice),
                    start + step * beat // 2,
                    0.3,
                )
        if parts[4]:
            for step in range(4):
                put(_plucked(note(chord) / 2, beat, dice), start + step * beat, 0.5)
        if parts[5]:
            for step in range(8):
                put(_drum(0, dice), start + step * beat // 2, 0.25)
            for step in (0, 2):
                put(_drum(2, dice), start + step * beat, 0.7)
                put(_drum(1, dice), start + (step + 1) * beat, 0.4)
    for part in (2, 3):
        at, degree = 0, int(dice.integers(5, 12))
        while parts[part] and at < total:
            size = int(_STEPS[int(dice.integers(len(_STEPS)))] * beat / 2)
            if dice.random() > 0.12:
                put(voices[part](note(degree), int(size * dice.uniform(0.8, 1.0)), dice), at, 0.55)
            degree = int(np.clip(degree + dice.integers(-3, 4), 2, 16))
            at += size
    if dice.random() < 0.5:
        tail = dice.standard_normal(int(0.4 * RATE_HZ)) * np.exp(-np.arange(int(0.4 * RATE_HZ)) / (0.1 * RATE_HZ))
        out = out + 0.4 * np.max(np.abs(out)) * _unit(signal.fftconvolve(out, tail)[: out.size])
    if dice.random() < 0.5:
        out = np.tanh(dice.uniform(0.5, 2.5) * out / (np.std(out) + 1e-9))
    return np.asarray(_unit(out[:total]))


def _unit(samples: Samples) -> Samples:
    return np.asarray(samples / (np.max(np.abs(samples)) + 1e-9))
