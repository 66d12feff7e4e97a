"""Form of the first run."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import EqualTo, InputRequired, Length, Regexp

from webui.auth.forms import PASSWORD_MIN


class AdministratorForm(FlaskForm):  # type: ignore[misc]
    """The first account."""

    login = StringField(
        _l("Name for signing in"),
        [InputRequired(), Length(max=80), Regexp(r"^[\w.@-]+$", message=_l("Letters, digits, dot, dash, @ only."))],
        default="admin", render_kw={"autocomplete": "username"},
    )  # fmt: skip
    password = PasswordField(
        _l("Password"), [InputRequired(), Length(min=PASSWORD_MIN, max=200)],
        description=_l("At least 10 characters. A short sentence is easier to keep in mind than symbols."),
        render_kw={"autocomplete": "new-password", "minlength": PASSWORD_MIN},
    )  # fmt: skip
    again = PasswordField(
        _l("Password again"), [EqualTo("password", _l("The two passwords differ."))],
        render_kw={"autocomplete": "new-password"},
    )  # fmt: skip
