"""The short form of the fuzzing in tests/soak/test_fuzz.py."""

from __future__ import annotations

import pytest

from tests.fuzzing import TARGETS, run_fuzz

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("name", TARGETS)
def test_a_few_thousand_pieces_of_garbage(name: str) -> None:
    run_fuzz(name, max(10, TARGETS[name][1] // 800))
