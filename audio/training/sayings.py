"""Makes the sayings of `audio.phrases`: synthesises them, learns which numbers vary least from voice to voice.

Every voice says every text (where it speaks the language), once as it is and once through noise and a tilt. Frames of
the same text in two voices are laid beside each other by dynamic time warping; the numbers kept are those in which
such pairs differ least against speech as a whole (linear discriminants). For honest figures a set is made without each
voice in turn: what judges a voice never met it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, signal

from audio import phrases as runtime
from audio.phrases import Array, Sayings
from audio.training import makers, phrases, texts

VOICES = ("espeak:+f4", "espeak:+m7", "flite:kal16", "flite:slt")
GREETING, ASSISTANT, MENU = range(3)
_MAIN = ("en-us", "ru", "cmn")
_MENUS_ONLY = ("es", "fr-fr", "it")
_NUMBERS, _SOUNDS, _SOUND_ROUNDS = 20, 128, 12
_LEARN_TEXTS = 260
_SHRINK = 0.05
_BUILDERS_LANGUAGE = {"en": "en-us", "ru": "ru", "zh": "cmn"}


@dataclass(frozen=True, slots=True)
class Text:
    """A clause: kind (0 greeting, 1 assistant, 2 menu), language, words, and whether it is the builder's own."""

    kind: int
    language: str
    words: str
    builders: bool = False


@dataclass(frozen=True, slots=True)
class Spoken:
    """A text in one voice: stacked frames [n, 70], plain and through noise, and which of them are speech."""

    text: int
    voice: str
    plain: Array
    noisy: Array
    speech: NDArray[np.bool_]


def clauses(words: str) -> list[str]:
    """Sentences of a text."""
    return [part for part in re.split(r"(?<=[.?!。？！])\s*", words) if len(part.strip()) > 1]


def all_texts(builder: Any) -> list[Text]:
    """What is sought: the builder's assistants and greetings, those of `texts.py`, and the parts of `phrases.py`."""
    out: list[Text] = []
    for short, language in _BUILDERS_LANGUAGE.items():
        out += [Text(ASSISTANT, language, c, True) for words in builder.SCREEN[short] for c in clauses(words)]
        out += [Text(GREETING, language, c, True) for words in builder.GREET[short] for c in clauses(words)]
    for language in (*_MAIN, *_MENUS_ONLY):
        main = language in _MAIN
        out += [Text(ASSISTANT, language, c) for words in texts.SCREENING.get(language, ()) for c in clauses(words)]
        if main:
            out += [Text(GREETING, language, c) for words in texts.GREETING[language] for c in clauses(words)]
        if language in texts.MENU:
            out += [Text(MENU, language, c) for words in texts.MENU[language][1] for c in clauses(words)]
        out += [Text(ASSISTANT, language, words) for words in phrases.ASSISTANT[language]]
        out += [Text(GREETING, language, words) for words in phrases.GREETING[language]]
        out += [Text(MENU, language, words) for words in phrases.MENU[language]]
    return list(dict.fromkeys(out))


def speak(builder: Any, wanted: Sequence[Text], *, seed: int) -> list[Spoken]:
    """Each text in each voice that speaks its language."""
    dice = np.random.default_rng(seed)
    out: list[Spoken] = []
    for number, text in enumerate(wanted):
        for voice in VOICES:
            if voice.startswith("flite") and text.language != "en-us":
                continue
            samples = makers.say(builder, voice, text.language, text.words, speed=1.0, pitch=1.0)
            plain, speech = _frames(_channel(builder, samples))
            noisy, _ = _frames(_noise(_channel(builder, samples), dice))
            out.append(Spoken(number, voice, plain, noisy, speech))
    return out


def _channel(builder: Any, samples: NDArray[np.float64]) -> NDArray[np.float64]:
    filtered: NDArray[np.float64] = signal.sosfilt(builder._bp, samples)
    return filtered


def _noise(samples: NDArray[np.float64], dice: np.random.Generator) -> NDArray[np.float64]:
    hiss = dice.standard_normal(samples.size)
    if dice.random() < 0.5:
        hiss = signal.lfilter([1.0], [1.0, -0.9], hiss)
    loud = float(np.sqrt(np.mean(samples**2))) * 10 ** (-dice.uniform(8, 28) / 20)
    heard = samples + hiss / hiss.std() * loud
    tilted: NDArray[np.float64] = signal.lfilter([1.0, -dice.uniform(-0.4, 0.5)], [1.0], heard)
    return tilted


