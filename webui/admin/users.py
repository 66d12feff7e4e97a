"""Users: list and form."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import BooleanField, PasswordField, RadioField, SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional

from appliance.commands import DisableTotp, SaveUser
from appliance.errors import ValidationErrors
from appliance.store.read import roles as role_reads
from appliance.store.read import users
from appliance.types import Permission, Role
from webui import labels
from webui.access import needs
from webui.auth.forms import PASSWORD_MIN
from webui.box import ask, store
from webui.errors import done_at
from webui.forms import choices, put_errors
from webui.i18n import LANGUAGES, select_language
from webui.skills import skills_of, skills_text
from webui.versions import edits

blueprint = Blueprint("users", __name__, url_prefix="/users")


class UserForm(FlaskForm):  # type: ignore[misc]
    """One account."""

    login = StringField(_l("Name for signing in"), [InputRequired(), Length(max=80)])
    display_name = StringField(_l("Shown as"), [Length(max=120)])
    role = RadioField(_l("Role"), choices=choices(labels.ROLES.items()), default="agent")
    language = SelectField(_l("Language"), choices=choices(LANGUAGES.items()))
    password = PasswordField(
        _l("Password"), [Optional(), Length(min=PASSWORD_MIN, max=200)],
        description=_l("At least 10 characters. When changing a user: empty leaves it."),
        render_kw={"autocomplete": "new-password"},
    )  # fmt: skip
    skills_text = StringField(
        _l("Skills"), [Length(max=500)],
        description=_l("For instance: russian:3, legal. Campaigns and queues may ask for them; levels from 1 to 5."),
    )  # fmt: skip
    department_id = SelectField(_l("Department"), validate_choice=False)  # the office knows which there are
    enabled = BooleanField(_l("May sign in"), default=True)

    def offering(self) -> UserForm:
        """With the roles and departments that are there now."""
        own = [(role.id, role.name) for role in role_reads.roles(store())]
        self.role.choices = choices([*labels.ROLES.items(), *own])
        rows = [(d.id, "– " * d.level + d.name) for d in role_reads.departments(store())]
        self.department_id.choices = choices([("", _("none")), *rows])
        return self


def _save(form: UserForm, user_id: str | None) -> Response | None:
    names = ("login", "display_name", "role", "language", "enabled", "department_id")
    fields: dict[str, Any] = {n: form[n].data for n in names}
    fields["role_id"] = ""
    if fields["role"] not in set(Role):  # one of one's own
        fields |= {"role_id": fields["role"], "role": Role.AGENT.value}
    try:
        fields["skills"] = skills_of(form.skills_text.data)
        ask(SaveUser, id=user_id, password=form.password.data or None, **fields)
    except ValidationErrors as wrong:
        put_errors(form, wrong)
        return None
    return done_at(url_for("users.page"), _("The user is saved."))


@blueprint.get("")
@needs(Permission.USERS_WRITE)
def page() -> str:
    """All users."""
    own = {role.id: role.name for role in role_reads.roles(store())}
    departments = {department.id: department.name for department in role_reads.departments(store())}
    return render_template("users/page.html", users=users.users(store()), own_roles=own, departments=departments)


@blueprint.route("/new", methods=["GET", "POST"])
@needs(Permission.USERS_WRITE)
def new() -> Response | str:
    """A new user."""
    form = UserForm(language=select_language()).offering()
    return (form.validate_on_submit() and _save(form, None)) or render_template("users/form.html", form=form, user=None)


@blueprint.post("/<user_id>/second-factor-off")
@needs(Permission.USERS_WRITE)
def second_factor_off(user_id: str) -> Response:
    """For somebody who lost his phone."""
    ask(DisableTotp, user_id=user_id)
    return done_at(url_for("users.one", user_id=user_id), _("The six-digit code is switched off."))


@blueprint.route("/<user_id>", methods=["GET", "POST"])
@needs(Permission.USERS_WRITE)
@edits("user", "user_id")
def one(user_id: str) -> Response | str:
    """Change a user."""
    found = users.user(store(), user_id) or abort(404)
    shown = {"skills_text": skills_text(found.skills), "department_id": found.department_id or ""}
    form = UserForm(data={**vars(found), **shown, "role": found.role_id or found.role}).offering()
    return (form.validate_on_submit() and _save(form, user_id)) or render_template(
        "users/form.html", form=form, user=found
    )
