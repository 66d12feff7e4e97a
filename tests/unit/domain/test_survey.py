"""The form of a campaign: which questions are asked, which answers stand."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.domain.campaign import parse_config
from appliance.domain.survey import check_answers
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
