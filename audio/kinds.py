"""What kind of machine: a mailbox, an assistant that asks who calls, a menu. Runs only once a line is a machine's.

A small network weighs what was said (`phrases.py`: how far sayings of each kind were followed), what of it comes back
and in what rhythm (`returns.py`), when (talk and pauses), and whether it beeped. It is asked at few times, since each
look costs. What sounds like a menu and then beeps is a mailbox with instructions: nobody waits for a key with a beep.
So a menu that is only likely is said when the beep has not come.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from audio import model, phrases, returns
from audio.labels import Label
from audio.phrases import Array, Following, Sought, Spoken

KINDS = (Label.MACHINE, Label.SCREENING, Label.IVR)
"""What the network tells apart, in its order; the first says no more than is known."""
LOOKS_S = (6.0, 12.0)
"""Seconds since answer at which a machine is looked at, beside the time of its final word."""
EVERY = 2
"""Frames of speech of which one is laid along the sayings."""
BEEP_BY_S = 25.0
"""Seconds since answer until which a likely menu may turn out a mailbox by its beep."""
WIDTH = phrases.SUMMARY_SIZE + returns.RETURNS_SIZE + returns.RHYTHM_SIZE + phrases.TIMING_SIZE + 1
SURE, SURE_AT_LAST, PLAIN = 0.8, {Label.SCREENING: 0.5, Label.IVR: 0.2}, 0.9
"""Wanted for a kind at a look that others follow, and at the last one (of a menu: where no beep came); so sure of a
plain machine, none follows."""
_LEAST_NEW_S = 1.0


def inputs(scores: Array, spoken: Spoken, sought: Sought, *, beeped: bool) -> Array:
    """The network's inputs [WIDTH]: what `Following.hear` gives, and whether it beeped."""
    parts = (
        phrases.summary(scores, sought.sayings),
        returns.returns(spoken),
        returns.rhythm(spoken),
        phrases.timing(spoken),
        np.array([beeped], np.float32),
    )
    return np.concatenate(parts)


def told(shares: Array, *, last: bool) -> int:
    """The place in `KINDS` of what shares [3] say at a look, 0 where that is no more than a machine."""
    place = 1 + int(shares[1:].argmax())
    least = SURE_AT_LAST[KINDS[place]] if last else SURE
    return place if shares[place] >= least else 0


class KindWatch:
    """One answered line: keeps its sound, and looks at it when its time has come."""

    def __init__(self) -> None:
        self._passes: list[NDArray[np.int16]] = []
        self._kept = self._taken = 0
        """Samples that came, and those whose bands are known."""
        self._bands = np.zeros((0, phrases.NARROW), np.float32)
        self._looked_s = 0.0
        self._following: Following | None = None
        self._menu: float | None = None
        """How likely the menu is that waits for a beep to come or not."""
        self.over = False
        """Whether there is nothing more to be said, so that nothing need be kept."""

    def push(self, samples: NDArray[np.int16]) -> None:
        """Keep the samples [n] of a pass; a look takes no more of them than its time allows."""
        if self._menu is not None:
            return
        if self._kept >= LOOKS_S[-1] * phrases.RATE_HZ:
            self.stop()
            return
        self._passes.append(samples)
        self._kept += samples.size

    def stop(self) -> None:
        """It is no machine, or all is said."""
        self.over = True
        self._passes.clear()
        self._following = None

    def due(self, now_s: float) -> bool:
        """Whether the time of a look has come since the last one, or a likely menu may be said."""
        if self._menu is not None:
            return not self.over and now_s >= BEEP_BY_S - 1e-6
        return not self.over and any(self._looked_s < at - 1e-6 <= now_s for at in LOOKS_S)

    def expire(self, now_s: float) -> None:
        """Nothing is looked at so late, unless a menu waits."""
        if now_s > LOOKS_S[-1] and self._menu is None:
            self.stop()

    def look(self, now_s: float, *, beeped: bool, last: bool = False) -> tuple[Label, float] | None:
        """A kind other than a plain machine and how sure that is, if it can be told; `last`: the audio is over."""
        if self._menu is not None and not self.over:
            likely = self._menu
            self.stop()
            return None if beeped else (Label.IVR, likely)
        final = last or now_s >= LOOKS_S[-1] - 1e-6
        if self.over or now_s - self._looked_s < _LEAST_NEW_S:
            return None
        self._looked_s = now_s
        shares = self._shares(round(now_s * phrases.RATE_HZ), beeped)
        place = told(shares, last=final)
        if KINDS[place] is Label.IVR and beeped:
            place = 0
        if KINDS[place] is Label.IVR and final and not last:
            self._menu = float(shares[place])
            self._passes.clear()
            return None
        if final or place or shares[0] >= PLAIN:
            self.stop()
        return (KINDS[place], float(shares[place])) if place else None

    def _shares(self, size: int, beeped: bool) -> Array:
        """Shares of the kinds after so many samples."""
        sought = shipped()
        self._following = self._following or Following(sought)
        joined = np.concatenate(self._passes)
        fresh = phrases.power(joined[: size - self._taken].astype(np.float32) / np.float32(32768))
        done = len(fresh) * phrases.HOP
        self._passes, self._taken = [joined[done:]], self._taken + done
        self._bands = np.concatenate((self._bands, fresh))
        scores, spoken = self._following.hear(self._bands)
        return model.load("kinds").probabilities(inputs(scores, spoken, sought, beeped=beeped))


@cache
def shipped() -> Sought:
    """The sayings that ship."""
    return Sought(phrases.load("phrases"), every=EVERY)
