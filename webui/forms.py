"""What the forms of all slices share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask_wtf import FlaskForm
from wtforms.fields.choices import SelectChoice

from appliance.errors import ValidationErrors
from webui.error_texts import text_of


def choices(pairs: Iterable[tuple[str, Any]]) -> list[SelectChoice]:
    """Choices of a select from (value, label)."""
    return [SelectChoice(value=value, label=label) for value, label in pairs]


def put_errors(form: FlaskForm, wrong: ValidationErrors) -> None:
    """Show the box's complaints beside the fields they are about, the rest at the top."""
    for name, error_id, message in wrong.errors:
        text = text_of(error_id, message)
        if name in form:
            form[name].errors = [*form[name].errors, text]
        else:
            form.form_errors = [*form.form_errors, text if text != message else f"{name}: {message}"]
