"""The shortcut table: one key, one meaning, never a single character that a person may type."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from webui.agent.shortcuts import SHORTCUTS

pytestmark = pytest.mark.unit

TEMPLATES = Path(__file__).resolve().parents[3] / "webui" / "templates"


def test_keys_and_ids_are_unique() -> None:
    assert len({s.keys for s in SHORTCUTS}) == len(SHORTCUTS)
    assert len({s.id for s in SHORTCUTS}) == len(SHORTCUTS)


def test_only_chords_but_for_help() -> None:
    assert [s.id for s in SHORTCUTS if "+" not in s.keys] == ["help"]


def test_no_chord_of_the_browser_is_taken() -> None:
    # Chromium and Firefox: address bar, menu, find, history, home
    assert not {s.keys for s in SHORTCUTS} & {"Alt+D", "Alt+E", "Alt+F", "Alt+Home", "Alt+Left", "Alt+Right"}


def test_every_shortcut_has_an_element_and_every_element_a_shortcut() -> None:
    text = "".join(path.read_text("utf-8") for path in TEMPLATES.rglob("*.html"))
    used = set(re.findall(r'data-shortcut="([a-z-]+)"', text))
    numbered = {s.id for s in SHORTCUTS if s.id.startswith("disposition-")}
    assert used == {s.id for s in SHORTCUTS} - numbered
