"""Fields of one's own of people: what they are called, how a value reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask, g
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict

from appliance.store.read import people
from webui.box import store
from webui.i18n import money, number
from webui.markup import article_html

KINDS: dict[str, Any] = {
    "text": _l("Text, one line"), "long": _l("Text, several lines"), "number": _l("Number"), "date": _l("Date"),
    "yes_no": _l("Yes or no"), "choice": _l("One of a list"), "several": _l("Several of a list"),
    "money": _l("Amount of money"),
}  # fmt: skip
SHAPES: dict[str, Any] = {
    "": _l("any text"), "email": _l("an e-mail address"), "phone": _l("a telephone number"),
    "digits": _l("digits only"),
}  # fmt: skip
YES_NO: dict[str, Any] = {"yes": _l("Yes"), "no": _l("No")}
NUMBER_TYPES: dict[str, Any] = {
    "unknown": _l("Not known"), "mobile": _l("Mobile"), "home": _l("Home"), "work": _l("Work"), "other": _l("Other"),
    "wrong": _l("Somebody else's"),
}  # fmt: skip


def register(app: Flask) -> None:
    """Give templates what they show values and articles with."""
    app.jinja_env.globals.update(
        article_html=article_html, typed=people.typed, value_text=value_text, number_types=NUMBER_TYPES,
        own_fields=in_use,
    )


def in_use() -> list[people.FieldView]:
    """The fields in their order; read once a request."""
    if "own_fields" not in g:
        g.own_fields = people.fields(store())
    found: list[people.FieldView] = g.own_fields
    return found


def typed_in(form: MultiDict[str, str], *, on_pop: bool = False) -> dict[str, Any]:
    """What a form says of the fields, by key; `on_pop`: only of those that an agent sees."""
    wanted = [one for one in in_use() if one.on_pop or not on_pop]
    return {
        one.id: form.getlist(f"custom.{one.id}") if one.kind == "several" else form.get(f"custom.{one.id}", "")
        for one in wanted
    }


def value_text(config: Mapping[str, Any], value: Any) -> str:
    """A value for people; "" for none."""
    if value in (None, "", []):
        return ""
    match config["kind"]:
        case "money":
            return money(int(value), str(config.get("currency") or ""))
        case "yes_no":
            return str(YES_NO.get(str(value), value))
        case "several":
            return ", ".join(str(one) for one in value)
        case "number":
            return number(value) if isinstance(value, int | float) else str(value)
        case _:
            return str(value)


def expected(config: Mapping[str, Any]) -> str:
    """What an answer must look like, for somebody whose answer does not."""
    least, most = config.get("least"), config.get("most")
    match config["kind"]:
        case "number" | "money" if least is not None and most is not None:
            return str(gettext("Write a number from %(least)s to %(most)s.", least=number(least), most=number(most)))
        case "number" | "money" if least is not None:
            return str(gettext("Write a number of at least %(least)s.", least=number(least)))
        case "number" | "money" if most is not None:
            return str(gettext("Write a number of at most %(most)s.", most=number(most)))
        case "number" | "money":
            return str(gettext("Write a number."))
        case "date":
            return str(gettext("Write a day such as 2026-03-05."))
        case "choice" | "several" | "yes_no":
            return str(gettext("Choose from the list."))
    if config.get("shape"):
        return str(gettext("Write %(what)s.", what=SHAPES[config["shape"]]))
    return str(gettext("Write at most %(count)s characters.", count=config.get("longest") or ""))


def texts(custom: Mapping[str, Any]) -> dict[str, str]:
    """Values by key, for people."""
    found = {one.id: value_text(one.config, custom.get(one.id)) for one in in_use()} if custom else {}
    return {key: text for key, text in found.items() if text}


def on_pop(custom: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Label and value of what an agent sees in a call, in the administrator's order."""
    values = texts(custom)
    return [(one.label, values[one.id]) for one in in_use() if one.on_pop and one.id in values]
