"""The settings page is made from the settings themselves: title, description, range and kind of each field."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from annotated_types import Ge, Gt, Le, Lt
from flask_babel import gettext
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from werkzeug.datastructures import MultiDict

from appliance.settings import Settings

HIDDEN = frozenset(
    {"schema_version", "bus", "store", "sip.worker_address", "sip.edge_worker_port", "sip.websocket_port",
     "sip.rtpengine_port", "sip.worker_port_base", "sip.self_test_port", "web.app_port", "hardware.cards"}
)  # fmt: skip
"""Inner addresses and the format's version: a wrong value cuts the page off from the box. They stay in the file."""


_WORDS = re.compile(r"\^\((\w+(?:\|\w+)+)\)\$")
"""A pattern that is nothing but a list of words: one of them is chosen, not typed."""
_KINDS: dict[Any, str] = {int: "number", float: "number", bool: "switch", SecretStr: "secret"}


@dataclass(frozen=True)
class SettingField:
    """One field: `path` is section.name; `kind` number, text, switch, choice or secret; bounds include their ends.

    A secret's value is empty: it is never shown, and an empty one that comes back leaves it as it is.
    """

    path: str
    title: str
    description: str
    kind: str
    value: Any
    minimum: float | None
    maximum: float | None
    whole: bool
    choices: tuple[str, ...] = ()

    @property
    def range(self) -> str:
        """The bounds to read, empty where there are not two."""
        return "" if self.minimum is None or self.maximum is None else f"({self.minimum}–{self.maximum})"


@dataclass(frozen=True)
class Section:
    """One card of the page."""

    title: str
    description: str
    name: str  # empty: the box itself
    fields: list[SettingField]


def _bounds(info: FieldInfo) -> tuple[float | None, float | None]:
    low: Any = None
    high: Any = None
    for item in info.metadata:
        match item:
            case Ge():
                low = item.ge
            case Gt():
                low = item.gt
            case Le():
                high = item.le
            case Lt():
                high = item.lt
    return low, high


def _choices(info: FieldInfo) -> tuple[str, ...]:
    patterns = (getattr(item, "pattern", None) for item in info.metadata)
    words = next((found[1] for one in patterns if one and (found := _WORDS.fullmatch(str(one)))), "")
    return tuple(words.split("|")) if words else ()


def _field(path: str, info: FieldInfo, value: Any) -> SettingField:
    low, high = _bounds(info)
    choices = _choices(info)
    return SettingField(
        path=path, title=gettext(info.title or path),
        description=gettext(info.description) if info.description else "",
        kind="choice" if choices else _KINDS.get(info.annotation, "text"),
        value="" if isinstance(value, SecretStr) else value, minimum=low, maximum=high, whole=info.annotation is int,
        choices=choices,
    )  # fmt: skip


def _fields(model: BaseModel, prefix: str) -> list[SettingField]:
    return [
        _field(prefix + name, info, getattr(model, name))
        for name, info in type(model).model_fields.items()
        if prefix + name not in HIDDEN
        and not isinstance(getattr(model, name), BaseModel)
    ]


def sections(settings: Settings) -> list[Section]:
    """All cards: the box itself first, then each section."""
    cards = [Section(gettext("Box"), "", "", _fields(settings, ""))]
    for name, info in Settings.model_fields.items():
        part = getattr(settings, name)
        if isinstance(part, BaseModel) and name not in HIDDEN:
            cards.append(Section(gettext(info.title or name), "", name, _fields(part, f"{name}.")))
    return cards


def changes(form: MultiDict[str, str], settings: Settings) -> dict[str, Any]:
    """The fields whose value differs from the present one, nested as `SaveSettings.changes`."""
    changed: dict[str, Any] = {}
    for field in (field for section in sections(settings) for field in section.fields):
        given = form.get(field.path)
        if given is None or given == str(field.value):
            continue
        value: Any = given.strip()
        if field.kind == "number" and value:
            value = int(value) if field.whole and value.lstrip("-").isdigit() else _number(value)
        section, _, name = field.path.rpartition(".")
        (changed.setdefault(section, {}) if section else changed)[name] = value
    return changed


def _number(text: str) -> float | str:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return text  # the box refuses it and says which field
