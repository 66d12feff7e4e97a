"""Fonts for reports as PDF: English with what every reader has, other letters with a TrueType font of Debian.

`fonts-wqy-microhei` has Chinese, Russian and Latin; `fonts-dejavu-core` Russian and Latin.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFError, TTFont

BUILT_IN = "Helvetica"
FONTS = {
    "wqy-microhei": Path("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc"),
    "dejavu-sans": Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"),
}


@cache
def font(name: str) -> TTFont | None:
    """The font, registered with reportlab; None when it is not installed."""
    try:
        found = TTFont(name, str(FONTS[name]))
        pdfmetrics.registerFont(found)
    except (TTFError, OSError):
        return None
    return found


def has(name: str, letters: Iterable[str]) -> bool:
    """Whether a font has all these letters."""
    if name == BUILT_IN:
        return all(ord(letter) < 0x100 for letter in letters)
    loaded = font(name)
    return loaded is not None and all(ord(letter) in loaded.face.charToGlyph for letter in letters)


def font_for(text: str) -> str | None:
    """The first font that has all letters of a text; None when none has."""
    letters = {letter for letter in text if letter.isprintable() and letter != " "}
    return next((name for name in (BUILT_IN, "dejavu-sans", "wqy-microhei") if has(name, letters)), None)
