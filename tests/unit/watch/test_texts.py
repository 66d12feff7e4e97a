"""Every alert has words in all languages with the same figures; nothing in the data can break them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from appliance import texts
from appliance.types import Severity
from appliance.watch.conditions import Finding

pytestmark = pytest.mark.unit

TOP = Path(__file__).resolve().parents[3]
FIELD = re.compile(r"\{(\w+)(?::[^}]*)?\}")


def _figures(words: texts.Words) -> set[str]:
    return set(FIELD.findall(words.title + words.text))


@pytest.mark.parametrize("language", ["zh", "ru"])
def test_same_ids_and_figures_in_all_languages(language: str) -> None:
    english, other = texts.table("en"), texts.table(language)
    assert set(english) == set(other)
    for text_id, words in english.items():
        assert _figures(words) == _figures(other[text_id]), text_id
        assert other[text_id].text != words.text, f"{text_id} is not translated"


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_words_say_something_and_braces_are_figures_only(language: str) -> None:
    for text_id, words in texts.table(language).items():
        assert words.title.strip(), text_id
        assert words.text.strip(), text_id
        assert "{" not in FIELD.sub("", words.title + words.text), text_id


def _named_alerts() -> set[str]:
    """Text ids that code names: `alert="..."` in calls and in `data={"alert": "..."}`, and ids of conditions."""
    named = set()
    for path in (TOP / "appliance").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.keyword(arg="alert", value=ast.Constant(value=str() as text_id)):
                    named.add(text_id)
                case ast.Dict(keys=keys, values=values):
                    for key, value in zip(keys, values, strict=True):
                        if isinstance(key, ast.Constant) and key.value == "alert" and isinstance(value, ast.Constant):
                            named.add(str(value.value))
    return named


def test_every_alert_that_code_names_has_words() -> None:
    named = _named_alerts()
    assert "gateway.silent" in named
    assert named <= set(texts.table("en"))


def test_every_condition_has_words_for_all_is_well() -> None:
    wanted = set()
    for path in (TOP / "appliance" / "watch").rglob("*.py"):
        wanted |= {f"condition.{name}" for name in re.findall(r'^    id = "([\w-]+)"$', path.read_text("utf-8"), re.M)}
    assert "condition.services" in wanted
    assert wanted <= set(texts.table("en"))


def test_data_cannot_break_or_abuse_the_words() -> None:
    words = texts.words("ear.drift.tones", "en", {"now": "many", "name": "{0.__class__}"})
    assert words is not None
    assert words.title.startswith("Trunk {0.__class__}: fewer")
    assert words.text.startswith("many of - calls, before - of -.")
    assert texts.words("no.such", "en", {}) is None


def test_a_finding_has_english_words_and_carries_its_text_id() -> None:
    finding = Finding(key="disk.low", severity=Severity.WARNING, alert="disk.low",
                      data={"free_gb": 3, "reserve_mb": 1024})  # fmt: skip
    assert finding.title == "3 GB free on the recordings disk"
    assert finding.data["alert"] == "disk.low"
    assert texts.alert_words(finding.data, "zh", title="", text="").title == "录音磁盘剩余 3 GB"
    assert texts.alert_words(finding.data, "fr", title="", text="").title == finding.title
    own = Finding(key="x", severity=Severity.INFO, title="own words", text="as they came")
    assert texts.alert_words(own.data, "zh", title=own.title, text=own.text).title == "own words"
