"""What an announcement means that nobody enrolled: its words, laid along standard sentences of synthetic voices.

One look is taken when speech in early media would become an announcement without a name. A meaning is said when one
sentence was followed far and those of every other meaning much less far (they often share the opening): a wrong name is
worse than none.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from audio import phrases
from audio.labels import Label
from audio.phrases import Array, Following, Sought

LABELS = (Label.VACANT, Label.POWERED_OFF, Label.OUT_OF_SERVICE, Label.BUSY, Label.UNREACHABLE)
"""The meanings, in the order of the sayings' kinds."""
LEAST, APART = 10.0, 4.0
"""Wanted of the best score, a second of speech that fits earns some 10, and of its distance to another meaning's."""
LONGEST_S = 10.0


class Words:
    """The last words of one line."""

    def __init__(self) -> None:
        self._passes: list[NDArray[np.int16]] = []
        self._size = 0
        """Samples until now, kept or not."""

    def push(self, samples: NDArray[np.int16]) -> None:
        """Keep the samples [n] of a pass."""
        self._passes.append(samples)
        self._size += samples.size
        while sum(kept.size for kept in self._passes[1:-1]) >= LONGEST_S * phrases.RATE_HZ:
            del self._passes[0]  # so long a time before the last pass is left, however it is cut into passes

    def meaning(self, since_s: float, until_s: float) -> tuple[Label, float, float] | None:
        """(Meaning, score, distance to the next one) of what was said between two times of the last pass or before it.

        None where it is not clear. No more than the last `LONGEST_S` count.
        """
        joined = np.concatenate(self._passes)
        first = self._size - joined.size
        begin_s = max(since_s, until_s - LONGEST_S)
        begin, end = (max(0, round(at * phrases.RATE_HZ) - first) for at in (begin_s, until_s))
        heard = joined[begin:end].astype(np.float32) / np.float32(32768)
        scores, _ = Following(shipped()).hear(phrases.power(heard))
        best = by_meaning(scores, shipped().sayings.kind)
        ranked = np.sort(best)
        score, apart = float(ranked[-1]), float(ranked[-1] - ranked[-2])
        return (LABELS[int(best.argmax())], score, apart) if score >= LEAST and apart >= APART else None


def by_meaning(scores: Array, kinds: NDArray[np.int64]) -> Array:
    """The best score of each meaning [5]."""
    return np.array([scores[kinds == kind].max(initial=0) for kind in range(len(LABELS))], np.float32)


@cache
def shipped() -> Sought:
    """The sentences that ship."""
    return Sought(phrases.load("meanings"))
