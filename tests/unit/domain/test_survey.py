"""The form of a campaign: which questions are asked, which answers stand."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.domain.campaign import parse_config
from appliance.domain.survey import FormField, as_typed, check_answers
from appliance.errors import ValidationErrors

pytestmark = pytest.mark.unit

FORM: list[dict[str, Any]] = [
    {"id": "wants", "label": "Wants it?", "kind": "yes_no", "required": True},
    {"id": "pieces", "label": "How many?", "kind": "number", "least": 1, "most": 9, "required": True,
     "when_id": "wants", "when_is": "yes"},
    {"id": "colours", "label": "Colours", "kind": "several", "choices": ["红", "blue"]},
    {"id": "day", "label": "Day", "kind": "date", "when_id": "colours", "when_is": "红"},
    {"id": "remark", "label": "Remark", "kind": "long"},
]  # fmt: skip
FIELDS = parse_config({"survey": FORM}).survey


def test_answers_that_stand() -> None:
    answers = {"wants": "yes", "pieces": "3", "colours": "红", "day": "2026-03-05", "remark": " ok ", "other": 1}
    kept, errors = check_answers(FIELDS, answers, complete=True)
    assert errors == []
    assert kept == {"wants": "yes", "pieces": 3, "colours": ["红"], "day": "2026-03-05", "remark": "ok"}


def test_what_is_not_asked_is_not_kept_and_not_missed() -> None:
    kept, errors = check_answers(FIELDS, {"wants": "no", "pieces": "3", "day": "2026-03-05"}, complete=True)
    assert (kept, errors) == ({"wants": "no"}, [])


@pytest.mark.parametrize(
    ("answers", "field"),
    [
        ({}, "wants"), ({"wants": "maybe"}, "wants"), ({"wants": "yes"}, "pieces"),
        ({"wants": "yes", "pieces": "0"}, "pieces"), ({"wants": "yes", "pieces": "nan"}, "pieces"),
        ({"wants": "yes", "pieces": "many"}, "pieces"), ({"wants": "no", "colours": ["green"]}, "colours"),
        ({"wants": "no", "colours": ["红"], "day": "tomorrow"}, "day"),
    ],
)  # fmt: skip
def test_wrong_answers_are_named_and_a_draft_keeps_the_right_ones(answers: dict[str, Any], field: str) -> None:
    _, errors = check_answers(FIELDS, answers, complete=True)
    assert [error[0] for error in errors] == [f"answers.{field}"]
    kept, none = check_answers(FIELDS, {**answers, "remark": "x"}, complete=False)
    assert none == []
    assert kept["remark"] == "x"
    assert field not in kept


@pytest.mark.parametrize(
    "form",
    [
        [FORM[0], FORM[0]], [FORM[1]], [{"id": "A", "label": "x"}], [{"id": "a", "label": "x", "kind": "choice"}],
        [{"id": "a", "label": ""}],
    ],
)  # fmt: skip
def test_bad_forms_are_refused(form: list[dict[str, Any]]) -> None:
    with pytest.raises(ValidationErrors):
        parse_config({"survey": form})


OWN = [
    FormField.model_validate(one)
    for one in (
        {"id": "debt", "label": "Debt", "kind": "money", "currency": "CNY", "least": 0, "most": 1000},
        {"id": "yen", "label": "Yen", "kind": "money", "currency": "JPY"},
        {"id": "mail", "label": "E-mail", "shape": "email"}, {"id": "code", "label": "Code", "shape": "digits"},
        {"id": "short", "label": "Short", "longest": 3},
    )
]


@pytest.mark.parametrize(
    ("key", "given", "kept"),
    [
        ("debt", "12,5", 1250), ("debt", "1 000.00", 100000), ("debt", "0.001", None), ("debt", "1000.01", None),
        ("debt", "-1", None), ("debt", "1.000,50", None), ("debt", "NaN", None), ("debt", "1e400", None),
        ("yen", "15", 15), ("yen", "1.5", None), ("mail", "a@b.cn", "a@b.cn"), ("mail", "a@b", None),
        ("mail", "a b@c.d", None), ("code", "0042", "0042"), ("code", "4 2", None), ("short", "abc", "abc"),
        ("short", "abcd", None), ("short", "a\0\u202eb", "a b"),
    ],
)
def test_amounts_shapes_and_lengths(key: str, given: str, kept: object) -> None:
    found, wrong = check_answers(OWN, {key: given}, complete=True)
    assert found.get(key) == kept
    assert bool(wrong) is (kept is None)


def test_what_is_kept_can_be_typed_again() -> None:
    found, _wrong = check_answers(OWN, {"debt": "12.5", "yen": "7"}, complete=True)
    typed = {one.id: as_typed(one, found.get(one.id)) for one in OWN}
    assert (typed["debt"], typed["yen"], typed["mail"]) == ("12.50", "7", "")
    assert check_answers(OWN, typed, complete=True)[0] == found


@pytest.mark.parametrize(
    "field",
    [
        {"kind": "money"}, {"kind": "money", "currency": "cny"}, {"kind": "number", "least": 2, "most": 1},
        {"kind": "choice", "choices": ["a", "a "]}, {"kind": "choice", "choices": ["\0", " "]}, {"longest": 0},
        {"kind": "choice", "choices": ["x" * 300]}, {"label": "\0"},
    ],
)  # fmt: skip
def test_fields_that_are_none(field: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        FormField.model_validate({"id": "a", "label": "A", **field})
