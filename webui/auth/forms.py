"""Forms of the log-in slice."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import EqualTo, InputRequired, Length

PASSWORD_MIN = 10


class LogInForm(FlaskForm):  # type: ignore[misc]
    """Name, password and, for those who switched it on, the six-digit code."""

    login = StringField(
        _l("Name for signing in"), [InputRequired(), Length(max=80)], render_kw={"autocomplete": "username"}
    )
    password = PasswordField(
        _l("Password"), [InputRequired(), Length(max=200)], render_kw={"autocomplete": "current-password"}
    )
    totp = StringField(
        _l("Six-digit code"), [Length(max=6)], render_kw={"autocomplete": "one-time-code", "inputmode": "numeric"}
    )


class SecondFactorOffForm(FlaskForm):  # type: ignore[misc]
    """Switching the second factor off takes the password: a page left open is not enough."""

    own_password = PasswordField(
        _l("Password"), [InputRequired(), Length(max=200)], render_kw={"autocomplete": "current-password"}
    )


class PasswordForm(FlaskForm):  # type: ignore[misc]
    """A user changes his own password."""

    current = PasswordField(
        _l("Current password"), [InputRequired(), Length(max=200)], render_kw={"autocomplete": "current-password"}
    )
    password = PasswordField(
        _l("New password"), [InputRequired(), Length(min=PASSWORD_MIN, max=200)],
        render_kw={"autocomplete": "new-password"},
    )  # fmt: skip
    again = PasswordField(
        _l("New password again"), [EqualTo("password", _l("The two passwords differ."))],
        render_kw={"autocomplete": "new-password"},
    )  # fmt: skip
