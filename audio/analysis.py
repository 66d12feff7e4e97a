"""One line's hearing, chunk by chunk: front end, tone runs, voice activity, digits and running statistics.

It measures and never decides; `listener.py` decides. A chunk is 100 ms. Chunks may come several at once: then one pass
of the front end, whose cost hardly depends on how many hops it gets, serves them all.
"""

from collections import deque
from collections.abc import Iterator
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


@dataclass(slots=True)
class _Piece:
    """A chunk's share in the texture of the last seconds; its vector is made when it is asked for."""

    features: Features
    voiced: list[bool]
    voiced_hops: int
    tonal_hops: int
    vector: NDArray[np.float32] | None = None


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
        """Sum and sum of squares of the level of voiced hops (not in early media)."""
        self.quiet_sums = np.zeros(3)
        """Number, sum of levels and of flatness of the other hops (not in early media)."""
        self._texture: deque[_Piece] = deque(maxlen=_TEXTURE_CHUNKS)

    def push(self, block: NDArray[np.int16]) -> Iterator[Step]:
        """Take the next chunks, samples [800 k]; yields a step for each when all else here stands at its end."""
        features = self._front.push(block[None, :])
        if self._chunks == 0:
            for levels in (features.band_db, features.voice_db):
                levels[0, :_WARM_UP_HOPS] = levels[0, _WARM_UP_HOPS]
        for start in range(0, block.size // HOP, CHUNK_HOPS):
            self.memory.push(block[start * HOP : start * HOP + CHUNK])  # a step must not see what comes after it
            yield self._advance(features.part(start, start + CHUNK_HOPS) if block.size > CHUNK else features)

    def _advance(self, features: Features) -> Step:
        self._chunks += 1
        self.now_s = self._chunks * CHUNK_S
        band = features.band_db[0].tolist()
        peaks = [
            values[0].tolist()
            for values in (features.first_hz, features.first_share, features.second_hz, features.second_share)
        ]
        ended, tonal = self.runs.push(band, *peaks)
        voiced = self.speech.push(features.level_db[0].tolist(), features.voice_db[0].tolist(), tonal)
        if self._early and (_is_buzz(self.runs.current) or any(map(_is_buzz, ended))):
            self._texture.clear()
        in_tone = sum(map(bool, tonal))
        self.tone_hops += in_tone
        self._texture.append(_Piece(features, voiced, sum(voiced), in_tone))
        if not self._early:
            self._sum_levels(features, np.array(voiced))
        return Step(ended, self._dtmf.push(*peaks), features, voiced)

    def _sum_levels(self, features: Features, mask: NDArray[np.bool_]) -> None:
        band = features.band_db[0]
        self.voice_sums += (mask @ band, mask @ (band * band))
        if not mask.all():
            quiet = ~mask
            self.quiet_sums += (quiet.sum(), quiet @ band, quiet @ features.flatness_db[0])

    @property
    def recent_voice(self) -> tuple[float, float]:
        """Seconds of voice, and of generated tone, in the last 3 s."""
        return (
            sum([piece.voiced_hops for piece in self._texture]) / 100,
            sum([piece.tonal_hops for piece in self._texture]) / 100,
        )

    def texture_vector(self) -> NDArray[np.float32]:
        """Features [51] for speech or music: the last 3 s, or since the last buzz, in pieces of 100 ms."""
        fresh = [piece for piece in self._texture if piece.vector is None]
        if fresh:
            for piece, vector in zip(fresh, _piece_vectors(fresh), strict=True):
                piece.vector = vector
        pieces = np.stack([piece.vector for piece in self._texture if piece.vector is not None])
        return np.concatenate((pieces.mean(axis=0), pieces.std(axis=0), pieces[:, -1:].min(axis=0)))


def _piece_vectors(pieces: list[_Piece]) -> NDArray[np.float32]:
    """Rows [n, 25]: mean and spread of eleven numbers over the hops of a piece, flux, shares of tone and voice."""
    rows = np.empty((len(pieces), CHUNK_HOPS, N_BANDS + 3), np.float32)
    bands = np.stack([piece.features.bands_db[0] for piece in pieces])
    band = np.stack([piece.features.band_db[0] for piece in pieces])
    rows[:, :, :N_BANDS] = bands - band[:, :, None]
    rows[:, :, N_BANDS] = band
    rows[:, :, N_BANDS + 1] = [piece.features.flatness_db[0] for piece in pieces]
    rows[:, :, N_BANDS + 2] = [piece.features.first_share[0] for piece in pieces]
    flux = np.abs(np.diff(bands, axis=1)).mean(axis=(1, 2))
    shares = np.array([(piece.tonal_hops, piece.voiced_hops) for piece in pieces], np.float32) / CHUNK_HOPS
    return np.concatenate((rows.mean(axis=1), rows.std(axis=1), flux[:, None], shares), axis=1)
