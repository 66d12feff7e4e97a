"""What the last seconds sound like: speech, music or neither, as a vector for the `texture` model.

Pieces of 100 ms are described by their bands, flux, peaks, and by how well the fine structure of the spectrum (what
stands out of its neighbourhood: harmonics) returns 40 to 280 ms later: notes are held, voices glide. Over the last 4 s
their means and spreads are taken, the rhythm of the envelope (speech moves at 2 to 8 Hz, Houtgast and Steeneken 1985),
how often it falls low (Saunders 1996), and how far the bands move together.
"""

from collections import deque
from dataclasses import dataclass
from functools import lru_cache

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
_MODULATION_HZ = (0.4, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
_MODULATION_BINS = np.round(np.array(_MODULATION_HZ) * 512 / 100).astype(np.intp)
_SHARES = np.array((0.1, 0.5, 0.9))
_FLOOR_DB = -75.0

Array = NDArray[np.float32]


_hanning = lru_cache(maxsize=_PIECES)(np.hanning)


def _percentiles(level: Array) -> list[float]:
    """The 10th, 50th and 90th percentile of levels [n], as `numpy.percentile` has them but ten times as quick."""
    places = _SHARES * (level.size - 1)
    below = places.astype(np.intp)
    ranked = np.sort(level).astype(np.float64)
    low, high = ranked[below], ranked[np.minimum(below + 1, level.size - 1)]
    found: list[float] = (low + (high - low) * (places - below)).tolist()
    return found


@dataclass(slots=True)
class _Piece:
    """A tenth of a second; its vector is made when it is asked for."""

    features: Features
    voiced_hops: int
    tonal_hops: int
    vector: Array | None = None


class Texture:
    """Texture of one line: push pieces, ask for a vector now and then."""

    def __init__(self) -> None:
        self._pieces: deque[_Piece] = deque(maxlen=_PIECES)
        self._past = np.zeros((_PAST, _N_BINS), np.float32)

    def push(self, features: Features, voiced_hops: int, tonal_hops: int) -> None:
        """Take the features [1, 10] of a piece, and how many of its hops are voice and generated tone."""
        self._pieces.append(_Piece(features, voiced_hops, tonal_hops))

    def clear(self) -> None:
        """Forget what was: a ring or busy tone says nothing about what follows."""
        self._pieces.clear()
        self._past = np.zeros((_PAST, _N_BINS), np.float32)

    @property
    def recent_voice(self) -> tuple[float, float]:
        """Seconds of voice, and of generated tone, in the last 3 s."""
        pieces = list(self._pieces)[-_RECENT_PIECES:]
        return sum([p.voiced_hops for p in pieces]) / 100, sum([p.tonal_hops for p in pieces]) / 100

    @property
    def length_s(self) -> float:
        """How much there is to judge by, 4 s at most."""
        return len(self._pieces) / 10

    def vector(self) -> Array:
        """Features [76] of the last 4 s, or since the last buzz; there must be a piece."""
        fresh = [piece for piece in self._pieces if piece.vector is None]
        if fresh:
            for piece, vector in zip(fresh, self._describe(fresh), strict=True):
                piece.vector = vector
        rows = np.stack([piece.vector for piece in self._pieces if piece.vector is not None])
        return np.concatenate((rows.mean(axis=0), rows.std(axis=0), self._rhythm()))

    def _describe(self, pieces: list[_Piece]) -> Array:
        """Rows [n, 30]: mean and spread of eleven numbers, flux, shares of tone and voice, sharpness, returns."""
        rows = np.empty((len(pieces), PIECE_HOPS, N_BANDS + 3), np.float32)
        bands = np.stack([piece.features.bands_db[0] for piece in pieces])
        band = np.stack([piece.features.band_db[0] for piece in pieces])
        rows[:, :, :N_BANDS] = bands - band[:, :, None]
        rows[:, :, N_BANDS] = band
        rows[:, :, N_BANDS + 1] = [piece.features.flatness_db[0] for piece in pieces]
        rows[:, :, N_BANDS + 2] = [piece.features.first_share[0] for piece in pieces]
        flux = np.abs(np.diff(bands, axis=1)).mean(axis=(1, 2))
        shares = np.array([(piece.tonal_hops, piece.voiced_hops) for piece in pieces], np.float32) / PIECE_HOPS
        spectra = np.concatenate([piece.features.spectrum_db[0, :, LOW_BIN:HIGH_BIN] for piece in pieces])
        returns = self._returns(spectra).reshape(len(pieces), -1, 1 + len(_LAGS)).mean(axis=1)
        return np.concatenate((rows.mean(axis=1), rows.std(axis=1), flux[:, None], shares, returns), axis=1)

    def _returns(self, spectra: Array) -> Array:
        """Of every second hop: how sharp the fine structure is, and its correlation with itself some hops before."""
        sums = np.zeros((spectra.shape[0], _N_BINS + 2 * _REACH + 2), np.float32)
        padded = np.concatenate((spectra[:, :1].repeat(_REACH, 1), spectra, spectra[:, -1:].repeat(_REACH + 1, 1)), 1)
        np.cumsum(padded, axis=1, out=sums[:, 1:])
        width = 2 * _REACH + 1
        fine = spectra - (sums[:, width : width + _N_BINS] - sums[:, :_N_BINS]) / np.float32(width)
        joined = np.concatenate((self._past, np.clip(fine, -_CLIP_DB, _CLIP_DB)))
        self._past = joined[-_PAST:]
        power = np.einsum("ij,ij->i", joined, joined) + np.float32(1.0)
        now = np.arange(_PAST, joined.shape[0])[_EVERY - 1 :: _EVERY]
        out = np.empty((now.size, 1 + len(_LAGS)), np.float32)
        out[:, 0] = np.sqrt(power[now] / _N_BINS)
        for column, lag in enumerate(_LAGS, 1):
            product = np.einsum("ij,ij->i", joined[now], joined[now - lag])
            out[:, column] = product / np.sqrt(power[now] * power[now - lag])
        return out

    def _rhythm(self) -> Array:
        """16 numbers from the level [hops] of the last seconds: modulation, range, low share, bands together."""
        bands = np.concatenate([piece.features.bands_db[0] for piece in self._pieces])
        level = np.maximum(np.concatenate([piece.features.band_db[0] for piece in self._pieces]), _FLOOR_DB)
        moved = level - level.mean()
        spectrum = np.abs(np.fft.rfft(moved * _hanning(moved.size), 512)) ** 2
        energy = np.add.reduceat(spectrum, _MODULATION_BINS)[:-1]
        total = energy.sum() + 1.0
        low, middle, high = _percentiles(level)
        usual = 10 * np.log10(np.mean(10 ** (level / 10)))
        moves = np.maximum(bands, _FLOOR_DB)
        moves = moves - moves.mean(axis=0)
        spread = np.sqrt((moves * moves).mean(axis=0)) + 0.5
        alike = (moves.T @ moves) / moves.shape[0] / np.outer(spread, spread)
        together = (alike.sum() - alike.trace()) / (N_BANDS * (N_BANDS - 1))
        near = alike.diagonal(1).mean()
        numbers = (
            *(energy / total),
            np.log10(total),
            high - middle,
            middle - low,
            usual - middle,
            np.mean(level < usual - 6),
            np.mean(level < usual - 12),
            together,
            near,
            len(self._pieces) / _PIECES,
            float(level[-50:].mean() - level.mean()),
        )
        return np.array(numbers, np.float32)
