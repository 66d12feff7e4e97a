"""Sayings heard by alignment with sayings kept as sound: what assistants, menus, mailboxes and exchanges say.

A saying is a row of frames of one synthetic voice (40 ms, 14 wide bands that do not resolve a voice's harmonics, five
frames side by side, reduced to 20 numbers that vary little from voice to voice). Speech is laid along all of them at
once by local alignment (T. Smith, M. Waterman, J. Mol. Biol. 147, 1981; as in keyword spotting by dynamic time
warping): a frame closer to the saying's than to the tenth nearest of 128 general sounds earns, others cost, so that a
part of a saying counts as well. Where every second frame heard is enough, it is laid beside two of a saying, on either
of which it may fall. Because vocal tracts differ in length, the spectrum is moved down, left as it is, or moved up,
whichever brings it closest to the general sounds (L. Lee, R. Rose, ICASSP 1996).
"""

from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from audio.features import transform, windows

Array = NDArray[np.float32]
RATE_HZ = 8000
WINDOW, HOP = 256, 160
NARROW, _MEL_HZ = 24, (150.0, 3700.0)
BANDS = 14
CONTEXT = 2
WIDTH = BANDS * (2 * CONTEXT + 1)
MOVES = (-1.4, 0.0, 1.4)
"""By so many of 24 mel bands the spectrum is moved."""
_ACTIVE_BELOW_DB, _FLOOR_DB = 8.0, -18.0
_NEAREST = 10
_GAIN_SCALE, _GAIN_LEAST, _GAIN_MOST = 30.0, -0.4, 1.0
_WARP_COST = 0.8
_MOST_STEPS = 256
"""Of the most that a frame followed can earn: alignment counts in whole numbers, of which a processor adds up twice as
many at once."""
_OUT = np.int16(-20000)
_AT_ONCE, _PLACES_AT_ONCE = 16, 2048
FRAME_S = 0.04
TIMING_SIZE, SUMMARY_SIZE = 7, 15
_TOP, _MANY = 3, 10
_PAUSE_FRAMES = 5


@dataclass(frozen=True, slots=True, eq=False)
class Sayings:
    """All sayings, one after the other.

    mean [70], project [70, 20]: from stacked bands to the numbers compared; sounds [128, 20]: general sounds;
    frames [n, 20] of all sayings; starts [sayings]: first frame of each; text [sayings]: number of what is said (the
    same for several voices); kind [sayings]: of `phrases.npz` 0 greeting, 1 assistant, 2 menu.
    """

    mean: Array
    project: Array
    sounds: Array
    frames: Array
    starts: NDArray[np.int64]
    text: NDArray[np.int64]
    kind: NDArray[np.int64]


@cache
def load(name: str) -> Sayings:
    """The model `audio/models/<name>.npz`; its data sheet stands beside it."""
    data = resources.files("audio").joinpath("models", f"{name}.npz").read_bytes()
    with np.load(BytesIO(data), allow_pickle=False) as stored:
        real = {name: stored[name].astype(np.float32) for name in ("mean", "project", "sounds")}
        whole = {name: stored[name].astype(np.int64) for name in ("starts", "text", "kind")}
        frames = stored["frames"].astype(np.float32) * stored["step"]
    return Sayings(**real, frames=frames, **whole)


