"""Levels in dBov (ITU-T G.100.1): 0 dBov is the RMS of a full-scale square wave, so a full-scale sine is -3.01 dBov."""

import math

import numpy as np
from numpy.typing import NDArray

FULL_SCALE = 32768.0
SILENCE_DBOV = -100.0


def level_dbov(samples: NDArray[np.generic]) -> float:
    """RMS level of int16-scaled samples [n] in dBov; -100 for digital silence or no samples."""
    if samples.size == 0:
        return SILENCE_DBOV
    power = float(np.mean(np.square(samples.astype(np.float64) / FULL_SCALE)))
    return max(SILENCE_DBOV, 10.0 * float(np.log10(power))) if power > 0 else SILENCE_DBOV


def rms_from_dbov(level: float) -> float:
    """RMS in int16 units of a signal at `level` dBov."""
    return FULL_SCALE * float(10.0 ** (level / 20.0))


def sine_peak_from_dbov(level: float) -> float:
    """Peak amplitude in int16 units of a sine at `level` dBov."""
    return rms_from_dbov(level) * math.sqrt(2.0)
