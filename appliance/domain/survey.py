"""Questions as data: a campaign's form that an agent fills in while he talks, and people's own fields."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Literal, Self

from babel.numbers import get_currency_precision
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from appliance.domain.amounts import AMOUNT_MINOR_MAX, amount_text

TEXT_MAX = 2000
CHOICE_MAX = 200
_SHAPES = {
    "email": re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+"), "digits": re.compile(r"\d+"),
    "phone": re.compile(r"\+?[\d ()./-]{3,25}"),
}  # fmt: skip


class FieldKind(StrEnum):
    TEXT = "text"  # one line
    LONG = "long"
    NUMBER = "number"
    DATE = "date"
    YES_NO = "yes_no"
    CHOICE = "choice"  # one of `choices`
    SEVERAL = "several"  # any of `choices`
    MONEY = "money"  # kept in minor units of `currency`


class FormField(BaseModel):
    """One question. It is asked only while `when_id` has the answer `when_is`, when that is given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(title="Key", description="Of the answer, in exports.", pattern=r"^[a-z][a-z0-9_]{0,39}$")
    label: str = Field(title="Question", min_length=1, max_length=300)
    kind: FieldKind = Field(FieldKind.TEXT, title="Kind of answer")
    choices: list[str] = Field(default_factory=list, title="Choices", max_length=50)
    required: bool = Field(False, title="Must be answered", description="Before a result can be saved.")
    least: float | None = Field(None, title="At least", description="Of a number or an amount.")
    most: float | None = Field(None, title="At most", description="Of a number or an amount.")
    longest: int | None = Field(None, title="Longest", description="Characters of a text.", ge=1, le=TEXT_MAX)
    shape: Literal["", "email", "phone", "digits"] = Field("", title="Written as", description="A text of one line.")
    currency: str = Field("", title="Currency", description="Of an amount, ISO 4217.", pattern=r"^([A-Z]{3})?$")
    when_id: str = Field("", title="Only if", description="Key of a question before.")
    when_is: str = Field("", title="has the answer")

    @field_validator("label", "when_is", mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        return plain_text(value) if isinstance(value, str) else value

    @field_validator("choices")
    @classmethod
    def _choices(cls, value: list[str]) -> list[str]:
        found = [text for one in value if (text := plain_text(one))]
        if len(set(found)) < len(found):
            raise ValueError("a choice is there twice")
        if any(len(one) > CHOICE_MAX for one in found):
            raise ValueError(f"a choice has at most {CHOICE_MAX} characters")
        return found

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.kind in (FieldKind.CHOICE, FieldKind.SEVERAL) and not self.choices:
            raise ValueError("a choice needs something to choose from")
        if self.kind is FieldKind.MONEY and not self.currency:
            raise ValueError("an amount needs its currency")
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError("'at least' is more than 'at most'")
        return self

    def is_asked(self, answers: dict[str, Any]) -> bool:
        """Say whether the answers so far make this question one."""
        if not self.when_id:
            return True
        given = answers.get(self.when_id)
        return self.when_is in given if isinstance(given, list) else str(given or "") == self.when_is


def plain_text(text: str) -> str:
    """A line as it may be kept: no control characters (NUL), no marks that turn the direction of what follows."""
    kept = (
        " " if unicodedata.category(one) in ("Cc", "Zl", "Zp") else "" if one in _TURNS else one for one in text
    )
    return "".join(kept).strip()


_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # Unicode TR 9: embeddings, isolates


def plain_lines(text: str) -> str:
    """The same for a text of several lines."""
    return "\n".join(plain_text(line) if line.strip() else "" for line in re.split(r"\r\n|\r|\n", text)).strip("\n")


def check_form(form: Sequence[FormField]) -> None:
    """Raise ValueError when keys are not unique, or a condition names no question before it."""
    seen: set[str] = set()
    for field in form:
        if field.id in seen:
            raise ValueError(f"the key '{field.id}' is there twice")
        if field.when_id and field.when_id not in seen:
            raise ValueError(f"'{field.id}' depends on '{field.when_id}', which is no question before it")
        seen.add(field.id)


def as_typed(field: FormField, value: Any) -> str:
    """A kept answer as it would be typed (several choices: joined by commas); "" for none."""
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    if field.kind is FieldKind.MONEY and isinstance(value, int):
        return amount_text(value, field.currency)
    return str(value)


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
        case FieldKind.MONEY:
            return _money(field, given)
        case _:
            return _text(field, str(given))


def _text(field: FormField, given: str) -> tuple[Any, str]:
    text = plain_lines(given).strip() if field.kind is FieldKind.LONG else plain_text(given)
    if field.longest is not None and len(text) > field.longest:
        return None, f"at most {field.longest} characters"
    if field.shape and text and not _SHAPES[field.shape].fullmatch(text):
        return None, {"email": "write an address such as name@example.com", "digits": "write digits only",
                      "phone": "write a telephone number"}[field.shape]  # fmt: skip
    return text[:TEXT_MAX], ""


def _money(field: FormField, given: Any) -> tuple[Any, str]:
    plain = re.sub(r"[\s\u00a0\u202f]", "", str(given)).replace(",", ".")
    if plain.count(".") > 1:
        return None, "write an amount such as 1234.50"
    try:
        value = Decimal(plain)
    except InvalidOperation:
        return None, "write an amount such as 1234.50"
    if not value.is_finite():
        return None, "write an amount such as 1234.50"
    if wrong := _bounds(field, float(value)):
        return None, wrong
    minor = value.scaleb(get_currency_precision(field.currency))
    if minor != minor.to_integral_value() or abs(minor) > AMOUNT_MINOR_MAX:
        return None, "write an amount such as 1234.50"
    return int(minor), ""


def _bounds(field: FormField, value: float) -> str:
    if field.least is not None and value < field.least:
        return f"at least {field.least:g}"
    if field.most is not None and value > field.most:
        return f"at most {field.most:g}"
    return ""


def _number(field: FormField, given: Any) -> tuple[Any, str]:
    try:
        value = float(str(given).replace("\u00a0", "").replace(" ", "").replace(",", "."))
    except ValueError:
        return None, "write a number"
    if value != value or abs(value) == float("inf"):
        return None, "write a number"
    if wrong := _bounds(field, value):
        return None, wrong
    return (int(value) if value.is_integer() else value), ""
