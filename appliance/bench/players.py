"""What a party says on the line, frame by frame: a fixed sequence, or a person who speaks in turns.

All are `rtp.Source`s over A-law sound; durations are counted in frames of 20 ms, so the same input always gives the
same sound.
"""

from __future__ import annotations

from collections.abc import Sequence

from appliance.bench.rtp import FRAME_BYTES, FRAME_S, SILENCE

SPEECH_LEVEL = 3.0  # mean magnitude (1/256 of full scale, about -39 dBov) from which somebody speaks


def frames_of(sound: bytes) -> list[bytes]:
    """Cut A-law sound into frames; the last one is filled up with silence."""
    cut = [sound[i : i + FRAME_BYTES] for i in range(0, len(sound), FRAME_BYTES)]
    if cut and len(cut[-1]) < FRAME_BYTES:
        cut[-1] += SILENCE[len(cut[-1]) :]
    return cut


class Playlist:
    """Sounds once in a row, then `idle` (or silence) for ever; with `repeat` the whole row again and again."""

    def __init__(self, sounds: Sequence[bytes], *, repeat: bool = False, idle: bytes = SILENCE) -> None:
        self._frames = [frame for sound in sounds for frame in frames_of(sound)]
        self._idle = frames_of(idle)
        self._repeat = repeat
        self._at = 0

    @property
    def finished(self) -> bool:
        return not self._repeat and self._at >= len(self._frames)

    def next_frame(self) -> bytes:
        at = self._at
        self._at += 1
        if at < len(self._frames):
            return self._frames[at]
        if self._repeat and self._frames:
            self._at = 1
            return self._frames[0]
        return self._idle[(at - len(self._frames)) % len(self._idle)]

    def hear(self, level: float) -> None:
        """A recording does not listen."""


class Talker:
    """A person: says hello after `delay_s`, again when nobody speaks, keeps quiet while the other speaks, and takes
    turns with `lines`. `bed` is the room's noise, heard whenever the person does not speak.
    """

    def __init__(
        self, hello: Sequence[bytes], lines: Sequence[bytes], *, bed: bytes = SILENCE, delay_s: float = 0.4,
        repeat_s: float = 2.2, hellos_max: int = 4, turn_gap_s: float = 0.6,
    ) -> None:  # fmt: skip
        self._hello = [frames_of(sound) for sound in hello]
        self._lines = [frames_of(sound) for sound in lines] or self._hello
        self._bed = frames_of(bed)
        self._wait = round(delay_s / FRAME_S)
        self._repeat = round(repeat_s / FRAME_S)
        self._hellos_left = hellos_max
        self._turn_gap = round(turn_gap_s / FRAME_S)
        self._hellos = self._turns = self._ticks = self._other_quiet = self._other_loud = 0
        self._speaking: list[bytes] = []
        self._answering = False
        self.other_spoke = False

    def next_frame(self) -> bytes:
        self._ticks += 1
        self._other_quiet += 1
        if self._speaking:
            return self._speaking.pop(0)
        if self._wait > 0:
            self._wait -= 1
        else:
            self._decide()
        return self._bed[self._ticks % len(self._bed)]

    def _decide(self) -> None:
        if self._answering and self._other_quiet >= self._turn_gap:
            self._answering = False
            self._speaking = list(self._lines[self._turns % len(self._lines)])
            self._turns += 1
            self._wait = self._repeat * 3
        elif not self.other_spoke and self._hellos_left > 0:
            self._speaking = list(self._hello[self._hellos % len(self._hello)])
            self._hellos += 1
            self._hellos_left -= 1
            self._wait = self._repeat
        elif self.other_spoke and not self._answering:
            self._answering = True  # nobody goes on: say something

    def hear(self, level: float) -> None:
        if level < SPEECH_LEVEL:
            self._other_loud = max(0, self._other_loud - 1)
            return
        self._other_loud = min(self._other_loud + 1, 25)
        self._other_quiet = 0
        if self._other_loud >= 10:
            self.other_spoke = self._answering = True
            self._wait = 0
            self._speaking = self._speaking[: min(len(self._speaking), 10)]  # polite: stops talking
