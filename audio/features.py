"""Front end, vectorised over lines: samples in, a row of numbers per 10 ms hop out.

One 32 ms Hann window every 10 ms (256-point FFT, 31.25 Hz bins). Hop h of a push ends at sample 80*(h+1); its
window is the 256 samples that end there, so spectral features lag the level by about 11 ms.
Shared by the single-line listener and by anything that batches lines.
"""

import threading
from dataclasses import dataclass, fields
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 8000
HOP = 80
HOP_MS = 10
WINDOW = 256
BIN_HZ = RATE_HZ / WINDOW
LOW_BIN, HIGH_BIN = 6, 116
"""Speech band, 188-3625 Hz: mains hum and what a telephone band drops stay outside."""
N_BANDS = 8
N_CODED = 17
_LOBE = 2
_ROWS_AT_ONCE, _ROWS_OF_PRODUCTS = 100, 8
_BINS = WINDOW // 2 + 1
_EDGES = np.array([6, 12, 18, 26, 36, 48, 64, 86, _BINS])
_CODED_HZ = (330.0, 3400.0)
_AROUND = np.arange(-_LOBE - 1, _LOBE + 2)
_LEAST, _LEAST_OF_BAND = np.float32(1e-12), np.float32(1e-10)
_FLAT_DB = np.float32(10 * np.log10(HIGH_BIN - LOW_BIN))
_SCALE = np.float32(1.0 / 32768.0)

Matrix = NDArray[np.float32]
_BINS_HZ = np.arange(LOW_BIN, HIGH_BIN) * BIN_HZ
_VOICE_WEIGHTS = np.where(_BINS_HZ >= 312, np.minimum(_BINS_HZ / 1000, 1.0), 0.0).astype(np.float32)


def _coded_edges() -> NDArray[np.intp]:
    """Bins at which 17 bands begin, equally wide on the mel scale, and where the last one ends."""
    low, high = (np.log10(1 + hz / 700) for hz in _CODED_HZ)
    return np.round(700 * (10 ** np.linspace(low, high, N_CODED + 1) - 1) / BIN_HZ).astype(np.intp)


_TOTAL, _VOICE, _CODED = N_BANDS, N_BANDS + 1, slice(N_BANDS + 2, N_BANDS + 2 + N_CODED)


def _sums() -> tuple[Matrix, Matrix]:
    """Weights [129, 32] that add bins up to the eight bands, the speech band, the voice and the coded bands, and what
    is added to each [32] so that it has a logarithm; numbers beyond those mean nothing."""
    weights, least = np.zeros((_BINS, 32), np.float32), np.full(32, _LEAST_OF_BAND)
    for band in range(N_BANDS):
        weights[_EDGES[band] : _EDGES[band + 1], band] = 1
        least[band] = _LEAST * (_EDGES[band + 1] - _EDGES[band])
    weights[LOW_BIN:HIGH_BIN, _TOTAL] = 1
    weights[LOW_BIN:HIGH_BIN, _VOICE] = _VOICE_WEIGHTS
    edges = _coded_edges()
    for band in range(N_CODED):
        weights[edges[band] : edges[band + 1], _CODED.start + band] = 1 / (edges[band + 1] - edges[band])
    least[_CODED] = _LEAST
    return weights, least


_SUMS, _SUMS_LEAST = _sums()


