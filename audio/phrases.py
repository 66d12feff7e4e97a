"""Sayings of machines, heard by alignment with sayings kept as sound: assistants' questions, menus, mailbox greetings.

A saying is a row of frames of one synthetic voice (40 ms, 14 wide bands that do not resolve a voice's harmonics, five
frames side by side, reduced to 20 numbers that vary little from voice to voice). Speech is laid along all of them at
once by local alignment (T. Smith, M. Waterman, J. Mol. Biol. 147, 1981; as in keyword spotting by dynamic time
warping): a frame closer to the saying's than to the tenth nearest of 128 general sounds earns, others cost, so that a
part of a saying counts as well. Because vocal tracts differ in length, it is tried with the spectrum moved down, as it
is, and up. The same alignment of the speech with its own past tells how much is said again, as menus do in any
language.
"""

from dataclasses import dataclass
from functools import cache
from importlib import resources
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
RATE_HZ = 8000
WINDOW, HOP = 256, 160
_MEL_BANDS, _MEL_HZ = 24, (150.0, 3700.0)
BANDS = 14
CONTEXT = 2
WIDTH = BANDS * (2 * CONTEXT + 1)
MOVES = (-1.4, 0.0, 1.4)
"""By so many of 24 mel bands the spectrum is moved."""
_ACTIVE_BELOW_DB, _FLOOR_DB = 8.0, -18.0
_NEAREST = 10
_GAIN_SCALE, _GAIN_LEAST, _GAIN_MOST = 30.0, -0.4, 1.0
_WARP_COST = 0.8
_AGAIN_AFTER_FRAMES = 25
_AGAIN_SCORE, _AGAIN_APART_FRAMES = 6.0, 20
_AGAIN_FULL = 12.0
FRAME_S = 0.04
AGAIN_SIZE, TIMING_SIZE, SUMMARY_SIZE = 3, 7, 15
_TOP, _MANY = 3, 10
_PAUSE_FRAMES = 5


@dataclass(frozen=True, slots=True)
class Sayings:
    """All sayings, one after the other.

    mean [70], project [70, 20]: from stacked bands to the numbers compared; sounds [128, 20]: general sounds;
    frames [n, 20] of all sayings; starts [sayings]: first frame of each; text [sayings]: number of what is said (the
    same for several voices); kind [sayings]: 0 greeting, 1 assistant, 2 menu.
    """

    mean: Array
    project: Array
    sounds: Array
    frames: Array
    starts: NDArray[np.int64]
    text: NDArray[np.int64]
    kind: NDArray[np.int64]


@cache
def load() -> Sayings:
    """The model `audio/models/phrases.npz`; its data sheet stands beside it."""
    data = resources.files("audio").joinpath("models", "phrases.npz").read_bytes()
    with np.load(BytesIO(data), allow_pickle=False) as stored:
        real = {name: stored[name].astype(np.float32) for name in ("mean", "project", "sounds")}
        whole = {name: stored[name].astype(np.int64) for name in ("starts", "text", "kind")}
        frames = stored["frames"].astype(np.float32) * stored["step"]
    return Sayings(**real, frames=frames, **whole)


