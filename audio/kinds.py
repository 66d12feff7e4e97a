"""What kind of machine: a mailbox, an assistant that asks who calls, a menu. Runs only once a line is a machine's.

A small network weighs what was said (`phrases.py`: how far sayings of each kind were followed, how much was said
again), when (talk and pauses), and whether it beeped. It is asked at few times, since each look costs.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from audio import model, phrases
from audio.labels import Label
from audio.phrases import Array, Following, Sought

KINDS = (Label.MACHINE, Label.SCREENING, Label.IVR)
"""What the network tells apart, in its order; the first says no more than is known."""
LOOKS_S = (4.0, 6.0, 9.0, 12.0)
"""Seconds since answer at which a machine is looked at."""
WIDTH = phrases.SUMMARY_SIZE + phrases.AGAIN_SIZE + phrases.TIMING_SIZE + 1
SURE, SURE_AT_LAST = 0.8, 0.5
"""Wanted for a kind at a look that others follow, and at the last one."""
_LEAST_NEW_S = 1.0


def inputs(scores: Array, spectra: Array, sought: Sought, *, beeped: bool) -> Array:
    """The network's inputs [WIDTH]: `Following.scores` and the power spectra they are of, and whether it beeped."""
    parts = (
        phrases.summary(scores, sought.sayings),
        sought.again(spectra),
        phrases.timing(phrases.stacked(spectra)[1]),
        np.array([beeped], np.float32),
    )
    return np.concatenate(parts)


class KindWatch:
    """One answered line: keeps its sound, and looks at it when its time has come."""

    def __init__(self) -> None:
        self._chunks: list[NDArray[np.float16]] = []
        self._heard_s = 0.0
        self._looked_s = 0.0
        self._following: Following | None = None
        self.over = False
        """Whether there is nothing more to be said, so that nothing need be kept."""

    def push(self, samples: NDArray[np.float32], seconds: float) -> None:
        """Keep the next samples [n] in [-1, 1]; `seconds` since answer at their end."""
        self._chunks.append(samples.astype(np.float16))
        self._heard_s = seconds
        if seconds > LOOKS_S[-1] + _LEAST_NEW_S:
            self.stop()

    def stop(self) -> None:
        """It is no machine, or all is said."""
        self.over = True
        self._chunks.clear()
        self._following = None

    @property
    def due(self) -> bool:
        """Whether the time of a look has come since the last one."""
        return not self.over and any(self._looked_s < at - 1e-6 <= self._heard_s for at in LOOKS_S)

    def look(self, *, beeped: bool, last: bool = False) -> tuple[Label, float] | None:
        """A kind other than a plain machine and how sure that is, if it can be told; `last`: no look follows."""
        last = last or self._heard_s >= LOOKS_S[-1] - 1e-6
        if self._heard_s - self._looked_s < _LEAST_NEW_S:
            return None
        self._looked_s = self._heard_s
        shares = self._shares(beeped)
        place = 1 + int(shares[1:].argmax())
        if last or shares[place] >= SURE:
            self.stop()
        least = SURE_AT_LAST if last else SURE
        return (KINDS[place], float(shares[place])) if shares[place] >= least else None

    def _shares(self, beeped: bool) -> Array:
        sought = shipped()
        self._following = self._following or Following(sought)
        spectra = phrases.power(_joined(self._chunks))
        vector = inputs(self._following.scores(spectra), spectra, sought, beeped=beeped)
        return model.load("kinds").probabilities(vector)


@cache
def shipped() -> Sought:
    """The sayings that ship."""
    return Sought(phrases.load())


def _joined(chunks: Sequence[NDArray[np.float16]]) -> NDArray[np.float32]:
    return np.concatenate((np.zeros(0, np.float16), *chunks)).astype(np.float32)
