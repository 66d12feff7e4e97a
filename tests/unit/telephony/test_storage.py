"""The word on the disk under the recordings: what it forbids, and that it does not hold for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.events import StorageState
from appliance.telephony.storage import WORD_LIFE_S, Storage

pytestmark = pytest.mark.unit


def test_a_word_holds_for_a_minute(tmp_path: Path) -> None:
    now_s = 0.0
    storage = Storage(monotonic=lambda: now_s)
    assert storage.spares(tmp_path) == ""
    assert storage.heard(StorageState(degraded=True, rebuilding=False, at_unix_s=0.0))
    assert not storage.heard(StorageState(degraded=True, rebuilding=True, at_unix_s=0.0))
    assert storage.spares(tmp_path) == "mirror_degraded"
    now_s = WORD_LIFE_S + 1
    assert storage.spares(tmp_path) == ""


def test_a_disk_below_the_reserve_is_seen_without_any_word(tmp_path: Path) -> None:
    assert Storage(reserve_mb=10**9).spares(tmp_path) == "disk_low"
