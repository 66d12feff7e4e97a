"""A million spoilt transcripts: no crash, no hang, and never a dead line called up."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

import pytest

from tests.transcripts import DOWN, ISDN, UP, mutated, read_mutated

pytestmark = pytest.mark.soak
ROUNDS = 1_000_000
SLOWEST_S = 2.0
"""A reading that takes longer than this (on any machine) hangs."""


def test_a_million_spoilt_transcripts(tmp_path: Path) -> None:
    wrong, slowest_s, up = [], 0.0, 0
    good, isdn = (UP + DOWN).encode(), ISDN.encode()
    for number in range(ROUNDS):
        dice = random.Random(number)
        main = mutated(dice, good, 1 + number % 12)
        began = time.perf_counter()
        found = read_mutated(main, mutated(dice, isdn, 2))
        slowest_s = max(slowest_s, time.perf_counter() - began)
        up += "gw:0" in found
        if "gw:1" in found:
            wrong.append(number)
    figures = {
        "rounds": ROUNDS,
        "still_read_as_up": up,
        "wrong_up": len(wrong),
        "slowest_ms": round(slowest_s * 1e3, 1),
    }
    (tmp_path / "console_fuzz.json").write_text(json.dumps(figures), encoding="utf-8")
    print(json.dumps(figures))
    assert not wrong, f"a dead line was called up by seeds {wrong[:5]}"
    assert slowest_s < SLOWEST_S
    assert up > ROUNDS // 100, "hardly anything was read: the test does not reach deep enough"