@dataclass(frozen=True, slots=True)
class Features:
    """Rows of one push; every array is [lines, hops] unless noted.

    level_db    dBov of the 80 samples of the hop, without their mean
    band_db     power of the window in the speech band, dBov
    voice_db    the same above 312 Hz with +3 dB per octave up to 1 kHz: street noise and hum weigh less
    first_hz    strongest spectral peak, interpolated
    first_share its main lobe's share of the band's power, 0..1
    second_hz   strongest peak outside that lobe
    second_share its share
    flatness_db mean log power minus log mean power of the band, <= 0 (near 0 is noise)
    bands_db    [lines, hops, 8] power in eight bands, dB
    coded_db    [lines, hops, 17] mean power in the bands of `codes.py`, dB
    spectrum_db [lines, hops, 129] log power, dB
    """

    level_db: Matrix
    band_db: Matrix
    voice_db: Matrix
    first_hz: Matrix
    first_share: Matrix
    second_hz: Matrix
    second_share: Matrix
    flatness_db: Matrix
    bands_db: Matrix
    coded_db: Matrix
    spectrum_db: Matrix

    def part(self, start: int, stop: int) -> "Features":
        """The same for some of the hops."""
        return Features(*(values[:, start:stop] for values in _values(self)))


_values = attrgetter(*(field.name for field in fields(Features)))


