"""Each test has a call of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.telephony.call_rig import Call


@pytest.fixture
def call(tmp_path: Path) -> Iterator[Call]:
    one = Call(tmp_path)
    yield one
    if not one.conversation.ended and one.port.dials:
        one.conversation.end("test over")
        one.run(0.3)
