"""The pages' words in the language under test: a test names a text as the code does, the catalogue how it reads."""

from __future__ import annotations

from functools import cache
from gettext import NullTranslations
from pathlib import Path
from typing import Any

import pytest
from babel.support import Translations

import webui

LOCALES = {"en": "en-US", "zh": "zh-CN", "ru": "ru-RU"}
"""Our languages, each with the locale of a browser that asks for it."""
IN_EACH_LANGUAGE = pytest.mark.parametrize("site", LOCALES, indirect=True)
"""The journey is played once in each language."""
_FOLDER = Path(webui.__file__).parent / "translations"


class _NoWords(NullTranslations):
    """What is asked when the catalogue does not hold a text."""

    def gettext(self, message: str) -> str:
        raise AssertionError(f"no page says {message!r}")

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        raise AssertionError(f"no page says {msgid1!r} of {n}")


@cache
def _words(language: str) -> NullTranslations:
    if language == "en":
        return NullTranslations()
    found = Translations.load(_FOLDER, [language])
    found.add_fallback(_NoWords())
    return found


def say(language: str, text: str, plural: str = "", **values: Any) -> str:
    """How the pages say `text` in this language; with `plural`, in the form for the value `num`.

    A text that no page holds is a mistake of the test: AssertionError.
    """
    words = _words(language)
    found = words.ngettext(text, plural, values["num"]) if plural else words.gettext(text)
    return found % values if values else found
