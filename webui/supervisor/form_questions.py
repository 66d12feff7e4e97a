"""Questions of a form as a page sends them."""

from __future__ import annotations

import re
from typing import Any

from werkzeug.datastructures import MultiDict

_MAX = 150


def question_of(form: MultiDict[str, str], prefix: str) -> dict[str, Any]:
    """One question (domain.survey.FormField as plain data) from fields `<prefix>label`, `<prefix>kind` …

    What does not go with the kind is left out. A figure that is none stays as it was typed: the check names it.
    """
    def text(name: str) -> str:
        return form.get(prefix + name, "").strip()

    kind = text("kind") or "text"
    found: dict[str, Any] = {
        "id": text("id"), "label": text("label"), "kind": kind, "required": prefix + "required" in form,
        "when_id": text("when_id"), "when_is": text("when_is") if text("when_id") else "",
    }  # fmt: skip
    if kind in ("choice", "several"):
        found["choices"] = [line.strip() for line in form.get(prefix + "choices", "").splitlines() if line.strip()]
    if kind in ("number", "money"):
        found |= {name: text(name).replace(",", ".") or None for name in ("least", "most")}
    if kind in ("text", "long"):
        found["longest"] = text("longest") or None
    if kind == "text":
        found["shape"] = text("shape")
    if kind == "money":
        found["currency"] = text("currency").upper()
    return found


def questions_of(form: MultiDict[str, str]) -> list[dict[str, Any]]:
    """All questions in the order in which they stand on the page: `order` names them, one after the other.

    One without a key gets its own, from its words or its place.
    """
    found = [question_of(form, f"q.{number}.") for number in form.getlist("order")[:_MAX] if number.isalnum()]
    taken = {one["id"] for one in found}
    for place, one in enumerate(found, start=1):
        if not one["id"]:
            wanted = key_of(one["label"]) or f"question_{place}"
            further = (f"{wanted[:36]}_{number}" for number in range(2, _MAX + 2))
            one["id"] = next(key for key in (wanted, *further) if key not in taken)
            taken.add(one["id"])
    return found


def key_of(label: str) -> str:
    """A key from a label; "" when the label does not begin with a Latin letter."""
    plain = re.sub(r"[^a-z0-9]+", "_", label.casefold()).strip("_")
    return plain[:40] if plain[:1].isalpha() else ""
