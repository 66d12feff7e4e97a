"""The worker's side of the ear: frames in, verdicts out, in the blocks that the ear judges in anyway."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from audio.config import ListenerConfig
from audio.fingerprint import Library
from audio.listener import Listener
from audio.verdict import Verdict

_FRAME_SAMPLES, _SAMPLES_PER_MS = 160, 8


def listener_config(*, deadline_ms: int, machine_certainty: float | None) -> ListenerConfig:
    """The ear's settings of one call; what is not given is the ear's own."""
    config = ListenerConfig(deadline_s=deadline_ms / 1000)
    return config if machine_certainty is None else replace(config, machine_probability=machine_certainty)


def warm_up(country: str) -> None:
    """Let two seconds of a line pass through an ear of this country.

    What is made at the first use (tone tables, windows, compiled patterns) is then shared by the processes that are
    forked off, instead of being made by each for its one call (30 ms of processor time).
    """
    config = listener_config(deadline_ms=4000, machine_certainty=None)
    ear = Ear(country=country, config=config, library=None, answered=False)
    second = [np.random.default_rng(1).normal(0, 300, _FRAME_SAMPLES).astype("<i2").tobytes() for _ in range(50)]
    ear.push(second)
    ear.answer()
    ear.push(second)


class Ear:
    """One line's `Listener`, fed with tap frames."""

    def __init__(
        self, *, country: str | None, config: ListenerConfig, library: Library | None, answered: bool
    ) -> None:  # fmt: skip
        self._listener = Listener(
            country=country, phase="answered" if answered else "early", library=library, config=config
        )
        self._samples = 0
        self._frames: list[bytes] = []
        self.heard_audio = False

    @property
    def phase(self) -> str:
        """`early` or `answered`."""
        return self._listener.phase

    @property
    def heard_ms(self) -> int:
        """Audio of this phase that was judged so far."""
        return self._samples // _SAMPLES_PER_MS

    @property
    def step_ms(self) -> int:
        """So much audio is judged at a time."""
        return self._listener.batch_samples // _SAMPLES_PER_MS

    def push(self, frames: Sequence[bytes]) -> list[Verdict]:
        """Take frames of int16 little-endian; returns the verdicts they brought."""
        self._frames.extend(frames)
        batch = self._listener.batch_samples // _FRAME_SAMPLES
        ready = len(self._frames) - len(self._frames) % batch
        if not ready:
            return []
        block = np.frombuffer(b"".join(self._frames[:ready]), "<i2")
        del self._frames[:ready]
        self.heard_audio = True
        self._samples += block.size
        return self._listener.push(block)

    def answer(self) -> None:
        """The line was answered: what is queued belonged to the time before."""
        self._frames.clear()
        self._samples = 0
        self._listener.answer()

    def finish(self) -> Verdict:
        """The line is gone: the last word."""
        self._listener.push(np.frombuffer(b"".join(self._frames), "<i2"))
        self._frames.clear()
        return self._listener.finish()
