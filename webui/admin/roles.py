"""Roles made of permissions, departments in levels, and the pages as another role sees them."""

from __future__ import annotations

from flask import Blueprint, abort, g, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.commands import RemoveDepartment, RemoveRole, SaveDepartment, SaveRole
from appliance.errors import CallerError, ConflictError
from appliance.store import granted
from appliance.store.read import roles
from appliance.types import SCOPED_PERMISSIONS, Permission, Role, Scope
from webui.access import needs, signed_in
from webui.admin.role_words import GROUPS, PERMISSIONS, SCOPES
from webui.box import ask, store
from webui.error_texts import error_text
from webui.errors import done_at
from webui.session import SEE_AS
from webui.versions import edits

blueprint = Blueprint("roles", __name__, url_prefix="/roles")


@blueprint.get("")
@needs(Permission.USERS_WRITE)
def page() -> str:
    """Built-in roles, roles of one's own, departments."""
    built_in = [(role.value, granted.of_role(role)) for role in Role]
    return render_template(
        "roles/page.html", built_in=built_in, roles=roles.roles(store()), departments=roles.departments(store()),
        words=PERMISSIONS,
    )  # fmt: skip


@blueprint.route("/new", methods=["GET", "POST"])
@needs(Permission.USERS_WRITE)
def new() -> Response | str:
    """A new role, empty or as a copy of another."""
    like = request.args.get("like", "")
    own = roles.role(store(), like)
    if own is not None:
        return _form(None, own.permissions, own.base)
    base = Role(like) if like in set(Role) else Role.AGENT
    return _form(None, granted.of_role(base), base)


@blueprint.route("/<role_id>", methods=["GET", "POST"])
@needs(Permission.USERS_WRITE)
@edits("role", "role_id")
def one(role_id: str) -> Response | str:
    """Change a role."""
    found = roles.role(store(), role_id) or abort(404)
    return _form(found, found.permissions, found.base)


def _form(role: roles.RoleView | None, chosen: granted.Granted, base: str) -> Response | str:
    error = ""
    if request.method == "POST":
        wanted = {name: request.form.get(name, "") for name in Permission if request.form.get(name) in set(Scope)}
        try:
            ask(SaveRole, id=role.id if role else None, name=request.form.get("name", ""),
                base=request.form.get("base", "agent"), permissions={str(k): v for k, v in wanted.items()})  # fmt: skip
            return done_at(url_for("roles.page"), _("The role is saved."))
        except ConflictError:
            raise
        except CallerError as wrong:
            error, chosen = error_text(wrong), {name: Scope(scope) for name, scope in wanted.items()}
    return render_template(
        "roles/form.html", role=role, chosen=chosen, base=request.form.get("base", base), error=error, groups=GROUPS,
        words=PERMISSIONS, scopes=SCOPES, scoped=SCOPED_PERMISSIONS, bases=("agent", "supervisor"),
        own=g.user.permissions, given=request.form,
    )  # fmt: skip


@blueprint.post("/<role_id>/remove")
@needs(Permission.USERS_WRITE)
def remove(role_id: str) -> Response:
    """Take a role away."""
    ask(RemoveRole, id=role_id)
    return done_at(url_for("roles.page"), _("The role is gone."))


@blueprint.post("/departments")
@needs(Permission.USERS_WRITE)
def save_department() -> Response:
    """Make or change a department."""
    form = request.form
    ask(SaveDepartment, id=form.get("id") or None, name=form.get("name", ""), parent_id=form.get("parent_id", ""))
    return done_at(url_for("roles.page"), _("The department is saved."))


@blueprint.post("/departments/remove")
@needs(Permission.USERS_WRITE)
def remove_department() -> Response:
    """Take an empty department away."""
    ask(RemoveDepartment, id=request.form.get("id", ""))
    return done_at(url_for("roles.page"), _("The department is gone."))


@blueprint.post("/see-as")
@signed_in
def see_as() -> Response:
    """Look at the pages as a role sees them, or no longer; only who gives roles may begin."""
    wanted = request.form.get("role", "")
    if not wanted:
        session.pop(SEE_AS, None)
        return redirect(url_for("roles.page"))
    if Permission.USERS_WRITE not in g.user.permissions:
        abort(403)
    session[SEE_AS] = wanted
    return redirect(url_for("home.entry"))
