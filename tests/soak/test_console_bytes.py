"""Ten wrong bytes, again and again, at the technician's console: it stands, and the next entry does what it says."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from appliance.bench.technician import PROMPT, Session, write_hardware
from appliance.settings import Home

pytestmark = pytest.mark.soak
ROUNDS, BYTES = 5_000, 10
_LEAVE = b"\x03\x15"
"""Ctrl-C leaves whatever the noise began, Ctrl-U empties the line."""


def test_ten_wrong_bytes_never_break_it(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.make()
    write_hardware(home)
    session = Session(home)
    for seed in range(ROUNDS):
        session.send(random.Random(seed).randbytes(BYTES) + _LEAVE + b"network\r")
        shown = session.expect("web: port") + session.expect(PROMPT)
        assert "broke" not in shown, f"seed {seed}: {shown}"
    assert session.close() == 0
    print(json.dumps({"rounds": ROUNDS, "bytes": BYTES, "received": session.received}))