@cache
def _narrow() -> Array:
    """Weights [129, 24] from a power spectrum to bands of equal width on the mel scale."""
    mel = 2595 * np.log10(1 + np.arange(WINDOW // 2 + 1) * (RATE_HZ / WINDOW) / 700)
    low, high = (2595 * np.log10(1 + hz / 700) for hz in _MEL_HZ)
    edges = np.linspace(low, high, NARROW + 2)
    rising = (mel[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - mel[:, None]) / (edges[2:] - edges[1:-1])
    narrow = np.maximum(0, np.minimum(rising, falling))
    out: Array = (narrow / narrow.sum(axis=0)).astype(np.float32)
    return out


@cache
def _wide(move: float) -> Array:
    """Weights [24, 14] from narrow to wide bands, the mel axis moved by `move` of 24 bands."""
    centres = np.linspace(0.6, 22.4, BANDS)
    places = np.clip(np.arange(NARROW) - move, 0, NARROW - 1)
    wide = np.exp(-0.5 * ((places[:, None] - centres) / np.where(centres < 10, 1.5, 1.1)) ** 2)
    out: Array = (wide / wide.sum(axis=0)).astype(np.float32)
    return out


_window = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
_window /= np.sqrt(np.sum(_window**2) * WINDOW / 2)


def power(samples: NDArray[np.float32]) -> Array:
    """Power in 24 narrow bands [frames of 20 ms, 24] of samples [n] in [-1, 1]."""
    if samples.size < WINDOW:
        return np.zeros((0, NARROW), np.float32)
    transformed = np.empty(((samples.size - WINDOW) // HOP + 1, WINDOW // 2 + 1), np.complex64)
    transform(windows(np.ascontiguousarray(samples, np.float32), len(transformed), HOP) * _window, transformed)
    spectra = np.square(transformed.real)
    spectra += np.square(transformed.imag)
    out: Array = spectra @ _narrow()
    return out


def stacked(bands: Array, move: float = 0.0) -> tuple[Array, NDArray[np.bool_]]:
    """(wide bands of five frames side by side [n, 70], which frames are speech [n]) of `power`'s of 20 ms."""
    count = len(bands) // 2
    if count == 0:
        return np.zeros((0, WIDTH), np.float32), np.zeros(0, np.bool_)
    levels = np.log10(bands[: 2 * count] @ _wide(move) + np.float32(1e-10))
    levels = (levels[::2] + levels[1::2]) * np.float32(5)
    loudness = np.add.reduce(levels, axis=1) / np.float32(BANDS)
    speech: NDArray[np.bool_] = loudness > _usual(loudness) - _ACTIVE_BELOW_DB
    mean = np.add.reduce(levels[speech], axis=0) / np.float32(np.count_nonzero(speech))
    padded = np.empty((count + 2 * CONTEXT, BANDS), np.float32)
    inner = padded[CONTEXT:-CONTEXT]
    np.maximum(np.subtract(levels, mean, out=inner), np.float32(_FLOOR_DB), out=inner)
    inner /= np.float32(10)
    padded[:CONTEXT], padded[-CONTEXT:] = inner[0], inner[-1]
    beside = [padded[shift : shift + count] for shift in range(2 * CONTEXT + 1)]
    return np.concatenate(beside, axis=1), speech


def _usual(loudness: Array) -> float:
    """The level that one in twenty frames is above."""
    ranked = np.sort(loudness)
    place = 0.95 * (ranked.size - 1)
    below = int(place)
    low, high = float(ranked[below]), float(ranked[min(below + 1, ranked.size - 1)])
    return low + (high - low) * (place - below)


@dataclass(frozen=True, slots=True)
class Spoken:
    """Speech as it is compared, at one move: `count` frames were heard, of which those at `when` [n] are speech.

    numbers [n, 20], and their squares added up; general [n]: squared distance to the tenth nearest general sound;
    strange: that to the nearest one, on average.
    """

    count: int
    when: NDArray[np.intp]
    numbers: Array
    squares: Array
    general: Array
    strange: float


def timing(spoken: Spoken) -> Array:
    """When it is spoken [7]: seconds heard, before, after and of talk, its share, pauses, the longest."""
    places = spoken.when
    if places.size == 0:
        return np.zeros(TIMING_SIZE, np.float32)
    gaps = np.diff(places) - 1
    pauses = gaps[gaps >= _PAUSE_FRAMES]
    first, last = int(places[0]), int(places[-1])
    numbers = (
        spoken.count * FRAME_S / 10,
        first * FRAME_S / 3,
        (spoken.count - 1 - last) * FRAME_S / 3,
        (last - first + 1) * FRAME_S / 10,
        places.size / (last - first + 1),
        pauses.size / 5,
        float(pauses.max()) * FRAME_S if pauses.size else 0.0,
    )
    return np.array(numbers, np.float32)


class Sought:
    """Sayings prepared for alignment: their frames in a row, some empty places before each.

    One of `every` frames heard is followed: a path goes on by as many places of a saying, or by one more or less.
    """

    def __init__(self, sayings: Sayings, *, every: int = 1) -> None:
        self.sayings = sayings
        self.every, self.steps = every, _MOST_STEPS // every
        """And a score of one in the whole numbers that are counted in."""
        empty = every + 1
        sizes = np.diff(np.concatenate((sayings.starts, [len(sayings.frames)])))
        self.starts = sayings.starts + empty * np.arange(len(sizes))
        places = np.arange(len(sayings.frames)) + empty * np.repeat(np.arange(len(sizes)), sizes)
        self.size = len(places) + empty * (len(sizes) - 1)
        rows = np.zeros((self.size, sayings.frames.shape[1] + 2), np.float32)
        rows[places, :-2] = 2 * sayings.frames
        rows[places, -2] = -np.einsum("ij,ij->i", sayings.frames, sayings.frames)
        rows[places, -1] = 1
        earns = rows.T * np.float32(_MOST_STEPS / _GAIN_SCALE)
        parts = [slice(first, first + _PLACES_AT_ONCE) for first in range(0, self.size, _PLACES_AT_ONCE)]
        self._earns = [(part, np.ascontiguousarray(earns[:, part])) for part in parts]
        """Times (numbers of a frame, 1, what it is owed): what each frame of a saying earns it; in parts, so that what
        comes of each stays near the processor."""
        outside = rows[:, -1] == 0
        self._least = np.full((_AT_ONCE, _PLACES_AT_ONCE), _GAIN_LEAST * _MOST_STEPS, np.float32)
        self._most = np.where(outside, _OUT, np.int16(_GAIN_MOST * _MOST_STEPS))
        self._warp = np.int16(round(_WARP_COST * self.steps))
        self._nothing = np.zeros(self.size, np.int16)  # numpy is quicker with rows than with single numbers
        self._sound_squares = np.square(sayings.sounds).sum(axis=1)

    def heard(self, bands: Array, move: float) -> Spoken:
        """The speech of `power`'s bands."""
        rows, speech = stacked(bands, move)
        when = np.flatnonzero(speech)
        heard: Array = ((rows[when] - self.sayings.mean) @ self.sayings.project).astype(np.float32, copy=False)
        squares: Array = np.einsum("ij,ij->i", heard, heard)
        apart = squares[:, None] - 2 * heard @ self.sayings.sounds.T + self._sound_squares
        general: Array = np.partition(apart, _NEAREST, axis=1)[:, _NEAREST]
        strange = float(np.minimum.reduce(apart, axis=1).sum()) / max(1, when.size)
        return Spoken(speech.size, when, heard, squares, general, strange)

    def follow(self, spoken: Spoken, track: "Track") -> None:
        """Lay the speech frames that came since the track's last along all frames of sayings."""
        new = (spoken.when >= track.frames) & (spoken.when % self.every == 0)
        owed = spoken.general[new] - spoken.squares[new]  # how far from general sounds beyond its own square
        frames = np.column_stack((spoken.numbers[new], np.ones(owed.size, np.float32), owed))
        state, best, kept = track.state, track.best, np.empty(self.size, np.int16)
        here = state[self.every + 1 :]
        slower, along, faster = (state[2 - k : self.size + 2 - k] for k in range(3))
        made = np.empty((_AT_ONCE, self.size), np.int16)
        for first in range(0, len(frames), _AT_ONCE):
            some = frames[first : first + _AT_ONCE]
            gains = made[: len(some)]
            for part, earns in self._earns:
                earned = some @ earns
                gains[:, part] = np.maximum(earned, self._least[: len(some), : earned.shape[1]], out=earned)
            np.minimum(gains, self._most, out=gains)
            for gain in gains:
                np.maximum(slower, faster, out=kept)
                np.subtract(kept, self._warp, out=kept)
                np.maximum(kept, along, out=kept)
                np.maximum(kept, self._nothing, out=kept)
                np.add(kept, gain, out=here)
                np.maximum(best, here, out=best)
        track.frames = spoken.count


class Track:
    """How far one line's speech has followed each saying at one move, in the sought's steps, until `frames`."""

    def __init__(self, sought: Sought) -> None:
        self.state = np.zeros(sought.size + sought.every + 1, np.int16)
        self.best = np.zeros(sought.size, np.int16)
        self.frames = 0


class Following:
    """How far one line's speech has followed each saying, at the move that brings it closest to general sounds."""

    def __init__(self, sought: Sought) -> None:
        self._sought = sought
        self._track = Track(sought)
        self._move: float | None = None

    def hear(self, bands: Array) -> tuple[Array, Spoken]:
        """(Score of each saying [sayings], the speech) after all of a line's `power`; a second that fits earns some 10.

        Asked again with more of it, it goes on from where it was.
        """
        if self._move is None:
            spoken, self._move = min(
                ((self._sought.heard(bands, move), move) for move in MOVES), key=lambda tried: tried[0].strange
            )
        else:
            spoken = self._sought.heard(bands, self._move)
        self._sought.follow(spoken, self._track)
        best = np.maximum.reduceat(self._track.best, self._sought.starts)
        return best.astype(np.float32) / np.float32(self._sought.steps), spoken


def summary(scores: Array, sayings: Sayings) -> Array:
    """Of each kind's best scores of a text the three best, the mean of the ten best and of all [3 * 5], in tens."""
    out = np.zeros((3, SUMMARY_SIZE // 3), np.float32)
    for row, (order, begins) in zip(out, _texts(sayings), strict=True):
        if begins.size:
            said = np.sort(np.maximum.reduceat(scores[order], begins))[::-1]
            row[: min(_TOP, said.size)] = said[:_TOP]
            row[_TOP:] = said[:_MANY].mean(), said.mean()
    return (out / np.float32(10)).reshape(-1)


@lru_cache(maxsize=16)
def _texts(sayings: Sayings) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Of each kind its sayings in the order of their texts, and where in that order each text begins."""
    found = []
    for kind in range(3):
        order = np.flatnonzero(sayings.kind == kind)
        order = order[np.argsort(sayings.text[order], kind="stable")]
        found.append((order, np.unique(sayings.text[order], return_index=True)[1]))
    return found
