"""One line's hearing, chunk by chunk: front end, tone runs, voice activity, digits and running statistics.

It measures and never decides; `listener.py` decides. A chunk is 100 ms, so that few numpy calls serve many hops.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audio.dtmf import Digit, DtmfDetector
from audio.features import HOP, N_BANDS, Features, FrontEnd
from audio.memory import Memory
from audio.runs import Run, RunTracker
from audio.speech import SpeechTracker

CHUNK_HOPS = 10
CHUNK = CHUNK_HOPS * HOP
CHUNK_S = 0.1
_TEXTURE_CHUNKS = 30
_WARM_UP_HOPS = 3
_BUZZ_S = 0.3
_BUZZ_HZ = (330.0, 700.0)


@dataclass(frozen=True, slots=True)
class Step:
    """What one chunk brought: runs that ended, digits, the raw features [1, 10] and voice decisions [10]."""

    ended: list[Run]
    digits: list[Digit]
    features: Features
    voiced: list[bool]


def _is_buzz(run: Run | None) -> bool:
    """Whether a run looks like a call-progress tone, perhaps of two frequencies that beat."""
    return run is not None and run.length_s >= _BUZZ_S and _BUZZ_HZ[0] <= run.hz <= _BUZZ_HZ[1] and run.share > 0.8


class LineAnalysis:
    """State of one line in one phase. All times are seconds of audio since the phase began."""

    def __init__(self, *, early: bool) -> None:
        """`early`: ring-back and busy tones are to be expected, so buzzes count as tones rather than voice."""
        self._early = early
        self.now_s = 0.0
        self.memory = Memory(4.0)
        self.speech = SpeechTracker()
        self.runs = RunTracker(beating=early)
        self.tone_hops = 0
        self._front = FrontEnd()
        self._dtmf = DtmfDetector()
        self._chunks = 0
        self.voice_sums = np.zeros(2)
        self.quiet_sums = np.zeros(3)
        self._texture: deque[NDArray[np.float32]] = deque(maxlen=_TEXTURE_CHUNKS)

    def push(self, chunk: NDArray[np.int16]) -> Step:
        """Take the next chunk of 800 samples."""
        self.memory.push(chunk)
        features = self._front.push(chunk[None, :])
        if self._chunks == 0:
            for levels in (features.band_db, features.voice_db):
                levels[0, :_WARM_UP_HOPS] = levels[0, _WARM_UP_HOPS]
        self._chunks += 1
        self.now_s = self._chunks * CHUNK_S
        band = features.band_db[0].tolist()
        peaks = [
            values[0].tolist()
            for values in (features.first_hz, features.first_share, features.second_hz, features.second_share)
        ]
        ended, tonal = self.runs.push(band, *peaks)
        voiced = self.speech.push(features.level_db[0].tolist(), features.voice_db[0].tolist(), tonal)
        if self._early and any(_is_buzz(run) for run in (*ended, self.runs.current)):
            self._texture.clear()
        in_tone = sum(map(bool, tonal))
        self.tone_hops += in_tone
        self._collect(features, voiced, in_tone / CHUNK_HOPS)
        return Step(ended, self._dtmf.push(*peaks), features, voiced)

    def _collect(self, features: Features, voiced: list[bool], tonal_share: float) -> None:
        band, bands = features.band_db[0], features.bands_db[0]
        rows = np.empty((CHUNK_HOPS, N_BANDS + 3), np.float32)
        rows[:, :N_BANDS] = bands - band[:, None]
        rows[:, N_BANDS] = band
        rows[:, N_BANDS + 1] = features.flatness_db[0]
        rows[:, N_BANDS + 2] = features.first_share[0]
        mask = np.array(voiced)
        self.voice_sums += (mask @ band, mask @ (band * band))
        if not mask.all():
            quiet = ~mask
            self.quiet_sums += (quiet.sum(), quiet @ band, quiet @ rows[:, N_BANDS + 1])
        means = rows.mean(axis=0)
        spread = rows.std(axis=0)
        flux = np.abs(np.diff(bands, axis=0)).mean()
        extra = np.array([flux, tonal_share, mask.mean()], np.float32)
        self._texture.append(np.concatenate((means, spread, extra)))

    @property
    def recent_voice(self) -> tuple[float, float]:
        """Seconds of voice, and of generated tone, in the last 3 s."""
        return (
            sum(float(piece[-1]) for piece in self._texture) * CHUNK_S,
            sum(float(piece[-2]) for piece in self._texture) * CHUNK_S,
        )

    def texture_vector(self) -> NDArray[np.float32]:
        """Features [51] for speech or music: the last 3 s, or since the last buzz, in pieces of 100 ms."""
        pieces = np.stack(self._texture)
        return np.concatenate((pieces.mean(axis=0), pieces.std(axis=0), pieces[:, -1:].min(axis=0)))
