"""A script as the agent sees it: values of the record in place of braces, answers that lead to other steps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from appliance.store.read import campaign_texts
from webui import fields
from webui.i18n import money

_PLACEHOLDER = re.compile(r"\{([^{}\n]{1,60})\}")


@dataclass(frozen=True)
class Shown:
    """One step. `must` has to be said; `answers` are (text, index of the step that follows, None: there is none).

    `title` is what articles are suggested by, `heading` the same with values in place. `next`: index of the step that
    follows without an answer, None at an end.
    """

    title: str
    heading: str
    text: str
    must: tuple[str, ...]
    answers: tuple[tuple[str, int | None], ...]
    next: int | None


def shown(script: str, record: Mapping[str, Any], custom: Mapping[str, Any]) -> tuple[Shown, ...]:
    """Cut the script into steps, then fill in: what a record holds never makes steps of its own."""
    steps = campaign_texts.parse(script)
    places = {campaign_texts.plain(one.title): at for at, one in reversed(list(enumerate(steps)))}
    values = _values(record, custom)
    return tuple(
        Shown(
            one.title, _filled(one.title, values), _filled(one.text, values),
            tuple(_filled(must.text, values) for must in one.must),
            tuple((_filled(a.text, values), places.get(campaign_texts.plain(a.to))) for a in one.answers),
            index + 1 if index + 1 < len(steps) and not one.answers else None,
        )
        for index, one in enumerate(steps)
    )  # fmt: skip


def _values(record: Mapping[str, Any], custom: Mapping[str, Any]) -> dict[str, str]:
    values: dict[str, Any] = {**(record.get("fields") or {}), **fields.texts(custom)}
    values |= {key: value for key, value in record.items() if isinstance(value, str | int)}
    values["amount"] = money(record.get("amount_minor"), str(record.get("currency") or ""))
    return {key: str(value) for key, value in values.items()}


def _filled(text: str, values: Mapping[str, str]) -> str:
    """Put values into braces; what is not known shows as an ellipsis."""
    return _PLACEHOLDER.sub(lambda match: values.get(match[1]) or "…", text)
