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
_LOBE = 2
_ROWS_AT_ONCE = 100
_EDGES = np.array([6, 12, 18, 26, 36, 48, 64, 86])
_AROUND = np.arange(-_LOBE - 1, _LOBE + 2)
_FLAT_DB = np.float32(10 * np.log10(HIGH_BIN - LOW_BIN))
_SCALE = np.float32(1.0 / 32768.0)

Matrix = NDArray[np.float32]
_BINS_HZ = np.arange(LOW_BIN, HIGH_BIN) * BIN_HZ
_VOICE_WEIGHTS = np.where(_BINS_HZ >= 312, np.minimum(_BINS_HZ / 1000, 1.0), 0.0).astype(np.float32)


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
        """For so many hops: windowed samples, their transform, and two arrays of power."""
        if self._made is None or count > self._rows:
            bins = WINDOW // 2 + 1
            self._rows = count
            self._made = (
                np.empty((count, WINDOW), np.float32),
                np.empty((count, bins), np.complex64),
                np.empty((count, bins), np.float32),
                np.empty((count, bins), np.float32),
            )
        frames, transformed, power, other = self._made
        return frames[:count], transformed[:count], power[:count], other[:count]


_scratch = _Scratch()


def transform(frames: Matrix, out: NDArray[np.complex64]) -> None:
    """Spectra of frames [n, 256] into `out` [n, 129].

    Some at a time, so that they stay near the processor (`docs/figures/detector.md`).
    """
    for first in range(0, len(frames), _ROWS_AT_ONCE):
        rows = slice(first, first + _ROWS_AT_ONCE)
        np.fft.rfft(frames[rows], axis=1, out=out[rows])  # type: ignore[arg-type]  # its types know complex128 only


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
        frames, transformed, power, other = _scratch.rows(lines * hops)
        np.multiply(heard, self._window, out=frames.reshape(heard.shape))
        transform(frames, transformed)
        np.multiply(transformed.real, transformed.real, out=power)
        np.multiply(transformed.imag, transformed.imag, out=other)
        power += other
        blocks = scaled.reshape(lines, hops, HOP)
        energy = np.einsum("lhs,lhs->lh", blocks, blocks) * np.float32(1 / HOP)
        mean = blocks.sum(axis=2) * np.float32(1 / HOP)
        energy = np.maximum(energy - mean * mean, np.float32(0))  # a constant offset is no sound
        return self._describe(energy, power, other)

    def _describe(self, energy: Matrix, flat: Matrix, scratch: Matrix) -> Features:
        """Features from the energy [lines, hops] and power spectra [lines * hops, 129]."""
        lines, hops = energy.shape
        rows, bins = flat.shape
        band = flat[:, LOW_BIN:HIGH_BIN]
        floored = np.add(flat, np.float32(1e-12), out=scratch)
        log_power = _decibels(floored)
        bands = np.add.reduceat(floored, _EDGES, axis=1)
        total = np.add.reduce(band, axis=1) + np.float32(1e-10)

        origin = np.arange(0, rows * bins, bins)
        first = origin + LOW_BIN + band.argmax(axis=1)
        rest = scratch
        np.copyto(rest, flat)
        rest.reshape(-1)[first[:, None] + _AROUND] = 0
        second = origin + LOW_BIN + rest[:, LOW_BIN:HIGH_BIN].argmax(axis=1)
        tops = np.concatenate((first, second))
        lobes = flat.reshape(-1)[tops[:, None] + _AROUND[1:-1]]
        hz = _interpolate(lobes, tops % bins).reshape(2, lines, hops)
        share = np.minimum(np.add.reduce(lobes, axis=1).reshape(2, rows) / total, np.float32(1)).reshape(2, lines, hops)

        shape = (lines, hops)
        band_db = _decibels(total)
        mean_log = np.add.reduce(log_power[:, LOW_BIN:HIGH_BIN], axis=1) / np.float32(HIGH_BIN - LOW_BIN)
        return Features(
            level_db=_decibels(energy + np.float32(1e-10)),
            band_db=band_db.reshape(shape),
            voice_db=_decibels(band @ _VOICE_WEIGHTS + np.float32(1e-10)).reshape(shape),
            first_hz=hz[0],
            first_share=share[0],
            second_hz=hz[1],
            second_share=share[1],
            flatness_db=(mean_log - band_db + _FLAT_DB).reshape(shape),
            bands_db=_decibels(bands).reshape(lines, hops, N_BANDS),
            spectrum_db=log_power.reshape(lines, hops, bins),
        )


def _decibels(power: Matrix) -> Matrix:
    level: Matrix = np.log10(power)
    level *= np.float32(10)
    return level


def _interpolate(lobes: Matrix, peak: NDArray[np.intp]) -> Matrix:
    """Frequency of a Hann-windowed sine from the bins beside the peak (exact without noise); lobes [n, 5] of power."""
    left, centre, right = np.sqrt(lobes[:, 1:4]).T
    upward = right >= left
    ratio = np.maximum(left, right) / (centre + np.float32(1e-9))
    offset = np.minimum(np.maximum((2 * ratio - 1) / (1 + ratio), np.float32(-0.5)), np.float32(0.6))
    hz: Matrix = (peak + np.where(upward, offset, -offset)).astype(np.float32) * np.float32(BIN_HZ)
    return hz
