"""Tone runs: stretches of audio in which one steady tone, or one pair of tones, carries nearly all power.

Feed it the front end's numbers hop by hop; it yields runs with exact hop times. Short drop-outs (lost packets) do
not end a run, a frequency jump does. Everything that looks for tones (cadence, SIT, fax, beep) works on runs.
"""

from dataclasses import dataclass

_ON_SHARE = 0.72
_PAIR_SHARE = 0.86
_JUMP = 0.035
_BRIDGE_HOPS = 4
_MIN_DBOV = -52.0
_MIN_HOPS = 5
_LAG_HOPS = 1
_DROP_DB = 12.0


@dataclass(slots=True)
class Run:
    """One tone run. Hops count from the start of the phase; `stop` is exclusive.

    hz          mean frequency of the stronger tone; pair_hz that of the weaker, 0 for a single tone
    wander      mean |f - hz| / hz, tells a generated tone from a held vowel
    open        still sounding at the last hop seen
    """

    start: int
    stop: int
    hz: float
    pair_hz: float
    wander: float
    share: float
    level_db: float
    open: bool

    @property
    def length_s(self) -> float:
        """Duration in seconds."""
        return (self.stop - self.start) * 0.01
