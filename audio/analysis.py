"""One line's hearing, chunk by chunk: front end, tone runs, voice activity, digits and running statistics.

It measures and never decides; `listener.py` decides. A chunk is 100 ms. Chunks may come several at once: then one pass
of the front end, whose cost hardly depends on how many hops it gets, serves them all. A step tells what was known at
the end of its chunk, so that those who decide may look at all steps of a pass before they go through them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audio.dtmf import Digit, DtmfDetector, may_be_digit
from audio.features import HOP, Features, FrontEnd
from audio.memory import Memory
from audio.runs import Run, RunTracker, may_sound
from audio.speech import Speech, SpeechTracker
from audio.texture import Texture, Window

CHUNK_HOPS = 10
CHUNK = CHUNK_HOPS * HOP
CHUNK_S = 0.1
_WARM_UP_HOPS = 3
_BUZZ_S = 0.3
_BUZZ_HZ = (330.0, 700.0)
_NOTE_STEP, _MELODY_S = 0.045, 6.0
_MEMORY_S = 4.0
_NO_TONE = [0] * CHUNK_HOPS


@dataclass(slots=True)
class Step:
    """What one chunk brought, and what was known at its end.

    now_s       seconds since the phase began, and `number` chunks
    ended       tone runs that ended in it; `current` the one that goes on
    heard       features of the pass [1, hops], in which the chunk begins at hop `at`; `features` are its own [1, 10]
    band_db     levels of its hops in the speech band
    voiced      voice decisions [10]; `tonal_hops` of its hops are a generated tone's, `tone_hops` of all until now
    texture     the seconds by which the texture is judged
    memory      samples of the last seconds, those after this chunk as well when more came at once
    block       samples of the pass [800 n], in which the chunk begins at 80 `at`
    """

    number: int
    now_s: float
    ended: list[Run]
    current: Run | None
    digits: list[Digit]
    heard: Features
    at: int
    band_db: list[float]
    voiced: list[bool]
    tonal_hops: int
    tone_hops: int
    speech: Speech
    texture: Window
    memory: Memory
    block: NDArray[np.int16]

    @property
    def features(self) -> Features:
        """The chunk's own features."""
        return self.heard.part(self.at, self.at + CHUNK_HOPS)


def _peaks(features: Features, at: int) -> list[list[float]]:
    numbers = (features.first_hz, features.first_share, features.second_hz, features.second_share)
    return [values[0, at : at + CHUNK_HOPS].tolist() for values in numbers]


def _is_buzz(run: Run) -> bool:
    """Whether a run looks like a call-progress tone, perhaps of two frequencies that beat."""
    return run.length_s >= _BUZZ_S and _BUZZ_HZ[0] <= run.hz <= _BUZZ_HZ[1] and run.share > 0.8


class LineAnalysis:
    """State of one line in one phase. All times are seconds of audio since the phase began."""

    def __init__(self, *, early: bool) -> None:
        """`early`: ring-back and busy tones are to be expected, so buzzes count as tones rather than voice."""
        self._early = early
        self.now_s = 0.0
        self.memory = Memory(_MEMORY_S)
        self.speech = SpeechTracker()
        self.runs = RunTracker(beating=early)
        self.tone_hops = 0
        self._front = FrontEnd()
        self._dtmf = DtmfDetector()
        self._chunks = 0
        self._buzz_hz = 0.0
        self._melody_until_s = 0.0
        self._texture = Texture()
        self._block = np.zeros(0, np.int16)

    def push(self, block: NDArray[np.int16]) -> list[Step]:
        """Take the next chunks, samples [800 k]; a step for each."""
        features = self._front.push(block[None, :])
        if self._chunks == 0:
            for levels in (features.band_db, features.voice_db, features.bands_db, features.flatness_db):
                levels[0, :_WARM_UP_HOPS] = levels[0, _WARM_UP_HOPS]
        first_share, second_share = features.first_share[0], features.second_share[0]
        band_db, first_hz = features.band_db[0], features.first_hz[0]
        sounding = may_sound(band_db, first_hz, first_share, second_share, beating=self._early)
        digital = may_be_digit(first_share, second_share)
        marks = zip(any_hop(sounding), any_hop(digital), strict=True)
        self.memory.push(block)
        self._block = block
        self.speech.hear(features.level_db[0], features.voice_db[0])
        self._texture.forget()
        band: list[float] = band_db.tolist()
        return [self._advance(features, k * CHUNK_HOPS, band, *mark) for k, mark in enumerate(marks)]

    def _advance(self, heard: Features, at: int, levels: list[float], sounding: bool, digital: bool) -> Step:
        """Take a chunk; where nothing can sound and nothing did, nothing needs looking at."""
        self._chunks += 1
        self.now_s = self._chunks * CHUNK_S
        band = levels[at : at + CHUNK_HOPS]
        in_run, in_digit = sounding or not self.runs.idle, digital or not self._dtmf.idle
        peaks = _peaks(heard, at) if in_run or in_digit else []
        ended: list[Run] = []
        current, in_tone = None, 0
        tonal, digits = _NO_TONE, []
        if in_run:
            ended, tonal = self.runs.push(band, *peaks)
            current, in_tone = self.runs.current, CHUNK_HOPS - tonal.count(0)
        else:
            self.runs.skip(band)
        if in_digit:
            digits = self._dtmf.push(*peaks)
        else:
            self._dtmf.skip(CHUNK_HOPS)
        voiced = self.speech.push(tonal)
        if self._early and in_run:
            for run in (current, *ended):
                if run is not None and _is_buzz(run) and not self._sings(run):
                    self._texture.clear()
        self.tone_hops += in_tone
        self._texture.push(heard, at, sum(voiced), in_tone)
        return self._step(heard, at, ended, current, digits, band, voiced, in_tone)

    def _step(
        self,
        heard: Features,
        at: int,
        ended: list[Run],
        current: Run | None,
        digits: list[Digit],
        band: list[float],
        voiced: list[bool],
        in_tone: int,
    ) -> Step:
        window, speech = self._texture.window(), self.speech.state()
        return Step(
            self._chunks,
            self.now_s,
            ended,
            current,
            digits,
            heard,
            at,
            band,
            voiced,
            in_tone,
            self.tone_hops,
            speech,
            window,
            self.memory,
            self._block,
        )

    def nothing_more(self) -> Step:
        """A step without a chunk: what is known now."""
        empty = np.zeros((1, 0), np.float32)
        none = Features(*(empty for _ in range(11)))
        self._block = self._block[:0]
        return self._step(none, 0, [], self.runs.current, [], [], [], 0)

    def _sings(self, run: Run) -> bool:
        """Whether steady tones of different pitch follow each other: a melody, of which nothing is to be forgotten."""
        if self._buzz_hz and abs(run.hz / self._buzz_hz - 1) > _NOTE_STEP:
            self._melody_until_s = self.now_s + _MELODY_S
        self._buzz_hz = run.hz
        return self.now_s < self._melody_until_s

    @property
    def texture(self) -> Window:
        """The seconds by which the texture is judged now: the last 4 s, or since the last buzz."""
        return self._texture.window()


def any_hop(hops: NDArray[np.bool_]) -> list[bool]:
    """Of each chunk whether any of its hops is marked."""
    chunks: list[bool] = np.logical_or.reduce(hops.reshape(-1, CHUNK_HOPS), axis=1).tolist()
    return chunks
