"""Figures of a tap (gaps, frames lost) and the joining of two taps into stereo on one clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from appliance.telephony.port import FRAME_BYTES, FRAME_S

Frames = Sequence[tuple[float, bytes]]
_WINDOW_FRAMES = 50
_HOLD_FRAMES = 5
_ALIGN_FRAMES = 3
_SAME_TICK_S = FRAME_S / 2
SILENCE = bytes(FRAME_BYTES)


class GapMeter:
    """Times between frames in a histogram of 1 ms, and frames that never came.

    Lost frames are seen as drift: a late frame is early again later, a frame that was never made pushes all that
    follow by 20 ms. So the least lateness of each second is compared with that of the first second.
    """

    def __init__(self) -> None:
        self._histogram = [0] * 1001
        self._first_s: float | None = None
        self._last_s = 0.0
        self.max_ms = 0.0
        self.frames = 0
        self._window_least_s = float("inf")
        self._base_least_s: float | None = None
        self._latest_least_s: float | None = None

    def add(self, stamp_s: float) -> None:
        """Count one frame."""
        if self._first_s is None:
            self._first_s = stamp_s
        else:
            gap_ms = (stamp_s - self._last_s) * 1000.0
            self._histogram[min(1000, max(0, round(gap_ms)))] += 1
            self.max_ms = max(self.max_ms, gap_ms)
        self._last_s = stamp_s
        late_s = stamp_s - self._first_s - self.frames * FRAME_S
        self._window_least_s = min(self._window_least_s, late_s)
        self.frames += 1
        if self.frames % _WINDOW_FRAMES == 0:
            if self._base_least_s is None:
                self._base_least_s = self._window_least_s
            self._latest_least_s = self._window_least_s
            self._window_least_s = float("inf")

    @property
    def lost_frames(self) -> int:
        """Clock ticks without a frame, known once the second after the loss is over."""
        if self._base_least_s is None or self._latest_least_s is None:
            return 0
        return max(0, round((self._latest_least_s - self._base_least_s) / FRAME_S))

    def percentile_ms(self, fraction: float) -> float:
        """Gap that `fraction` of the frames do not exceed, ms (0 without frames)."""
        total = sum(self._histogram)
        if total == 0:
            return 0.0
        seen = 0
        for gap_ms, count in enumerate(self._histogram):
            seen += count
            if seen >= fraction * total:
                return float(gap_ms)
        raise AssertionError("unreachable")

    @property
    def counts(self) -> dict[str, int]:
        """Frames by gap in whole milliseconds (1000: a second and more)."""
        return {str(gap_ms): count for gap_ms, count in enumerate(self._histogram) if count}


def interleave(lefts: Sequence[bytes], rights: Sequence[bytes]) -> bytes:
    """Join as many frames of either side into 16-bit big-endian stereo."""
    stereo = np.empty((len(lefts) * FRAME_BYTES // 2, 2), ">i2")
    stereo[:, 0] = np.frombuffer(b"".join(lefts), "<i2")
    stereo[:, 1] = np.frombuffer(b"".join(rights), "<i2")
    return stereo.tobytes()


def _best_offset(left: Frames, right: Frames) -> int:
    """Index into `left` at which `right` begins: least sum of time differences over the first pairs."""
    pairs = min(_ALIGN_FRAMES, len(right), len(left))

    def distance(offset: int) -> float:
        return sum(abs(left[offset + i][0] - right[i][0]) for i in range(pairs))

    return min(range(len(left) - pairs + 1), key=distance)


class StereoJoin:
    """Joins two taps of one conference frame by frame; the right one may begin later (silence until then).

    Both taps are called once per clock tick, so after the beginning is found by time stamps the frames pair one to
    one. The newest left frames are held back until it is known whether the right channel has begun.
    """

    def __init__(self) -> None:
        self._left: deque[tuple[float, bytes]] = deque()
        self._right: deque[tuple[float, bytes]] = deque()
        self._right_begun = False

    def left(self, frames: Frames) -> None:
        self._left.extend(frames)

    def right(self, frames: Frames) -> None:
        self._right.extend(frames)

    def take(self, *, all_of_it: bool = False) -> bytes:
        """Return the joined frames as 16-bit big-endian interleaved stereo; `all_of_it` at the end of recording."""
        lefts: list[bytes] = []
        rights: list[bytes] = []
        if not self._right_begun and self._can_align(all_of_it):
            for _ in range(_best_offset(self._left, self._right)):
                lefts.append(self._left.popleft()[1])
                rights.append(SILENCE)
            self._right_begun = True
        if self._right_begun:
            while self._left and self._right:
                lefts.append(self._left.popleft()[1])
                rights.append(self._right.popleft()[1])
        keep = 0 if all_of_it else self._to_hold()
        while len(self._left) > keep:
            lefts.append(self._left.popleft()[1])
            rights.append(SILENCE)
        if not lefts:
            return b""
        return interleave(lefts, rights)

    def _can_align(self, all_of_it: bool) -> bool:
        """Enough frames of both channels from the same ticks are here."""
        while self._left and self._right and self._right[0][0] < self._left[0][0] - _SAME_TICK_S:
            self._right.popleft()  # from before the recording began
        if not self._left or not self._right:
            return False
        if all_of_it:
            return self._right[0][0] <= self._left[-1][0] + _SAME_TICK_S
        if len(self._right) < _ALIGN_FRAMES:
            return False
        return self._left[-1][0] >= self._right[_ALIGN_FRAMES - 1][0] - _SAME_TICK_S

    def _to_hold(self) -> int:
        """Left frames whose partners may still come."""
        if self._right_begun:
            return len(self._left)
        if not self._right:
            return _HOLD_FRAMES
        begin_s = self._right[0][0] - 2 * FRAME_S
        return max(_HOLD_FRAMES, sum(stamp_s >= begin_s for stamp_s, _ in self._left))