def _frames(samples: NDArray[np.float64]) -> tuple[Array, NDArray[np.bool_]]:
    padded = np.pad(samples, runtime.WINDOW // 2).astype(np.float32)
    return runtime.stacked(runtime.power(padded))


class Voices:
    """Spoken texts, and the alignments between voices, which several sets share."""

    def __init__(self, wanted: Sequence[Text], spoken: Sequence[Spoken], *, seed: int) -> None:
        self._wanted, self._spoken, self._seed = wanted, spoken, seed
        self._paths: dict[tuple[int, str, str], NDArray[np.int64]] = {}
        self._by_text: dict[int, list[Spoken]] = {}
        for one in spoken:
            self._by_text.setdefault(one.text, []).append(one)

    def sayings(self, without: str) -> Sayings:
        """The set without a voice (none of that name: with all)."""
        dice = np.random.default_rng(self._seed)
        chosen = dice.permutation(sorted(self._by_text))[:_LEARN_TEXTS].tolist()
        within, count = np.zeros((runtime.WIDTH, runtime.WIDTH)), 0
        heard: list[Array] = []
        for number in chosen:
            voices = [one for one in self._by_text[number] if one.voice != without]
            for place, one in enumerate(voices):
                apart = (one.plain - one.noisy)[one.speech]
                within, count = within + apart.T @ apart, count + len(apart)
                heard += [one.plain[one.speech], one.noisy[one.speech]]
                for other in voices[:place]:
                    path = self._path(number, one, other)
                    apart = one.plain[path[:, 0]] - other.noisy[path[:, 1]]
                    within, count = within + 2 * apart.T @ apart, count + 2 * len(apart)
        rows = np.concatenate(heard)
        mean = rows.mean(axis=0)
        within = within / count / 2
        within += np.eye(len(within)) * np.trace(within) / len(within) * _SHRINK
        _, vectors = linalg.eigh(np.cov((rows - mean).T), within)
        project = vectors[:, ::-1][:, :_NUMBERS]
        said = [one for one in self._spoken if one.voice != without]
        frames = [(one.plain[one.speech] - mean) @ project for one in said]
        return Sayings(
            mean=mean.astype(np.float32),
            project=project.astype(np.float32),
            sounds=_centres((rows - mean) @ project, dice),
            frames=np.concatenate(frames).astype(np.float32),
            starts=np.cumsum([0, *map(len, frames[:-1])]).astype(np.int64),
            text=np.array([one.text for one in said], np.int64),
            kind=np.array([self._wanted[one.text].kind for one in said], np.int64),
        )

    def _path(self, number: int, one: Spoken, other: Spoken) -> NDArray[np.int64]:
        key = (number, one.voice, other.voice)
        if key not in self._paths:
            self._paths[key] = _aligned(one.plain, other.plain)
        return self._paths[key]


def _aligned(one: Array, other: Array) -> NDArray[np.int64]:
    """Pairs of frames along the cheapest path [n, 2]."""
    apart = np.square(one[:, None, ::2] - other[None, :, ::2]).sum(axis=2)
    rows, columns = apart.shape
    cost = np.full((rows + 1, columns + 1), np.inf)
    cost[0, 0] = 0.0
    for i in range(rows):
        for j in range(columns):
            cost[i + 1, j + 1] = apart[i, j] + min(cost[i, j], cost[i, j + 1], cost[i + 1, j])
    i, j, path = rows, columns, []
    while i and j:
        path.append((i - 1, j - 1))
        step = int(np.argmin([cost[i - 1, j - 1], cost[i - 1, j], cost[i, j - 1]]))
        i, j = (i - 1, j - 1) if step == 0 else (i - 1, j) if step == 1 else (i, j - 1)
    return np.array(path, np.int64)


def _centres(rows: NDArray[Any], dice: np.random.Generator) -> Array:
    """General sounds: means of clusters (Lloyd's algorithm on a sample)."""
    sample = rows[dice.permutation(len(rows))[:12000]]
    centres = sample[:_SOUNDS].copy()
    for _ in range(_SOUND_ROUNDS):
        nearest = (np.square(centres).sum(axis=1) - 2 * sample @ centres.T).argmin(axis=1)
        for number in range(_SOUNDS):
            mine = sample[nearest == number]
            if len(mine):
                centres[number] = mine.mean(axis=0)
    return centres.astype(np.float32)
