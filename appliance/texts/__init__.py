"""The words of alerts and conditions as data: one table per language, used by web, console, e-mail, SMS and syslog.

`en.toml`, `zh.toml` and `ru.toml` hold the same ids; each entry has a `title` (what is wrong) and a `text` (the cause
and what to do). Placeholders are `str.format` fields filled from the alert's figures; a figure that is missing shows as
a dash. Ids that are not in the table show the words that came with the alert. `errors.zh.toml` and `errors.ru.toml` say
what errors of the hardware mean, by their id; in English an error speaks for itself. `figures.*.toml` name and
define the figures of reports, for pages, tables and mails.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from string import Formatter
from typing import Any

LANGUAGES = ("en", "zh", "ru")


@dataclass(frozen=True)
class Words:
    """What a person reads: `title` in a line, `text` says why and what to do."""

    title: str
    text: str


class _Lenient(Formatter):
    """Never fails on data: a missing figure or one of a wrong kind is shown as it is."""

    def get_value(self, key: int | str, args: Any, kwargs: Any) -> Any:  # noqa: ARG002 - Formatter's own
        return kwargs.get(str(key), "-")

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> Any:
        return self.get_value(field_name, args, kwargs), field_name  # no attributes, no items: data is not trusted

    def format_field(self, value: Any, format_spec: str) -> str:
        try:
            return str(format(value, format_spec))
        except (TypeError, ValueError):
            return str(value)


_FORMATTER = _Lenient()


@cache
def table(language: str) -> Mapping[str, Words]:
    """All entries of a language; English for one that the box does not speak."""
    name = language if language in LANGUAGES else "en"
    entries = tomllib.loads((resources.files(__name__) / f"{name}.toml").read_text("utf-8"))
    return {key: Words(entry["title"], entry["text"]) for key, entry in entries.items()}


@cache
def figure_words(language: str) -> Mapping[str, Words]:
    """What each figure of a report is called and how it is counted; `by.*` its sides, `period.*` its spans of days."""
    name = language if language in LANGUAGES else "en"
    entries = tomllib.loads((resources.files(__name__) / f"figures.{name}.toml").read_text("utf-8"))
    return {key: Words(entry["title"], entry["text"]) for key, entry in entries.items()}


@cache
def _errors(language: str) -> Mapping[str, str]:
    path = resources.files(__name__) / f"errors.{language}.toml"
    return tomllib.loads(path.read_text("utf-8")) if language in LANGUAGES and language != "en" else {}


def error_words(error_id: str, language: str, message: str) -> str:
    """What an error of the hardware says in a language; `message`, its own sentence, where there are no other words."""
    return _errors(language).get(error_id, message)


def words(text_id: str, language: str, figures: Mapping[str, Any]) -> Words | None:
    """The words of an id with its figures put in; None when the table does not know it."""
    entry = table(language).get(text_id)
    if entry is None:
        return None
    if "error" in figures:
        said = error_words(str(figures.get("error_id", "")), language, str(figures["error"]))
        figures = {**figures, "error": said}
    return Words(_FORMATTER.vformat(entry.title, (), figures), _FORMATTER.vformat(entry.text, (), figures))


def alert_words(data: Mapping[str, Any], language: str, *, title: str, text: str) -> Words:
    """The words of an alert whose `data["alert"]` names its entry; else the title and text that came with it."""
    return words(str(data.get("alert", "")), language, data) or Words(title, text)
