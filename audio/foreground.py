"""Whose voice: how likely each hop holds the foreground speaker, not noise, hum, babble or music behind him.

A small network looks at eight bands above their own floors, at the level below the running peak, at flatness and
tonality, around each hop (150 ms before to 60 ms after: its answer comes 60 ms late). Trained on clips whose clean
speech is known (`audio.training`); lost packets are bridged by the last good hop.
"""

import numpy as np
from numpy.typing import NDArray

from audio import model
from audio.features import N_BANDS, Features
from audio.speech import lowest_of

Array = NDArray[np.float32]
LOOK_HOPS = 6
"""So many hops later the answer comes."""
_BACK_HOPS, _NEAR_HOPS = 15, 5
_CONTEXT = _BACK_HOPS + LOOK_HOPS
_CHUNK_HOPS, _FLOOR_CHUNKS = 10, 25
_LOWEST_HOPS = 3
_PEAK_DECAY_DB = 0.1
_LOST_DBOV, _LOST_MOST_HOPS = -73.0, 8
_BOTTOM_DBOV = -80.0
_ROW = N_BANDS + 4
WIDTH = 4 * _ROW


class ForegroundInputs:
    """Streaming inputs of the network: chunks of ten hops in, as many rows [hops, 48] out, `LOOK_HOPS` behind."""

    def __init__(self) -> None:
        self._rows = np.zeros((0, _ROW), np.float32)
        self._lows = np.full((_FLOOR_CHUNKS, N_BANDS + 1), np.inf, np.float32)
        self._peak_db = _BOTTOM_DBOV
        self._good: Array | None = None
        self._lost = 0

    def push(self, features: Features) -> Array:
        """Rows for the hops of a chunk of one line [1, hops]."""
        raw = np.concatenate(
            (
                features.bands_db[0],
                features.voice_db[0][:, None],
                features.flatness_db[0][:, None],
                features.first_share[0][:, None],
            ),
            axis=1,
        )
        return self.push_raw(raw, features.level_db[0])

    def push_raw(self, raw: Array, level_db: Array) -> Array:
        """The same from rows [hops, 11] of eight bands, voice level, flatness and tonality; whole chunks."""
        raw = self._bridge(raw, level_db)
        chunks, size = len(raw) // _CHUNK_HOPS, len(raw)
        levels = np.maximum(raw[:, : N_BANDS + 1], _BOTTOM_DBOV)
        low = np.partition(levels.reshape(chunks, _CHUNK_HOPS, -1), _LOWEST_HOPS, axis=1)[:, :_LOWEST_HOPS].mean(axis=1)
        joined = np.concatenate((self._lows, low))
        self._lows = joined[chunks:]
        floors = lowest_of(joined, _FLOOR_CHUNKS)[_FLOOR_CHUNKS:]
        loudest: list[float] = levels[:, N_BANDS].reshape(chunks, -1).max(axis=1).tolist()
        peaks = []
        for loud, floor in zip(loudest, floors[:, N_BANDS].tolist(), strict=True):
            self._peak_db = max(loud, self._peak_db - _PEAK_DECAY_DB, floor + 10)
            peaks.append(self._peak_db)
        rows = np.empty((size, _ROW), np.float32)
        rows[:, : N_BANDS + 1] = levels - floors.repeat(_CHUNK_HOPS, axis=0)
        rows[:, N_BANDS + 1] = levels[:, N_BANDS] - np.array(peaks, np.float32).repeat(_CHUNK_HOPS)
        rows[:, N_BANDS + 2 :] = raw[:, N_BANDS + 1 :]
        if not len(self._rows):
            self._rows = np.repeat(rows[:1], _CONTEXT, axis=0)
        around = np.concatenate((self._rows, rows))
        self._rows = around[len(around) - _CONTEXT :]
        return _context(around, chunks)

    def _bridge(self, raw: Array, level_db: Array) -> Array:
        """Short digital silence, a lost packet, is replaced by the hop before it."""
        zero = level_db < _LOST_DBOV
        if not zero.any():
            self._good, self._lost = raw[-1], 0
            return raw
        raw = raw.copy()
        for hop, lost in enumerate(zero.tolist()):
            self._lost = self._lost + 1 if lost else 0
            if self._good is not None and 0 < self._lost <= _LOST_MOST_HOPS:
                raw[hop] = self._good
            else:
                self._good = raw[hop].copy()
        return raw


def _context(rows: Array, chunks: int) -> Array:
    """Rows [10 n, 48] as each hop of n chunks and its surroundings have them, from rows [21 + 10 n, 12].

    Sums run within a chunk, so that the same comes out however many chunks come at once.
    """
    step = rows.strides[0]
    shape, strides = (chunks, _CONTEXT + _CHUNK_HOPS, _ROW), (_CHUNK_HOPS * step, step, rows.itemsize)
    spans: Array = np.ndarray(shape, np.float32, rows, strides=strides)
    sums = np.zeros((chunks, _CONTEXT + _CHUNK_HOPS + 1, _ROW), np.float32)
    np.cumsum(spans, axis=1, out=sums[:, 1:])
    size, width = _CHUNK_HOPS, _ROW
    at, after, near = _BACK_HOPS, _BACK_HOPS + LOOK_HOPS + 1, _BACK_HOPS - _NEAR_HOPS
    before = sums[:, near : near + size]
    out = np.empty((chunks, size, WIDTH), np.float32)
    out[:, :, :width] = spans[:, at : at + size]
    out[:, :, width : 2 * width] = (sums[:, after : after + size] - sums[:, at + 1 : at + 1 + size]) / LOOK_HOPS
    out[:, :, 2 * width : 3 * width] = (sums[:, at : at + size] - before) / _NEAR_HOPS
    out[:, :, 3 * width :] = (before - sums[:, :size]) / near
    return out.reshape(-1, WIDTH)


class Foreground:
    """Probability of foreground speech, hop by hop."""

    def __init__(self, weights: model.Model | None = None) -> None:
        """`weights`: others than those that ship, while training."""
        self._inputs = ForegroundInputs()
        self._model = weights or model.load("foreground")

    def push(self, features: Features) -> Array:
        """Probabilities [hops] of the hops `LOOK_HOPS` before those given."""
        shares = self._model.probabilities(self._inputs.push(features))
        spoken: Array = shares[:, 1]
        return spoken
