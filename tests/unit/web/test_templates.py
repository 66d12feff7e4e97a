"""Templates and translations by reading them: no inline code, no address outside, nothing left in English."""

from __future__ import annotations

import re
from functools import cache
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

pytestmark = pytest.mark.unit

TOP = Path(__file__).resolve().parents[3]
WEBUI = TOP / "webui"
TEMPLATES = sorted((WEBUI / "templates").rglob("*.html"))
PLACEHOLDER = re.compile(r"%\(\w+\)s")


def _name(path: Path) -> str:
    return str(path.relative_to(WEBUI / "templates"))


@pytest.mark.parametrize("path", TEMPLATES, ids=_name)
def test_no_inline_code_and_no_foreign_address(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not re.search(r"\son[a-z]+\s*=|hx-on|javascript:", text), "inline script"
    assert not re.search(r"\sstyle\s*=|<style", text), "inline style"
    assert not re.search(r"<script(?![^>]*(src=|type=\"application/json\"))", text), "inline script element"
    assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", text), "address outside the box"


@pytest.mark.parametrize("path", TEMPLATES, ids=_name)
def test_every_plain_post_form_carries_its_token(path: Path) -> None:
    text = path.read_text("utf-8")
    for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", text, re.S):
        assert "csrf" in form, form[:120]


SKIPPED = {"node_modules", "static", "tests", "audio", "docs", "drivers"}


@cache
def _messages() -> frozenset[str]:
    """All messages of pages, Python and settings, as the extraction of `webui/babel.cfg` finds them."""
    with (WEBUI / "babel.cfg").open() as handle:
        methods, options = parse_mapping_cfg(handle)
    keywords = {"_": None, "gettext": None, "_l": None, "lazy_gettext": None, "ngettext": (1, 2)}
    rows = extract_from_dir(
        TOP, methods, options, keywords,
        directory_filter=lambda name: Path(name).name not in SKIPPED and not Path(name).name.startswith("."),
    )  # fmt: skip
    singular = {message if isinstance(message, str) else message[0] for _file, _line, message, _c, _x in rows}
    return frozenset(singular - {""})


def _catalogue(language: str) -> Catalog:
    path = WEBUI / "translations" / language / "LC_MESSAGES" / "messages.po"
    return read_po(BytesIO(path.read_bytes()), locale=language)


@pytest.mark.parametrize("language", ["zh", "ru"])
def test_every_message_is_translated(language: str) -> None:
    catalogue = _catalogue(language)
    messages = _messages()
    assert len(messages) > 500
    missing = [m for m in messages if m not in catalogue or not catalogue[m].string or catalogue[m].fuzzy]
    assert missing == []


@pytest.mark.parametrize("language", ["zh", "ru"])
def test_translations_keep_the_placeholders(language: str) -> None:
    for message in _catalogue(language):
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        wanted = set(PLACEHOLDER.findall(ids[0] or ""))
        for string in strings if ids[0] else ():
            assert set(PLACEHOLDER.findall(string)) == wanted, message.id


@pytest.mark.parametrize(("language", "foreign"), [("zh", "[\u0400-\u04ff]"), ("ru", "[\u4e00-\u9fff]")])
def test_no_language_has_the_letters_of_another(language: str, foreign: str) -> None:
    strings = {m.id: m.string for m in _catalogue(language) if isinstance(m.string, str)}
    assert {key: text for key, text in strings.items() if key and re.search(foreign, text)} == {}
