"""Parts of a recording that are left out: a short tone at either edge, silence between, the times kept.

The recording keeps its length, so that everything else stands at its time.
"""

from __future__ import annotations

import numpy as np

from appliance.telephony.port import FRAME_BYTES, FRAME_S, RATE_HZ
from appliance.telephony.taps import SILENCE, Frames

_TONE_FRAMES = 10
_TONE_HZ, _TONE_AMPLITUDE = 450.0, 1500.0  # a whole number of periods in a frame, about -27 dBov
_TONE = (
    (_TONE_AMPLITUDE * np.sin(2 * np.pi * _TONE_HZ * np.arange(FRAME_BYTES // 2) / RATE_HZ)).astype("<i2").tobytes()
)


class Gaps:
    """Covers both channels while open. `spans`: [from_s, to_s] from the recording's beginning."""

    def __init__(self) -> None:
        self.open = False
        self._spans: list[list[float]] = []
        self._frames = 0  # of the left channel, so far
        self._tone_left = {"left": 0, "right": 0}

    def switch(self, *, on: bool) -> None:
        """Open or close a gap here; nothing happens when it is so already."""
        if on is self.open:
            return
        self.open = on
        self._tone_left = dict.fromkeys(self._tone_left, _TONE_FRAMES)
        at_s = self._frames * FRAME_S
        if on:
            self._spans.append([at_s, at_s])
        else:
            self._spans[-1][1] = at_s

    def cover(self, channel: str, frames: Frames) -> Frames:
        """Return a channel's next frames as they are recorded."""
        if channel == "left":
            self._frames += len(frames)
        if not self.open and not self._tone_left[channel]:
            return frames
        return [(stamp_s, self._one(channel, data)) for stamp_s, data in frames]

    def _one(self, channel: str, data: bytes) -> bytes:
        if self._tone_left[channel]:
            self._tone_left[channel] -= 1
            return _TONE
        return SILENCE if self.open else data

    @property
    def spans(self) -> list[list[float]]:
        """All gaps; one that is open ends where the recording is now."""
        spans = [[round(begin_s, 2), round(end_s, 2)] for begin_s, end_s in self._spans]
        if self.open and spans:
            spans[-1][1] = round(self._frames * FRAME_S, 2)
        return spans
