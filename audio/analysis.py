"""One line's hearing, chunk by chunk: front end, tone runs, voice activity, digits and running statistics.

It measures and never decides; `listener.py` decides. A chunk is 100 ms, so that few numpy calls serve many hops.
"""

from collections import deque
from dataclasses import dataclass
from itertools import pairwise

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


@dataclass(frozen=True, slots=True)
class Step:
    """What one chunk brought: runs that ended, digits, the raw features [1, 10] and voice decisions [10]."""

    ended: list[Run]
    digits: list[Digit]
    features: Features
    voiced: list[bool]


class LineAnalysis:
    """State of one line in one phase. All times are seconds of audio since the phase began."""

    def __init__(self, *, early: bool) -> None:
        """`early`: ring-back and busy tones are to be expected, so buzzes count as tones rather than voice."""
        self.now_s = 0.0
        self.memory = Memory(4.0)
        self.speech = SpeechTracker()
        self.runs = RunTracker(beating=early)
        self.tone_hops = 0
        self._front = FrontEnd()
        self._dtmf = DtmfDetector()
        self._chunks = 0
        self._voice_sums = np.zeros(N_BANDS + 4)
        self._quiet_sums = np.zeros(3)
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
        voiced = self.speech.push(features.voice_db[0].tolist(), tonal)
        in_tone = sum(map(bool, tonal))
        self.tone_hops += in_tone
        self._collect(features, voiced, in_tone / CHUNK_HOPS)
        return Step(ended, self._dtmf.push(*peaks), features, voiced)

    def _collect(self, features: Features, voiced: list[bool], tonal_share: float) -> None:
        band, bands = features.band_db[0], features.bands_db[0]
        rows = np.empty((CHUNK_HOPS, N_BANDS + 4), np.float32)
        rows[:, :N_BANDS] = bands - band[:, None]
        rows[:, N_BANDS] = band
        rows[:, N_BANDS + 1] = features.flatness_db[0]
        rows[:, N_BANDS + 2] = features.first_share[0]
        rows[:, N_BANDS + 3] = band * band
        mask = np.array(voiced)
        if mask.any():
            self._voice_sums += mask @ rows
        if not mask.all():
            quiet = ~mask
            self._quiet_sums += (quiet.sum(), quiet @ band, quiet @ rows[:, N_BANDS + 1])
        means = rows[:, : N_BANDS + 3].mean(axis=0)
        spread = rows[:, : N_BANDS + 3].std(axis=0)
        flux = np.abs(np.diff(bands, axis=0)).mean()
        extra = np.array([flux, tonal_share, mask.mean()], np.float32)
        self._texture.append(np.concatenate((means, spread, extra)))

    def amd_vector(self) -> NDArray[np.float32]:
        """Features [27] of the call since answer for person or machine: rhythm first, then level and colour."""
        speech = self.speech
        hops = speech.hop
        bursts = speech.bursts
        onset = bursts[0].start if bursts else hops
        lengths = [b.stop - b.start for b in bursts] or [0]
        pauses = [b.start - a.stop for a, b in pairwise(bursts)]
        since = hops - onset
        current = lengths[-1] if speech.speaking else 0
        voiced = max(1, speech.voiced_hops)
        talk = sum(lengths)
        voice = self._voice_sums / voiced
        variance = max(0.0, voice[N_BANDS + 3] - voice[N_BANDS] ** 2)
        quiet = max(1.0, float(self._quiet_sums[0]))
        rhythm = [
            hops / 100,
            onset / 100,
            since / 100,
            min(lengths[0], 300) / 100,
            min(max(lengths), 500) / 100,
            min(current, 500) / 100,
            talk / 100,
            talk / max(1, since),
            min(speech.trailing_hops, 400) / 100 if bursts else 0.0,
            float(len(bursts)),
            float(np.log1p(len(bursts)) / np.log1p(since / 100 + 0.5)),
            sum(pauses) / max(1, len(pauses)) / 100,
            max(pauses, default=0) / 100,
            min(pauses, default=0) / 100,
            speech.voiced_hops / max(1, since),
        ]
        level = [
            voice[N_BANDS],
            variance**0.5,
            voice[N_BANDS] - self._quiet_sums[1] / quiet,
            self._quiet_sums[2] / quiet,
            voice[N_BANDS + 1],
            voice[N_BANDS + 2],
            min(self.tone_hops, 200) / 100,
        ]
        colour = [voice[0] - voice[2], voice[1] - voice[3], voice[4] - voice[2], voice[6] - voice[3], voice[7]]
        return np.array(rhythm + level + colour, np.float32)

    @property
    def recent_voice(self) -> tuple[float, float]:
        """Seconds of voice, and of generated tone, in the last 3 s."""
        return (
            sum(float(piece[-1]) for piece in self._texture) * CHUNK_S,
            sum(float(piece[-2]) for piece in self._texture) * CHUNK_S,
        )

    def texture_vector(self) -> NDArray[np.float32]:
        """Features [51] of the last 3 s for speech or music: means, spreads within and between 100 ms pieces."""
        pieces = np.stack(self._texture)
        return np.concatenate((pieces.mean(axis=0), pieces.std(axis=0), pieces[:, -1:].min(axis=0)))
