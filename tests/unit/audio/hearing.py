"""Helpers of the ear's tests: feed audio, collect verdicts."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from audio import Library, Listener, ListenerConfig, Verdict, synth


def hear(
    samples: NDArray[np.float64] | NDArray[np.int16],
    *,
    country: str | None = "CN",
    phase: Literal["early", "answered"] = "early",
    library: Library | None = None,
    blocks: Sequence[int] = (160,),
    config: ListenerConfig | None = None,
) -> tuple[list[Verdict], Verdict]:
    """Verdicts and last word for one piece of audio, fed in blocks of the given sizes, over and over."""
    whole = samples if samples.dtype == np.int16 else synth.to_int16(samples)
    listener = Listener(country=country, phase=phase, library=library, config=config)
    verdicts: list[Verdict] = []
    at = turn = 0
    while at < whole.size:
        size = blocks[turn % len(blocks)]
        verdicts += listener.push(whole[at : at + size])
        at, turn = at + size, turn + 1
    return verdicts, listener.finish()


def noisy(samples: NDArray[np.float64], level_dbov: float, seed: int = 7) -> NDArray[np.float64]:
    """The samples with white noise at a level."""
    return samples + synth.noise(samples.size / 8000, level_dbov, seed=seed)[: samples.size]
