"""The voicemail beep: one steady tone (or a chord of two) of 300-2000 Hz that starts and ends abruptly after speech.

Its end is found to a few samples, so that a message can begin right after it.
"""

from dataclasses import dataclass

import numpy as np

from audio.memory import RATE_HZ, Memory
from audio.runs import Run

_HZ = (300.0, 2120.0)
_LENGTH_S = (0.12, 2.5)
_MIN_SHARE = 0.96
_MAX_WANDER = 0.0025
_MIN_RISE_DB = 12.0
_BLOCK = 20


@dataclass(frozen=True, slots=True)
class Beep:
    """A beep that is over. Times in seconds from the start of the phase."""

    hz: float
    start_s: float
    end_s: float
    level_db: float


def judge(run: Run, memory: Memory, speech_level_db: float) -> Beep | None:
    """Whether a closed run is a voicemail beep, given the level of the speech before it."""
    if not _HZ[0] <= run.hz <= _HZ[1] or not _LENGTH_S[0] <= run.length_s <= _LENGTH_S[1]:
        return None
    if run.wander > _MAX_WANDER or run.share < _MIN_SHARE or run.rise_db < _MIN_RISE_DB:
        return None
    if run.level_db < speech_level_db:
        return None
    return Beep(run.hz, run.start_s, _exact_end(run, memory), run.level_db)


def _exact_end(run: Run, memory: Memory) -> float:
    """End of the tone: where the power of 2.5 ms blocks falls for good under a quarter of the beep's own."""
    first_s = max(run.start_s, run.stop_s - 0.06)
    samples = memory.get(first_s, run.stop_s + 0.05)
    count = samples.size // _BLOCK
    if count < 8:
        return run.stop_s
    power = np.mean(samples[: count * _BLOCK].reshape(count, _BLOCK) ** 2, axis=1)
    reference = float(np.median(power[: count // 3]))
    above = np.flatnonzero(power > 0.25 * reference)
    return first_s + (int(above[-1]) + 1) * _BLOCK / RATE_HZ if above.size else run.stop_s
