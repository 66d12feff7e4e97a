"""Every error of the hardware has its words in Chinese and Russian; English readers see the error's own sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from appliance import texts
from webui.error_texts import ERRORS

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]
_RAISED = re.compile(r'ReaderError\(\s*"([a-z_]+\.[a-z_]+)"')
_SAID = re.compile(r'"(line\.(?:noise|not_understood|stands_still|port_missing))"')
"""Those that only stand in a reading."""


def _ids() -> set[str]:
    rooms = ("drivers", "appliance/watch")
    sources = [path.read_text("utf-8") for room in rooms for path in (ROOT / room).rglob("*.py")]
    return {found for text in sources for found in (*_RAISED.findall(text), *_SAID.findall(text))}


def test_every_error_of_a_driver_speaks_both_languages() -> None:
    ids = _ids()
    assert {"line.noise", "snmp.no_answer", "line.stands_still"} <= ids
    for language in ("zh", "ru"):
        silent = {one for one in ids if one not in ERRORS and texts.error_words(one, language, "") == ""}
        assert not silent, f"{language} has no words for {sorted(silent)}"


def test_an_alert_says_its_error_in_the_readers_language() -> None:
    figures = {"card": "gw", "error": "192.0.2.1:161 does not answer.", "error_id": "snmp.no_answer", "lines": 4}
    said = {language: texts.words("card.unread", language, figures) for language in texts.LANGUAGES}
    assert said["en"] is not None
    assert "192.0.2.1:161 does not answer." in said["en"].text
    for language in ("zh", "ru"):
        found = said[language]
        assert found is not None
        assert texts.error_words("snmp.no_answer", language, "") in found.text
        assert "does not answer" not in found.text


def test_an_error_without_words_keeps_its_sentence() -> None:
    assert texts.error_words("no.such", "zh", "its own") == "its own"
    assert texts.error_words("snmp.no_answer", "de", "its own") == "its own"
