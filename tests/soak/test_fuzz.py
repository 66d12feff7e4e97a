"""A million pieces of garbage; the short form is tests/unit/test_fuzz.py."""

from __future__ import annotations

import pytest

from tests.fuzzing import TARGETS, run_fuzz

pytestmark = pytest.mark.soak


@pytest.mark.parametrize("name", TARGETS)
def test_a_million_pieces_of_garbage(name: str) -> None:
    run_fuzz(name, TARGETS[name][1], seed=2)