@cache
def _bands(move: float) -> Array:
    """Weights [129, 14] from power spectrum to wide bands, the mel axis moved by `move` of 24 bands."""
    mel = 2595 * np.log10(1 + np.arange(WINDOW // 2 + 1) * (RATE_HZ / WINDOW) / 700)
    low, high = (2595 * np.log10(1 + hz / 700) for hz in _MEL_HZ)
    edges = np.linspace(low, high, _MEL_BANDS + 2)
    rising = (mel[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - mel[:, None]) / (edges[2:] - edges[1:-1])
    narrow = np.maximum(0, np.minimum(rising, falling))
    narrow /= narrow.sum(axis=0)
    centres = np.linspace(0.6, 22.4, BANDS)
    places = np.clip(np.arange(_MEL_BANDS) - move, 0, _MEL_BANDS - 1)
    wide = np.exp(-0.5 * ((places[:, None] - centres) / np.where(centres < 10, 1.5, 1.1)) ** 2)
    out: Array = (narrow @ (wide / wide.sum(axis=0))).astype(np.float32)
    return out


_window = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
_window /= np.sqrt(np.sum(_window**2) * WINDOW / 2)


def power(samples: NDArray[np.float32]) -> Array:
    """Power spectra [frames of 20 ms, 129] of samples [n] in [-1, 1]."""
    if samples.size < WINDOW:
        return np.zeros((0, WINDOW // 2 + 1), np.float32)
    cut = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]
    spectra = np.fft.rfft(cut * _window, axis=1)
    out: Array = (spectra.real**2 + spectra.imag**2).astype(np.float32)
    return out


def stacked(spectra: Array, move: float = 0.0) -> tuple[Array, NDArray[np.bool_]]:
    """(bands of five frames side by side [n, 70], which frames are speech [n]) of power spectra of 20 ms."""
    count = len(spectra) // 2
    levels = 10 * np.log10(spectra[: 2 * count] @ _bands(move) + np.float32(1e-10))
    levels = levels.reshape(count, 2, BANDS).mean(axis=1)
    if count == 0:
        return np.zeros((0, WIDTH), np.float32), np.zeros(0, np.bool_)
    loudness = levels.mean(axis=1)
    speech = loudness > np.quantile(loudness, 0.95) - _ACTIVE_BELOW_DB
    levels = np.maximum(levels - levels[speech].mean(axis=0), np.float32(_FLOOR_DB)) / np.float32(10)
    padded = np.pad(levels, ((CONTEXT, CONTEXT), (0, 0)), mode="edge")
    beside = [padded[shift : shift + count] for shift in range(2 * CONTEXT + 1)]
    return np.concatenate(beside, axis=1).astype(np.float32), speech


def timing(speech: NDArray[np.bool_]) -> Array:
    """When it is spoken [7]: seconds heard, before, after and of talk, its share, pauses, the longest; of `stacked`."""
    places = np.flatnonzero(speech)
    if places.size == 0:
        return np.zeros(TIMING_SIZE, np.float32)
    gaps = np.diff(places) - 1
    pauses = gaps[gaps >= _PAUSE_FRAMES]
    first, last = int(places[0]), int(places[-1])
    numbers = (
        speech.size * FRAME_S / 10,
        first * FRAME_S / 3,
        (speech.size - 1 - last) * FRAME_S / 3,
        (last - first + 1) * FRAME_S / 10,
        places.size / (last - first + 1),
        pauses.size / 5,
        float(pauses.max()) * FRAME_S if pauses.size else 0.0,
    )
    return np.array(numbers, np.float32)


class Sought:
    """Sayings prepared for alignment."""

    def __init__(self, sayings: Sayings) -> None:
        self.sayings = sayings
        squares = np.square(sayings.frames).sum(axis=1)
        rows = (2 * sayings.frames.T, -squares[None], np.ones((1, len(squares)), np.float32))
        self._earns = np.ascontiguousarray(np.concatenate(rows) / np.float32(_GAIN_SCALE))
        """Times (numbers of a frame, 1, what it is owed): what each frame of a saying earns it."""
        self._firsts = sayings.starts
        self._seconds = np.union1d(sayings.starts, np.minimum(sayings.starts + 1, len(sayings.frames) - 1))
        self._sound_squares = np.square(sayings.sounds).sum(axis=1)

    def again(self, spectra: Array) -> Array:
        """What is said again [3]: the longest stretch as a score, how many stretches, how much in all."""
        heard, general, when = self.heard(spectra, 0.0)
        squares = np.square(heard).sum(axis=1)
        apart = squares[:, None] + squares - 2 * heard @ heard.T
        state = np.zeros(len(heard), np.float32)
        longest, times, total, last = 0.0, 0, 0.0, -_AGAIN_APART_FRAMES
        for number in range(len(heard)):
            gain = np.clip((general[number] - apart[number]) / _GAIN_SCALE, _GAIN_LEAST, _GAIN_MOST)
            gain[when > when[number] - _AGAIN_AFTER_FRAMES] = -9.0
            along, skipped = np.zeros((2, len(heard)), np.float32)
            along[1:], skipped[2:] = state[:-1], state[:-2] - _WARP_COST
            state = np.maximum(np.maximum(state - _WARP_COST, along), np.maximum(skipped, 0)) + gain
            np.maximum(state, 0, out=state)
            reached = float(state.max())
            longest, total = max(longest, reached), total + min(reached, _AGAIN_FULL) / _AGAIN_FULL
            if reached > _AGAIN_SCORE:
                times += int(when[number]) - last > _AGAIN_APART_FRAMES
                last = int(when[number])
        return np.array([longest / 10, times, total / 100], np.float32)

    def heard(self, spectra: Array, move: float) -> tuple[Array, Array, NDArray[np.intp]]:
        """(numbers of the speech frames [n, 20], squared distance to general sounds [n], their places [n])."""
        rows, speech = stacked(spectra, move)
        when = np.flatnonzero(speech)
        heard: Array = ((rows[when] - self.sayings.mean) @ self.sayings.project).astype(np.float32)
        near = np.square(heard).sum(axis=1)[:, None] - 2 * heard @ self.sayings.sounds.T + self._sound_squares
        general: Array = np.partition(near, _NEAREST, axis=1)[:, _NEAREST].astype(np.float32)
        return heard, general, when

    def follow(self, heard: Array, owed: Array, state: Array, best: Array) -> Array:
        """Lay more speech frames [n, 20] along all frames of sayings; `state` before them, `best` raised; state after.

        `owed` [n]: how far each is from general sounds beyond its own square.
        """
        along, skipped = np.zeros((2, state.size), np.float32)
        gains = np.column_stack((heard, np.ones(len(heard), np.float32), owed)) @ self._earns
        np.minimum(np.maximum(gains, np.float32(_GAIN_LEAST), out=gains), np.float32(_GAIN_MOST), out=gains)
        for gain in gains:
            along[1:], skipped[2:] = state[:-1], state[:-2]
            along[self._firsts], skipped[self._seconds] = 0.0, 0.0
            np.maximum(state, skipped, out=state)
            state -= np.float32(_WARP_COST)
            np.maximum(state, along, out=state)
            np.maximum(state, 0, out=state)
            state += gain
            np.maximum(best, state, out=best)
        return state


class Following:
    """How far one line's speech has followed each saying."""

    def __init__(self, sought: Sought) -> None:
        self._sought = sought
        size = len(sought.sayings.frames)
        self._states = [np.zeros(size, np.float32) for _ in MOVES]
        self._bests = [np.zeros(size, np.float32) for _ in MOVES]
        self._frames = 0

    def scores(self, spectra: Array) -> Array:
        """Score of each saying [sayings], the best of all moves, after all of a line's spectra; a second earns some 10.

        Asked again with more spectra, it goes on from where it was.
        """
        for number, move in enumerate(MOVES):
            heard, general, when = self._sought.heard(spectra, move)
            new = when >= self._frames
            owed = general[new] - np.square(heard[new]).sum(axis=1)
            self._states[number] = self._sought.follow(heard[new], owed, self._states[number], self._bests[number])
        self._frames = len(spectra) // 2
        best: Array = np.maximum.reduce(self._bests)
        return np.maximum.reduceat(best, self._sought.sayings.starts)


def summary(scores: Array, sayings: Sayings) -> Array:
    """Of each kind's best scores of a text the three best, the mean of the ten best and of all [3 * 5], in tens."""
    out = np.zeros((3, SUMMARY_SIZE // 3), np.float32)
    for kind in range(3):
        chosen = sayings.kind == kind
        texts = sayings.text[chosen]
        if texts.size:
            best = np.zeros(int(sayings.text.max()) + 1, np.float32)
            np.maximum.at(best, texts, scores[chosen])
            said = np.sort(best[np.unique(texts)])[::-1]
            out[kind, : min(_TOP, said.size)] = said[:_TOP]
            out[kind, _TOP:] = said[:_MANY].mean(), said.mean()
    return (out / np.float32(10)).reshape(-1)
