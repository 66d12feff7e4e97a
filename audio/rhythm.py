"""Features for person or machine: the rhythm of speech since answer, its foreground envelope, and level.

People say little and wait; machines talk on. The rhythm comes from voice activity, and once more, softly, from the
envelope against its own peak, which background talk and noise that fool an activity detector do not reach.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from audio.analysis import LineAnalysis
from audio.speech import Burst

Array = NDArray[np.float32]
_FOREGROUND_DB, _SOFT_DB = 12.0, 20.0
_BRIDGE_HOPS = 20
_FLOOR_DB = -32.0
_RECENT_HOPS = (30, 60, 100)
PAUSES = (8, 17)
"""Where in the vector the seconds since the last voice, and since the last foreground voice, stand."""


def amd_vector(line: LineAnalysis) -> Array:
    """Features [33] of a line since answer."""
    speech = line.speech
    parts = (
        _rhythm(speech.bursts, speech.hop, speech.voiced_hops, speaking=speech.speaking),
        _foreground(np.frombuffer(speech.envelope, np.float32)),
        _level(line),
    )
    return np.array([value for part in parts for value in part], np.float32)


def _rhythm(bursts: Sequence[Burst], hops: int, voiced_hops: int, *, speaking: bool) -> list[float]:
    """15 numbers, times in seconds: when, how long, how often, how dense."""
    onset = bursts[0].start if bursts else hops
    lengths = [b.stop - b.start for b in bursts] or [0]
    pauses = [b.start - a.stop for a, b in pairwise(bursts)] or [0]
    since = max(1, hops - onset)
    trailing = hops - bursts[-1].stop if bursts else 0
    return [
        hops / 100,
        onset / 100,
        since / 100,
        min(lengths[0], 300) / 100,
        min(max(lengths), 500) / 100,
        min(lengths[-1] if speaking else 0, 500) / 100,
        sum(lengths) / 100,
        sum(lengths) / since,
        min(trailing, 400) / 100,
        float(len(bursts)),
        len(bursts) * 100 / (since + 50),
        sum(pauses) / len(pauses) / 100,
        max(pauses) / 100,
        min(pauses) / 100,
        voiced_hops / since,
    ]


def _foreground(envelope: Array) -> list[float]:
    """14 numbers from the envelope [hops], dB, against its own peak."""
    peak = float(envelope.max())
    relative = np.maximum(envelope - np.float32(peak), np.float32(_FLOOR_DB))
    size = relative.size
    loud = np.flatnonzero(relative > -_FOREGROUND_DB)
    onset, last = int(loud[0]), int(loud[-1])
    since = size - onset
    steps = np.diff(loud)
    breaks = steps > _BRIDGE_HOPS
    edges = np.flatnonzero(breaks)
    starts = loud[np.concatenate(([0], edges + 1))]
    stops = loud[np.concatenate((edges, [loud.size - 1]))]
    lengths = stops - starts + 1
    pauses = steps[breaks]
    heard = relative[onset:]
    recent = [float(relative[-hops:].max()) for hops in _RECENT_HOPS]
    return [
        onset / 100,
        since / 100,
        (size - 1 - last) / 100,
        float(lengths.size),
        min(int(lengths[0]), 300) / 100,
        min(int(lengths.max()), 500) / 100,
        loud.size / since,
        float(np.count_nonzero(heard > -_SOFT_DB)) / since,
        float(pauses.max()) / 100 if pauses.size else 0.0,
        float(heard.mean()),
        float(heard.std()),
        *recent,
    ]


def _level(line: LineAnalysis) -> list[float]:
    """4 numbers: level of voice, its spread, its distance from the background, and how noisy that is."""
    voice = line.voice_sums / max(1, line.speech.voiced_hops)
    quiet = line.quiet_sums / max(1.0, float(line.quiet_sums[0]))
    variance = max(0.0, float(voice[1] - voice[0] ** 2))
    return [float(voice[0]), variance**0.5, float(voice[0] - quiet[1]), float(quiet[2])]
