"""Unknown announcements that come again are put together."""

import numpy as np
import pytest

from audio import synth, unknowns
from tests.unit.audio.hearing import noisy

pytestmark = pytest.mark.unit


def _call(words: list[int], *, cut_s: float = 0.0, noise_dbov: float = -50.0, seed: int = 1) -> np.ndarray:
    voice = np.concatenate([synth.voice_like(0.5, seed=s, pitch_hz=100 + 17 * (s * 5 % 9)) for s in words])
    return unknowns.words_of(synth.to_int16(noisy(voice[int(cut_s * 8000) :], noise_dbov, seed=seed)))


_ONE, _TWO = [601, 602, 603, 604, 605, 606, 607, 608], [611, 612, 613, 614, 615, 616, 617, 618]
_SIBLING = [*_ONE[:3], 621, 622, 623, 624, 625]


def test_the_same_announcement_cut_in_elsewhere_is_the_same() -> None:
    assert unknowns.same(_call(_ONE), _call(_ONE, cut_s=0.73, noise_dbov=-42.0, seed=2))


def test_strangers_siblings_and_snippets_are_not() -> None:
    assert unknowns.likeness(_call(_ONE), _call(_TWO)) < unknowns.ALIKE
    assert not unknowns.same(_call(_ONE), _call(_SIBLING))
    assert unknowns.likeness(_call(_ONE), _call(_ONE)[:150]) == 0.0


def test_clusters_biggest_first() -> None:
    calls = [_call(_TWO), _call(_ONE), _call(_ONE, cut_s=0.4, seed=3), _call(_SIBLING), _call(_ONE, seed=4)]
    assert unknowns.cluster(calls) == [[1, 2, 4], [0], [3]]
    assert unknowns.cluster([]) == []
