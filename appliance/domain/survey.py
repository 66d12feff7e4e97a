"""The form of a campaign that an agent fills in while he talks: an order, a survey. Its fields are data."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

_TEXT_MAX = 2000


class FieldKind(StrEnum):
    TEXT = "text"  # one line
    LONG = "long"
    NUMBER = "number"
    DATE = "date"
    YES_NO = "yes_no"
    CHOICE = "choice"  # one of `choices`
    SEVERAL = "several"  # any of `choices`


class FormField(BaseModel):
    """One question. It is asked only while `when_id` has the answer `when_is`, when that is given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(title="Key", description="Of the answer, in exports.", pattern=r"^[a-z][a-z0-9_]{0,39}$")
    label: str = Field(title="Question", min_length=1, max_length=300)
    kind: FieldKind = Field(FieldKind.TEXT, title="Kind of answer")
    choices: list[str] = Field(default_factory=list, title="Choices", max_length=50)
    required: bool = Field(False, title="Must be answered", description="Before a result can be saved.")
    least: float | None = Field(None, title="At least", description="Of a number.")
    most: float | None = Field(None, title="At most", description="Of a number.")
    when_id: str = Field("", title="Only if", description="Key of a question before.")
    when_is: str = Field("", title="has the answer")

    @model_validator(mode="after")
    def _has_choices(self) -> Self:
        if self.kind in (FieldKind.CHOICE, FieldKind.SEVERAL) and not self.choices:
            raise ValueError("a choice needs something to choose from")
        return self

    def is_asked(self, answers: dict[str, Any]) -> bool:
        """Say whether the answers so far make this question one."""
        if not self.when_id:
            return True
        given = answers.get(self.when_id)
        return self.when_is in given if isinstance(given, list) else str(given or "") == self.when_is


def check_form(form: Sequence[FormField]) -> None:
    """Raise ValueError when keys are not unique, or a condition names no question before it."""
    seen: set[str] = set()
    for field in form:
        if field.id in seen:
            raise ValueError(f"the key '{field.id}' is there twice")
        if field.when_id and field.when_id not in seen:
            raise ValueError(f"'{field.id}' depends on '{field.when_id}', which is no question before it")
        seen.add(field.id)


def check_answers(
    form: Sequence[FormField], answers: dict[str, Any], *, complete: bool
) -> tuple[dict[str, Any], list[tuple[str, str, str]]]:
    """Return the answers that stand, and what is wrong as (field, error id, words).

    Unknown keys and answers to questions that are not asked are left out. `complete`: required ones must be there.
    """
    kept: dict[str, Any] = {}
    errors: list[tuple[str, str, str]] = []
    for field in form:
        if not field.is_asked(kept):
            continue
        given = answers.get(field.id)
        if given in (None, "", []):
            if field.required and complete:
                errors.append((f"answers.{field.id}", "survey.required", f"'{field.label}' must be answered"))
            continue
        value, wrong = _value(field, given)
        if wrong and complete:
            errors.append((f"answers.{field.id}", "survey.invalid", f"'{field.label}': {wrong}"))
        elif not wrong:
            kept[field.id] = value
    return kept, errors


def _value(field: FormField, given: Any) -> tuple[Any, str]:
    """Return the answer as it is kept, or why it is none."""
    match field.kind:
        case FieldKind.NUMBER:
            return _number(field, given)
        case FieldKind.DATE:
            try:
                return date.fromisoformat(str(given)).isoformat(), ""
            except ValueError:
                return None, "write the date as 2026-03-05"
        case FieldKind.YES_NO:
            return (given, "") if given in ("yes", "no") else (None, "yes or no")
        case FieldKind.CHOICE:
            return (given, "") if given in field.choices else (None, "choose one of the list")
        case FieldKind.SEVERAL:
            chosen = [given] if isinstance(given, str) else list(given)
            return (chosen, "") if all(one in field.choices for one in chosen) else (None, "choose from the list")
        case _:
            return str(given).strip()[:_TEXT_MAX], ""


def _number(field: FormField, given: Any) -> tuple[Any, str]:
    try:
        value = float(str(given).replace("\u00a0", "").replace(" ", "").replace(",", "."))
    except ValueError:
        return None, "write a number"
    if value != value or abs(value) == float("inf"):
        return None, "write a number"
    if field.least is not None and value < field.least:
        return None, f"at least {field.least:g}"
    if field.most is not None and value > field.most:
        return None, f"at most {field.most:g}"
    return (int(value) if value.is_integer() else value), ""
