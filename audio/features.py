"""Front end, vectorised over lines: samples in, a row of numbers per 10 ms hop out.

One 32 ms Hann window every 10 ms (256-point FFT, 31.25 Hz bins). Hop h of a push ends at sample 80*(h+1); its
window is the 256 samples that end there, so spectral features lag the level by about 11 ms.
Shared by the single-line listener and by anything that batches lines.
"""

from dataclasses import dataclass

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
_EDGES = np.array([6, 12, 18, 26, 36, 48, 64, 86, 116])
_SCALE = np.float32(1.0 / 32768.0)

Matrix = NDArray[np.float32]
_BINS_HZ = np.arange(LOW_BIN, HIGH_BIN) * BIN_HZ
_VOICE_WEIGHTS = np.where(_BINS_HZ >= 312, np.minimum(_BINS_HZ / 1000, 1.0), 0.0).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Features:
    """Rows of one push; every array is [lines, hops] unless noted.

    level_db    dBov of the 80 samples of the hop
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
        scaled = samples.astype(np.float32) * _SCALE
        joined = np.concatenate((self._tail, scaled), axis=1)
        self._tail = joined[:, size:]
        strides = (joined.strides[0], HOP * joined.strides[1], joined.strides[1])
        frames = np.lib.stride_tricks.as_strided(joined, (lines, hops, WINDOW), strides, writeable=False)
        transformed = np.fft.rfft(frames * self._window, axis=2)
        power: Matrix = (transformed.real**2 + transformed.imag**2).astype(np.float32, copy=False)
        blocks = scaled.reshape(lines, hops, HOP)
        energy = np.einsum("lhs,lhs->lh", blocks, blocks) * np.float32(1 / HOP)
        return self._describe(energy, power)

    def _describe(self, energy: Matrix, power: Matrix) -> Features:
        lines, hops, _ = power.shape
        flat = power.reshape(lines * hops, -1)
        rows = np.arange(lines * hops)
        band = flat[:, LOW_BIN:HIGH_BIN]
        floored = flat + np.float32(1e-12)
        log_power = np.float32(10) * np.log10(floored)
        total = band.sum(axis=1) + np.float32(1e-10)
        cumulative = np.zeros((flat.shape[0], flat.shape[1] + 1), np.float32)
        np.cumsum(flat, axis=1, out=cumulative[:, 1:])

        first = band.argmax(axis=1) + LOW_BIN
        first_hz = _interpolate(flat, rows, first)
        first_share = _lobe(cumulative, rows, first) / total
        rest = band.copy()
        for shift in range(-_LOBE - 1, _LOBE + 2):
            rest[rows, np.clip(first - LOW_BIN + shift, 0, rest.shape[1] - 1)] = 0
        second = rest.argmax(axis=1) + LOW_BIN
        second_hz = _interpolate(flat, rows, second)
        second_share = _lobe(cumulative, rows, second) / total

        bands = np.add.reduceat(floored, _EDGES[:-1], axis=1)[:, :N_BANDS]
        shape = (lines, hops)
        band_db = np.float32(10) * np.log10(total)
        flatness = log_power[:, LOW_BIN:HIGH_BIN].mean(axis=1) - (band_db - np.float32(10 * np.log10(110)))
        return Features(
            level_db=np.float32(10) * np.log10(energy + np.float32(1e-10)),
            band_db=band_db.reshape(shape),
            voice_db=(np.float32(10) * np.log10(band @ _VOICE_WEIGHTS + np.float32(1e-10))).reshape(shape),
            first_hz=first_hz.reshape(shape),
            first_share=np.minimum(first_share, 1).reshape(shape),
            second_hz=second_hz.reshape(shape),
            second_share=np.minimum(second_share, 1).reshape(shape),
            flatness_db=flatness.reshape(shape),
            bands_db=(np.float32(10) * np.log10(bands)).reshape(lines, hops, N_BANDS),
            spectrum_db=log_power.reshape(lines, hops, -1),
        )


def _interpolate(power: Matrix, rows: NDArray[np.intp], peak: NDArray[np.intp]) -> Matrix:
    """Frequency of a Hann-windowed sine from the two bins beside the peak (exact without noise)."""
    centre = np.sqrt(power[rows, peak]) + np.float32(1e-9)
    left, right = np.sqrt(power[rows, peak - 1]), np.sqrt(power[rows, peak + 1])
    upward = right >= left
    ratio = np.where(upward, right, left) / centre
    offset = np.clip((2 * ratio - 1) / (1 + ratio), -0.5, 0.6)
    return (peak + np.where(upward, offset, -offset)).astype(np.float32) * np.float32(BIN_HZ)


def _lobe(cumulative: Matrix, rows: NDArray[np.intp], peak: NDArray[np.intp]) -> Matrix:
    high = np.minimum(peak + _LOBE + 1, cumulative.shape[1] - 1)
    share: Matrix = cumulative[rows, high] - cumulative[rows, peak - _LOBE]
    return share
