"""Streaming resampling to 8 kHz by a polyphase windowed sinc (Kaiser, 70 dB; Oppenheim and Schafer, chapter 7).

The rate is a fraction: L output samples for M input samples, L/M = 8000/rate in lowest terms, so there are L sets of
taps ("phases") and output n uses phase n mod L. Audio up to 3.5 kHz passes whole, what would fold back from above 4 kHz
is 70 dB down. No delay: output n stands where the input was at n/8000 s.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 8000
_ATTENUATION_DB = 70.0
_TRANSITION = 0.0625
"""Width of the filter's slope as a share of the lower of the two rates."""

Floats = NDArray[np.float32]


class Resampler:
    """Samples of one channel at `rate_hz` in, at 8 kHz out, in blocks of any size."""

    def __init__(self, rate_hz: int) -> None:
        common = math.gcd(RATE_HZ, rate_hz)
        self._rate_hz = rate_hz
        self._up, self._down = RATE_HZ // common, rate_hz // common
        self._taps = _phases(rate_hz, self._up)
        self._half = self._taps.shape[1] // 2
        self._waiting: Floats = np.zeros(self._half, np.float32)
        self._taken = self._given = 0

    def push(self, samples: Floats) -> Floats:
        """The next samples [n]; returns whole seconds [8000 k] as soon as their surroundings are known."""
        self._taken += samples.size
        self._waiting = np.concatenate((self._waiting, samples))
        seconds = max(0, self._waiting.size - self._taps.shape[1]) // self._rate_hz
        out = [self._second(self._waiting[second * self._rate_hz :]) for second in range(seconds)]
        self._waiting = self._waiting[seconds * self._rate_hz :]
        self._given += seconds * RATE_HZ
        return np.concatenate((np.zeros(0, np.float32), *out))

    def finish(self) -> Floats:
        """What is left at the end of the audio."""
        wanted = math.ceil(self._taken * RATE_HZ / self._rate_hz) - self._given
        padded = self.push(np.zeros(self._rate_hz + self._taps.shape[1], np.float32))
        return padded[:wanted]

    def _second(self, samples: Floats) -> Floats:
        """8,000 output samples from a second of input and the filter's length more."""
        windows = np.lib.stride_tricks.sliding_window_view(samples, self._taps.shape[1])
        out = np.empty(RATE_HZ, np.float32)
        for phase in range(self._up):
            first = phase * self._down // self._up
            out[phase :: self._up] = windows[first : self._rate_hz : self._down] @ self._taps[phase]
        return out


def resample(samples: Floats, rate_hz: int) -> Floats:
    """A whole recording [n] at `rate_hz`, at 8 kHz."""
    if rate_hz == RATE_HZ or samples.size == 0:
        return samples
    filtering = Resampler(rate_hz)
    return np.concatenate((filtering.push(samples), filtering.finish()))


def _phases(rate_hz: int, up: int) -> Floats:
    """Taps [phases, n odd], each phase with a gain of one at 0 Hz."""
    lower_hz = min(rate_hz, RATE_HZ)
    width_hz = _TRANSITION * lower_hz
    cut_hz = (lower_hz - width_hz) / 2
    half = math.ceil((_ATTENUATION_DB - 8) / (2.285 * 2 * math.pi * width_hz / rate_hz) / 2)
    beta = 0.1102 * (_ATTENUATION_DB - 8.7)
    at = np.arange(-half, half + 1)
    taps = np.empty((up, at.size), np.float32)
    for phase in range(up):
        # outputs of a phase stand a fraction of an input sample behind the window's centre
        offset = at - (phase * rate_hz / RATE_HZ) % 1
        shape = np.i0(beta * np.sqrt(np.clip(1 - (offset / (half + 1)) ** 2, 0, 1)))
        row = np.sinc(2 * cut_hz / rate_hz * offset) * shape
        taps[phase] = row / row.sum()
    return taps
