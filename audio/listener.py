"""The ear of one line: push audio in, verdicts come out.

Time is counted in samples only, so the same audio gives the same verdicts however it is cut into blocks. Audio is
judged in chunks of 100 ms; `decided_at_ms` is the end of the chunk that decided. Early media are taken two chunks at
a time: that spares a third of the cost and brings a verdict 50 ms later on average, which nobody waits for there.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from audio.amd import AnsweredPhase
from audio.analysis import CHUNK, LineAnalysis
from audio.condition import LineCondition
from audio.config import ListenerConfig
from audio.fingerprint import Library
from audio.labels import Label
from audio.progress import EarlyPhase
from audio.verdict import Verdict

Phase = Literal["early", "answered"]
_EARLY_BATCH, _ANSWERED_BATCH = 2 * CHUNK, CHUNK


class Listener:
    """Streaming call-progress and answering-machine detector of one line.

    Verdicts come in steps (`final=False`) and at most one `final=True` for each phase. An early phase that is cut
    short by `answer()` needs no last word: the answer is it. After the final word of the answered phase only beeps
    (label `machine`, `beep_end_ms` in the evidence) and DTMF digits are still reported.
    """

    def __init__(
        self,
        *,
        country: str | None,
        phase: Phase = "early",
        library: Library | None = None,
        config: ListenerConfig | None = None,
        chunks_at_once: tuple[int, int] | None = None,
    ) -> None:
        """`country` is an ISO 3166-1 alpha-2 code in any case; None or an unknown one means every plan at once.

        `chunks_at_once` (first, later) is for files, where nobody waits: more chunks of 100 ms share a pass of the
        front end, which is cheaper, and the words are the same. Many lines are judged by their first seconds, so that
        a first pass had better not be long.
        """
        self._country = country
        self._config = config or ListenerConfig()
        self._chunks_at_once = chunks_at_once
        self._begun = False
        """Whether a pass of this phase was heard."""
        self._line = LineAnalysis(early=phase == "early")
        self._condition = LineCondition()
        self._final: tuple[Label, Verdict] | None = None
        """The final word as the phase said it, and as it was told."""
        self._pending: list[NDArray[np.int16]] = []
        self._pending_size = 0
        self._phase: EarlyPhase | AnsweredPhase = (
            EarlyPhase(country, library, self._config) if phase == "early" else AnsweredPhase(country, self._config)
        )

    @property
    def phase(self) -> Phase:
        """The phase the line is in."""
        return "early" if isinstance(self._phase, EarlyPhase) else "answered"

    def push(self, block: NDArray[np.int16]) -> list[Verdict]:
        """Take int16 mono 8 kHz samples [n], any n; returns the verdicts they brought, in order."""
        if block.size == 0:
            return []
        self._pending.append(np.array(block, np.int16))
        self._pending_size += block.size
        if self._pending_size < self.batch_samples:
            return []
        joined = np.concatenate(self._pending)
        out: list[Verdict] = []
        start = 0
        while joined.size - start >= (batch := self.batch_samples):
            out += self._hear(joined[start : start + batch])
            start += batch
        self._pending = [joined[start:]]
        self._pending_size = joined.size - start
        return out

    @property
    def batch_samples(self) -> int:
        """So many samples are waited for before a look is taken; worth knowing for who feeds in blocks."""
        if self._chunks_at_once is not None:
            return self._chunks_at_once[self._begun] * CHUNK
        return _EARLY_BATCH if self.phase == "early" else _ANSWERED_BATCH

    def _hear(self, block: NDArray[np.int16]) -> list[Verdict]:
        out: list[Verdict] = []
        self._begun = True
        if self._over:
            return out
        steps = self._line.push(block)
        heard = steps[0].heard
        chunks = self._condition.measure(block, heard.level_db[0], heard.band_db[0], heard.first_share[0])
        self._phase.look(steps)
        for step, chunk in zip(steps, chunks, strict=True):
            self._condition.push(chunk)
            news = self._phase.step(step)
            if news:
                out += [self._temper(verdict) for verdict in news]
                if self._over:
                    break
        return out

    def _temper(self, verdict: Verdict) -> Verdict:
        said = self._condition.temper(verdict)
        if verdict.final:
            self._final = (verdict.label, said)
        return said

    @property
    def _over(self) -> bool:
        return self._phase.done and isinstance(self._phase, EarlyPhase)

    def answer(self) -> None:
        """The call was answered at this sample: clocks and floors start anew."""
        self._line = LineAnalysis(early=False)
        self._condition, self._final = LineCondition(), None
        self._pending, self._pending_size = [], 0
        self._begun = False
        self._phase = AnsweredPhase(self._country, self._config)

    def flush(self) -> list[Verdict]:
        """Judge what still waits for its batch (whole chunks of it), at the end of the audio."""
        joined = np.concatenate((*self._pending, np.zeros(0, np.int16)))
        self._pending, self._pending_size = [], 0
        whole = joined.size - joined.size % CHUNK
        return self._hear(joined[:whole]) if whole else []

    def finish(self) -> Verdict:
        """End of the audio: the last word (the final verdict again if there was one). Never raises."""
        self.flush()
        last = self._phase.finish(self._line.nothing_more())
        if self._final is not None and self._final[0] is last.label:
            return self._final[1]  # what was said stands, also where the audio became better or worse since
        return self._temper(last)
