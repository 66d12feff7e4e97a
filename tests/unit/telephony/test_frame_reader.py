"""The fast way to a frame's bytes is used only where it reads what the slow way reads."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.telephony.frames import read_by_iteration, read_by_pointer
from appliance.telephony.pjsua2_adapter import choose_reader

pytestmark = pytest.mark.unit


def test_this_library_is_read_by_pointer() -> None:
    assert choose_reader() is read_by_pointer


def _wrong_bytes(_frame: Any) -> bytes:
    return bytes(320)


def _wrong_layout(_frame: Any) -> bytes:
    raise AttributeError("this")


@pytest.mark.parametrize("fast", [_wrong_bytes, _wrong_layout])
def test_another_layout_falls_back(fast: Any) -> None:
    assert choose_reader(fast=fast) is read_by_iteration
