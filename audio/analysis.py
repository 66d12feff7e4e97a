"""One line's hearing, chunk by chunk: front end, tone runs, voice activity, digits and running statistics.

It measures and never decides; `listener.py` decides. A chunk is 100 ms. Chunks may come several at once: then one pass
of the front end, whose cost hardly depends on how many hops it gets, serves them all.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audio.dtmf import Digit, DtmfDetector, may_be_digit
from audio.features import HOP, Features, FrontEnd
from audio.memory import Memory
from audio.runs import Run, RunTracker, may_sound
from audio.speech import SpeechTracker
from audio.texture import Texture

CHUNK_HOPS = 10
CHUNK = CHUNK_HOPS * HOP
CHUNK_S = 0.1
_WARM_UP_HOPS = 3
_BUZZ_S = 0.3
_BUZZ_HZ = (330.0, 700.0)
_NOTE_STEP, _MELODY_S = 0.045, 6.0


@dataclass(frozen=True, slots=True)
class Step:
    """What one chunk brought: runs that ended, digits, the raw features [1, 10], voice decisions [10], hops in tone."""

    ended: list[Run]
    digits: list[Digit]
    features: Features
    voiced: list[bool]
    tonal_hops: int


def _peaks(features: Features) -> list[list[float]]:
    numbers = (features.first_hz, features.first_share, features.second_hz, features.second_share)
    return [values[0].tolist() for values in numbers]


def _is_buzz(run: Run) -> bool:
    """Whether a run looks like a call-progress tone, perhaps of two frequencies that beat."""
    return run.length_s >= _BUZZ_S and _BUZZ_HZ[0] <= run.hz <= _BUZZ_HZ[1] and run.share > 0.8


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
        self._buzz_hz = 0.0
        self._melody_until_s = 0.0
        self._texture = Texture()

    def push(self, block: NDArray[np.int16]) -> Iterator[Step]:
        """Take the next chunks, samples [800 k]; yields a step for each when all else here stands at its end."""
        features = self._front.push(block[None, :])
        if self._chunks == 0:
            for levels in (features.band_db, features.voice_db, features.bands_db, features.flatness_db):
                levels[0, :_WARM_UP_HOPS] = levels[0, _WARM_UP_HOPS]
        first_share, second_share = features.first_share[0], features.second_share[0]
        sounding = may_sound(features.band_db[0], features.first_hz[0], first_share, second_share)
        digital = may_be_digit(first_share, second_share)
        for start in range(0, block.size // HOP, CHUNK_HOPS):
            self.memory.push(block[start * HOP : start * HOP + CHUNK])  # a step must not see what comes after it
            stop = start + CHUNK_HOPS
            part = features.part(start, stop) if block.size > CHUNK else features
            yield self._advance(part, bool(sounding[start:stop].any()), bool(digital[start:stop].any()))

    def _advance(self, features: Features, sounding: bool, digital: bool) -> Step:
        """Take a chunk; where nothing can sound and nothing did, nothing needs looking at."""
        self._chunks += 1
        self.now_s = self._chunks * CHUNK_S
        band = features.band_db[0].tolist()
        in_run, in_digit = sounding or not self.runs.idle, digital or not self._dtmf.idle
        peaks = _peaks(features) if in_run or in_digit else []
        ended: list[Run] = []
        tonal, digits = [0] * CHUNK_HOPS, []
        if in_run:
            ended, tonal = self.runs.push(band, *peaks)
        else:
            self.runs.skip(band)
        if in_digit:
            digits = self._dtmf.push(*peaks)
        else:
            self._dtmf.skip(CHUNK_HOPS)
        voiced = self.speech.push(features.level_db[0].tolist(), features.voice_db[0].tolist(), tonal)
        if self._early:
            for run in (self.runs.current, *ended):
                if run is not None and _is_buzz(run) and not self._sings(run):
                    self._texture.clear()
        in_tone = CHUNK_HOPS - tonal.count(0)
        self.tone_hops += in_tone
        self._texture.push(features, sum(voiced), in_tone)
        return Step(ended, digits, features, voiced, in_tone)

    def _sings(self, run: Run) -> bool:
        """Whether steady tones of different pitch follow each other: a melody, of which nothing is to be forgotten."""
        if self._buzz_hz and abs(run.hz / self._buzz_hz - 1) > _NOTE_STEP:
            self._melody_until_s = self.now_s + _MELODY_S
        self._buzz_hz = run.hz
        return self.now_s < self._melody_until_s

    @property
    def recent_voice(self) -> tuple[float, float]:
        """Seconds of voice, and of generated tone, in the last 3 s."""
        return self._texture.recent_voice

    @property
    def texture_s(self) -> float:
        """So much audio there is to judge the texture by, 4 s at most."""
        return self._texture.length_s

    def texture_vector(self) -> NDArray[np.float32]:
        """Features [76] for speech or music: the last 4 s, or since the last buzz."""
        return self._texture.vector()
