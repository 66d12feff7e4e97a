"""What the last seconds sound like: speech, music or neither, as a vector for the `texture` model.

Pieces of 100 ms are described by their bands, flux, peaks, and by how well the fine structure of the spectrum (what
stands out of its neighbourhood: harmonics) returns 40 to 280 ms later: notes are held, voices glide. Over the last 4 s
their means and spreads are taken, the rhythm of the envelope (speech moves at 2 to 8 Hz, Houtgast and Steeneken 1985),
how often it falls low (Saunders 1996), and how far the bands move together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from audio.features import HIGH_BIN, LOW_BIN, N_BANDS, Features

PIECE_HOPS = 10
_PIECES = 40
_RECENT_PIECES = 30
_REACH = 4
_EVERY = 2
_LAGS = (4, 8, 16, 28)
_PAST = 28
_CLIP_DB = np.float32(12.0)
_N_BINS = HIGH_BIN - LOW_BIN
_PIECE_SIZE = 2 * (N_BANDS + 3) + 3 + 1 + len(_LAGS)
_RHYTHM_SIZE = 16
WIDTH = 2 * _PIECE_SIZE + _RHYTHM_SIZE
_MODULATION_HZ = (0.4, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
_MODULATION_BINS = np.round(np.array(_MODULATION_HZ) * 512 / 100).astype(np.intp)
_SHARES = np.array((0.1, 0.5, 0.9))
_FLOOR_DB = np.float32(-75.0)
_LAST_HOPS = 50
_PLACES, _HOPS = np.arange(_PIECES), np.arange(_PIECES * PIECE_HOPS)
_ONES = np.ones(_HOPS.size, np.float32)

Array = NDArray[np.float32]


def _hannings() -> Array:
    """Row n: a Hann window of n pieces, ending where the longest ends."""
    windows = np.zeros((_PIECES + 1, _HOPS.size), np.float32)
    for pieces in range(1, _PIECES + 1):
        windows[pieces, -pieces * PIECE_HOPS :] = np.hanning(pieces * PIECE_HOPS)
    return windows


_HANNINGS = _hannings()


@dataclass(slots=True)
class _Piece:
    """A tenth of a second: where it stands in a pass's features, its hops of voice and of generated tone, and how many
    of each there were in the segment at its end."""

    heard: Features
    at: int
    voiced_hops: int
    tonal_hops: int
    voiced_until: int
    tonal_until: int


_NO_ROWS, _NO_LEVEL = np.zeros((0, _PIECE_SIZE), np.float32), np.zeros(0, np.float32)
_NO_MOMENTS = np.zeros((0, N_BANDS + 1, N_BANDS + 1), np.float64)
_NO_PAST = np.zeros((_PAST // _EVERY, _N_BINS), np.float32)


class _Segment:
    """Sound since the last buzz: pieces, and of those that were asked for what they sound like.

    first    number of the first piece that is kept; `described` how many were described since the segment began
    rows     [pieces, 30] of the last described pieces, `level` [hops] their levels, `moments` [pieces, 9, 9] sums over
             the hops of each of the products of bands and one: how loud they are, and how they move together
    """

    __slots__ = ("_past", "described", "first", "level", "moments", "pieces", "rows")

    def __init__(self) -> None:
        self.pieces: list[_Piece] = []
        self.first = self.described = 0
        self.rows, self.level, self.moments, self._past = _NO_ROWS, _NO_LEVEL, _NO_MOMENTS, _NO_PAST

    @property
    def stop(self) -> int:
        return self.first + len(self.pieces)

    def forget(self) -> None:
        """Keep the last pieces only; where some were never described, the describing begins anew."""
        surplus = len(self.pieces) - _PIECES
        if surplus <= 0:
            return
        del self.pieces[:surplus]
        self.first += surplus
        if self.described < self.first:
            self.described = self.first
            self.rows, self.level, self.moments, self._past = _NO_ROWS, _NO_LEVEL, _NO_MOMENTS, _NO_PAST

    def describe(self, stop: int) -> None:
        """Describe the pieces up to number `stop`."""
        fresh = self.pieces[self.described - self.first : stop - self.first]
        if not fresh:
            return
        parts = [_stretch(list(run)) for _, run in groupby(fresh, lambda piece: id(piece.heard))]
        bands, level, flatness, share, spectra = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        rows = np.empty((len(fresh), PIECE_HOPS, N_BANDS + 3), np.float32)
        flat = rows.reshape(-1, N_BANDS + 3)
        np.subtract(bands, level[:, None], out=flat[:, :N_BANDS])
        flat[:, N_BANDS], flat[:, N_BANDS + 1], flat[:, N_BANDS + 2] = level, flatness, share
        mean = np.add.reduce(rows, axis=1) / np.float32(PIECE_HOPS)
        moved = rows - mean[:, None]
        moved *= moved
        described = np.empty((len(fresh), _PIECE_SIZE), np.float32)
        size = N_BANDS + 3
        described[:, :size] = mean
        described[:, size : 2 * size] = np.sqrt(np.add.reduce(moved, axis=1) / np.float32(PIECE_HOPS))
        steps = np.abs(np.diff(bands.reshape(len(fresh), PIECE_HOPS, N_BANDS), axis=1))
        described[:, 2 * size] = steps.reshape(len(fresh), -1).mean(axis=1)
        described[:, 2 * size + 1] = [piece.tonal_hops / PIECE_HOPS for piece in fresh]
        described[:, 2 * size + 2] = [piece.voiced_hops / PIECE_HOPS for piece in fresh]
        returns = self._returns(spectra).reshape(len(fresh), -1, 1 + len(_LAGS))
        total = returns[:, 0].copy()
        for hop in range(1, returns.shape[1]):
            total += returns[:, hop]
        described[:, 2 * size + 3 :] = total / np.float32(returns.shape[1])
        self.rows = np.concatenate((self.rows[-_PIECES:], described))
        self.level = np.concatenate((self.level[-_HOPS.size :], np.maximum(level, _FLOOR_DB)))
        loud = np.ones((len(fresh), PIECE_HOPS, N_BANDS + 1))
        loud[:, :, :N_BANDS] = np.maximum(bands, _FLOOR_DB).reshape(len(fresh), PIECE_HOPS, N_BANDS)
        self.moments = np.concatenate((self.moments[-_PIECES:], np.matmul(loud.transpose(0, 2, 1), loud)))
        self.described = stop

    def _returns(self, spectra: Array) -> Array:
        """Of every second hop: how sharp the fine structure is, and its correlation with itself some hops before."""
        count = spectra.shape[0]
        padded = np.empty((count, _N_BINS + 2 * _REACH), np.float32)
        padded[:, :_REACH] = spectra[:, :1]
        padded[:, _REACH:-_REACH] = spectra
        padded[:, -_REACH:] = spectra[:, -1:]
        fine = np.subtract(spectra, _means_of_nine(padded), order="C")
        np.minimum(np.maximum(fine, -_CLIP_DB, out=fine), _CLIP_DB, out=fine)
        joined = np.concatenate((self._past, fine))
        past = _PAST // _EVERY
        self._past = joined[-past:]
        power = np.einsum("ij,ij->i", joined, joined) + np.float32(1.0)
        out = np.empty((count, 1 + len(_LAGS)), np.float32)
        out[:, 0] = np.sqrt(power[past:] / _N_BINS)
        for column, lag in enumerate(_LAGS, 1):
            back = past - lag // _EVERY
            product = np.einsum("ij,ij->i", fine, joined[back : back + count])
            out[:, column] = product / np.sqrt(power[past:] * power[back : back + count])
        return out


def _means_of_nine(values: Array) -> Array:
    """Of rows [n, bins] the mean of each nine neighbours [n, bins - 8]."""
    twos = values[:, 1:] + values[:, :-1]
    fours = twos[:, 2:] + twos[:, :-2]
    nines = fours[:, 4:] + fours[:, :-4]
    nines = nines[:, :-1] + values[:, 8:]
    nines *= np.float32(1 / 9)
    return nines


def _stretch(pieces: list[_Piece]) -> tuple[Array, Array, Array, Array, Array]:
    """Bands, level, flatness, tonality of neighbouring pieces, and the spectra of every second hop."""
    heard, start, stop = pieces[0].heard, pieces[0].at, pieces[-1].at + PIECE_HOPS
    hops = slice(start, stop)
    return (
        heard.bands_db[0, hops],
        heard.band_db[0, hops],
        heard.flatness_db[0, hops],
        heard.first_share[0, hops],
        heard.spectrum_db[0, start + _EVERY - 1 : stop : _EVERY, LOW_BIN:HIGH_BIN],
    )


@dataclass(slots=True)
class Window:
    """The last seconds of a moment: 4 s at most, or since the last buzz. Good until the next pass begins."""

    _segment: _Segment
    _stop: int

    @property
    def recent_voice(self) -> tuple[float, float]:
        """Seconds of voice, and of generated tone, in the last 3 s."""
        segment = self._segment
        last = self._stop - segment.first
        if last == 0:
            return 0.0, 0.0
        voiced, tonal = segment.pieces[last - 1].voiced_until, segment.pieces[last - 1].tonal_until
        if last > _RECENT_PIECES:
            before = segment.pieces[last - 1 - _RECENT_PIECES]
            voiced, tonal = voiced - before.voiced_until, tonal - before.tonal_until
        return voiced / 100, tonal / 100

    @property
    def length_s(self) -> float:
        """How much there is to judge by, 4 s at most."""
        return min(self._stop, _PIECES) / 10

    @property
    def since_s(self) -> float:
        """Seconds since the last buzz."""
        return self._stop / 10

    def vector(self) -> Array:
        """Features [76]; there must be a piece."""
        found: Array = vectors([self])[0]
        return found


class Texture:
    """Texture of one line: push pieces, ask for windows now and then."""

    def __init__(self) -> None:
        self._segment = _Segment()

    def push(self, heard: Features, at: int, voiced_hops: int, tonal_hops: int) -> None:
        """Take a piece: ten hops of features [1, hops] from `at` on, how many are voice and how many generated tone."""
        pieces = self._segment.pieces
        voiced, tonal = (pieces[-1].voiced_until, pieces[-1].tonal_until) if pieces else (0, 0)
        pieces.append(_Piece(heard, at, voiced_hops, tonal_hops, voiced + voiced_hops, tonal + tonal_hops))

    def clear(self) -> None:
        """Forget what was: a ring or busy tone says nothing about what follows."""
        self._segment = _Segment()

    def forget(self) -> None:
        """A new pass begins: what no window can reach any more goes."""
        self._segment.forget()

    def window(self) -> Window:
        """The last seconds as they are now."""
        return Window(self._segment, self._segment.stop)


def vectors(windows: Sequence[Window]) -> Array:
    """Features [n, 76] of windows in time order; each must hold a piece."""
    found = [_vectors(segment, [w._stop for w in of]) for segment, of in groupby(windows, lambda w: w._segment)]
    return np.concatenate(found)


def _vectors(segment: _Segment, stops: Sequence[int]) -> Array:
    segment.describe(stops[-1])
    base = segment.described - len(segment.rows)
    begin = np.array(stops)[:, None] - (_PIECES + base)
    sizes = np.minimum(stops, _PIECES)
    inside = sizes[:, None] >= _PIECES - _PLACES
    rows = segment.rows[np.maximum(begin + _PLACES, 0)]
    weight = (inside / sizes[:, None]).astype(np.float32)
    mean = np.einsum("np,npf->nf", weight, rows)
    moved = rows - mean[:, None]
    moved *= moved
    spread = np.sqrt(np.einsum("np,npf->nf", weight, moved))
    level = segment.level[np.maximum(begin * PIECE_HOPS + _HOPS, 0)]
    rhythm = _rhythm(level, inside.repeat(PIECE_HOPS, axis=1), sizes)
    sums = np.concatenate((np.zeros((1, N_BANDS + 1, N_BANDS + 1)), segment.moments.cumsum(axis=0)))
    last = np.array(stops) - base
    rhythm[:, -4:-2] = _together(sums[last] - sums[last - sizes], sizes)
    return np.concatenate((mean, spread, rhythm), axis=1)


def _together(moments: NDArray[np.float64], sizes: NDArray[np.intp]) -> NDArray[np.float64]:
    """How far all bands move together, and neighbouring ones [n, 2], from sums [n, 9, 9] over so many pieces."""
    means = moments / (sizes * PIECE_HOPS)[:, None, None]
    middle = means[:, :N_BANDS, N_BANDS]
    products = means[:, :N_BANDS, :N_BANDS] - middle[:, :, None] * middle[:, None, :]
    spread = np.sqrt(np.maximum(products.diagonal(axis1=1, axis2=2), 0.0)) + 0.5
    alike = products / (spread[:, :, None] * spread[:, None, :])
    both = (alike.sum(axis=(1, 2)) - alike.trace(axis1=1, axis2=2)) / (N_BANDS * (N_BANDS - 1))
    return np.stack((both, alike.diagonal(1, axis1=1, axis2=2).mean(axis=1)), axis=1)


def _rhythm(level: Array, inside: NDArray[np.bool_], sizes: NDArray[np.intp]) -> Array:
    """16 numbers [n, 16] from levels [n, hops]: modulation, range, low share; room for how bands move together.

    `inside` [n, hops] marks the hops that count, the last ones; `sizes` [n] are they in pieces.
    """
    count = (sizes * PIECE_HOPS).astype(np.float32)
    mask = inside.astype(np.float32)
    mean = np.einsum("nh,nh->n", level, mask) / count
    spectrum = np.fft.rfft((level - mean[:, None]) * _HANNINGS[sizes], 512)
    energy = np.add.reduceat(spectrum.real**2 + spectrum.imag**2, _MODULATION_BINS, axis=1)[:, :-1]
    total = np.add.reduce(energy, axis=1) + np.float32(1.0)
    low, middle, high = _percentiles(np.where(inside, level, np.float32(np.inf)), sizes * PIECE_HOPS)
    loudness = np.exp(level * np.float32(np.log(10) / 10))
    usual = 10 * np.log10(np.einsum("nh,nh->n", loudness, mask) / count)
    below = np.where(inside, level - usual[:, None], np.float32(0))
    out = np.empty((len(level), _RHYTHM_SIZE), np.float32)
    out[:, :6] = energy / total[:, None]
    out[:, 6] = np.log10(total)
    out[:, 7], out[:, 8], out[:, 9] = high - middle, middle - low, usual - middle
    out[:, 10] = (below < -6) @ _ONES / count  # numpy takes its time to count
    out[:, 11] = (below < -12) @ _ONES / count
    out[:, 14] = sizes / _PIECES
    recent = np.einsum("nh,nh->n", level[:, -_LAST_HOPS:], mask[:, -_LAST_HOPS:]) / np.minimum(count, _LAST_HOPS)
    out[:, 15] = recent - mean
    return out


def _percentiles(level: Array, counts: NDArray[np.intp]) -> NDArray[np.float64]:
    """The 10th, 50th and 90th percentiles [3, n] of the `counts` lowest of each row of levels [n, hops]."""
    ranked, row = np.sort(level, axis=1), np.arange(len(level))
    place = _SHARES[:, None] * (counts - 1)
    below = place.astype(np.intp)
    low, high = ranked[row, below].astype(np.float64), ranked[row, np.minimum(below + 1, counts - 1)]
    found: NDArray[np.float64] = low + (high - low) * (place - below)
    return found
