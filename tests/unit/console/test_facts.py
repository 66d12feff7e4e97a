"""What the console says before anything else runs: why the box has not come to its data."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from appliance.console import facts
from appliance.settings import Home

pytestmark = pytest.mark.unit

DATA = Path(__file__).resolve().parents[3] / "image_build/image/overlay/usr/lib/callbox/data"
_FITS = 60  # letters of a red line in the menu


def test_locked_data_stand_above_what_follows_from_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fault = tmp_path / "fault"
    monkeypatch.setattr(facts, "DATA_FAULT", fault)
    home = Home(tmp_path)
    before = facts.red_lines(home)
    fault.write_text("Data locked: why\nWhat to do\n")
    assert facts.red_lines(home) == ["!! Data locked: why", "!! What to do", *before]


def test_each_word_of_the_start_fits_into_the_menu() -> None:
    script = DATA.read_text("utf-8")
    assert f"FAULT={facts.DATA_FAULT} " in script
    said = re.findall(r'fault "([^"$]+)"', script)
    assert len(said) >= 4
    assert all(len(f"!! {words}") <= _FITS for words in said), said