class _Scratch(threading.local):
    """Arrays for what a pass needs only while it runs: big ones made anew each time cost more than the sums in them."""

    def __init__(self) -> None:
        self._rows = 0
        self._made: tuple[Matrix, NDArray[np.complex64], Matrix, Matrix] | None = None

    def rows(self, count: int) -> tuple[Matrix, NDArray[np.complex64], Matrix, Matrix]:
        """For so many hops: windowed samples, their transform, and two arrays of power.

        The first of these has rows to spare, up to a multiple of `_ROWS_OF_PRODUCTS`, of numbers that mean nothing.
        """
        full = -(-count // _ROWS_OF_PRODUCTS) * _ROWS_OF_PRODUCTS
        if self._made is None or full > self._rows:
            self._rows = full
            self._made = (
                np.empty((full, WINDOW), np.float32),
                np.empty((full, _BINS), np.complex64),
                np.zeros((full, _BINS), np.float32),
                np.empty((full, _BINS), np.float32),
            )
        frames, transformed, power, other = self._made
        return frames[:count], transformed[:count], power[:full], other[:count]


_scratch = _Scratch()


def transform(frames: Matrix, out: NDArray[np.complex64]) -> None:
    """Spectra of frames [n, 256] into `out` [n, 129].

    Some at a time, so that they stay near the processor (`docs/figures/detector.md`).
    """
    for first in range(0, len(frames), _ROWS_AT_ONCE):
        rows = slice(first, first + _ROWS_AT_ONCE)
        np.fft.rfft(frames[rows], axis=1, out=out[rows])  # type: ignore[arg-type]  # its types know complex128 only


def windows(samples: Matrix, count: int, hop: int) -> Matrix:
    """Views [count, 256] of samples [n] in one piece, one each `hop`; numpy's own ways take longer than the sums."""
    step = samples.itemsize
    return np.ndarray((count, WINDOW), np.float32, samples, strides=(hop * step, step))


class FrontEnd:
    """Streaming front end of `lines` lines that advance together."""

    def __init__(self, lines: int = 1) -> None:
        self._tail = np.zeros((lines, WINDOW - HOP), np.float32)
        window = np.hanning(WINDOW + 1)[:-1]
        self._window = (window / np.sqrt(np.sum(window**2) * WINDOW / 2)).astype(np.float32)

    def push(self, samples: NDArray[np.int16]) -> Features:
        """Features of int16 samples [lines, n]; n must be a multiple of 80."""
        lines, size = samples.shape
        hops = size // HOP
        if hops * HOP != size:
            raise ValueError("samples must come in whole hops of 80")
        joined = np.empty((lines, self._tail.shape[1] + size), np.float32)
        joined[:, : -size or None] = self._tail
        scaled = joined[:, joined.shape[1] - size :]
        np.multiply(samples, _SCALE, out=scaled)
        self._tail = joined[:, size:]
        step = joined.itemsize
        heard: Matrix = np.ndarray(
            (lines, hops, WINDOW), np.float32, joined, strides=(joined.shape[1] * step, HOP * step, step)
        )
        frames, transformed, spare, other = _scratch.rows(lines * hops)
        power = spare[: lines * hops]
        np.multiply(heard, self._window, out=frames.reshape(heard.shape))
        transform(frames, transformed)
        np.multiply(transformed.real, transformed.real, out=power)
        np.multiply(transformed.imag, transformed.imag, out=other)
        power += other
        blocks = scaled.reshape(lines, hops, HOP)
        energy = np.einsum("lhs,lhs->lh", blocks, blocks) * np.float32(1 / HOP)
        mean = blocks.sum(axis=2) * np.float32(1 / HOP)
        energy = np.maximum(energy - mean * mean, np.float32(0))  # a constant offset is no sound
        return _describe(energy, spare, other)


def _describe(energy: Matrix, spare: Matrix, scratch: Matrix) -> Features:
    """Features from the energy [lines, hops] and power spectra [lines * hops and more, 129]."""
    lines, hops = energy.shape
    shape, rows = (lines, hops), lines * hops
    flat = spare[:rows]
    sums = (spare @ _SUMS)[:rows]  # so many rows at a time that a row's sums do not depend on the others
    sums += _SUMS_LEAST
    total = sums[:, _TOTAL].copy()
    sums_db = _decibels(sums)
    log_power = _decibels(np.add(flat, _LEAST, out=scratch))

    origin = np.arange(0, rows * _BINS, _BINS)
    first = origin + flat[:, LOW_BIN:HIGH_BIN].argmax(axis=1)
    first += LOW_BIN
    np.copyto(scratch, flat)
    scratch.reshape(-1)[first[:, None] + _AROUND] = 0
    second = origin + scratch[:, LOW_BIN:HIGH_BIN].argmax(axis=1)
    second += LOW_BIN
    tops = np.concatenate((first, second))
    lobes = flat.reshape(-1)[tops + _AROUND[1:-1, None]]
    hz = _interpolate(lobes, tops % _BINS).reshape(2, lines, hops)
    share = np.add.reduce(lobes, axis=0).reshape(2, rows)
    share = np.minimum(np.divide(share, total, out=share), np.float32(1), out=share).reshape(2, lines, hops)
    mean_log = np.add.reduce(log_power[:, LOW_BIN:HIGH_BIN], axis=1) / np.float32(HIGH_BIN - LOW_BIN)
    band_db, voice_db = np.ascontiguousarray(sums_db[:, _TOTAL : _VOICE + 1].T)
    return Features(
        level_db=_decibels(energy + _LEAST_OF_BAND),
        band_db=band_db.reshape(shape),
        voice_db=voice_db.reshape(shape),
        first_hz=hz[0],
        first_share=share[0],
        second_hz=hz[1],
        second_share=share[1],
        flatness_db=(mean_log - band_db + _FLAT_DB).reshape(shape),
        bands_db=sums_db[:, :N_BANDS].reshape(lines, hops, N_BANDS),
        coded_db=sums_db[:, _CODED].reshape(lines, hops, N_CODED),
        spectrum_db=log_power.reshape(lines, hops, _BINS),
    )


def _decibels(power: Matrix) -> Matrix:
    level: Matrix = np.log10(power)
    level *= np.float32(10)
    return level


def _interpolate(lobes: Matrix, peak: NDArray[np.intp]) -> Matrix:
    """Frequency of a Hann-windowed sine from the bins beside the peak (exact without noise); lobes [5, n] of power."""
    left, centre, right = np.sqrt(lobes[1:4])
    upward = right >= left
    ratio = np.maximum(left, right)
    ratio /= centre + np.float32(1e-9)
    offset = (2 * ratio - 1) / (1 + ratio)
    offset = np.minimum(np.maximum(offset, np.float32(-0.5), out=offset), np.float32(0.6), out=offset)
    hz: Matrix = (peak + np.where(upward, offset, -offset)).astype(np.float32) * np.float32(BIN_HZ)
    return hz
