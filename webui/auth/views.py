"""Pages of the log-in slice."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.errors import CallerError
from webui import labels
from webui.access import public, signed_in
from webui.auth import service
from webui.auth.forms import LogInForm, PasswordForm
from webui.error_texts import error_text
from webui.errors import done_at
from webui.setup.service import set_up_needed

blueprint = Blueprint("auth", __name__)


@blueprint.route("/login", methods=["GET", "POST"])
@public
def log_in() -> Response | str | tuple[str, int]:
    """The log-in page; before the first administrator exists it leads to the first-run page."""
    if set_up_needed():
        return redirect(url_for("setup.language"))
    form, error, status = LogInForm(), "", 200
    if form.validate_on_submit():
        try:
            return service.log_in(
                form.login.data, form.password.data, form.totp.data or "", target=request.args.get("next")
            )
        except CallerError as refused:
            error, status = error_text(refused), 401
    return render_template("auth/login.html", form=form, error=error), status


@blueprint.post("/logout")
@signed_in
def log_out() -> Response:
    """End the session."""
    return service.log_out()


@blueprint.route("/me", methods=["GET", "POST"])
@signed_in
def preferences() -> Response | str:
    """Own password."""
    form, error = PasswordForm(), ""
    if form.validate_on_submit():
        try:
            service.save_own(password=form.password.data, current_password=form.current.data)
            return done_at(url_for("auth.preferences"), _("Your password is changed."))
        except CallerError as refused:
            error = error_text(refused)
    return render_template("auth/preferences.html", form=form, error=error)


@blueprint.post("/me/theme")
@signed_in
def theme() -> Response:
    """Own theme: auto, light or dark."""
    chosen = request.form.get("theme", "auto")
    service.save_own(theme=chosen if chosen in labels.THEMES else "auto")
    return redirect(service.back())


@blueprint.post("/language")
@public
def language() -> Response:
    """Language of the pages."""
    return service.choose_language(request.form.get("language", ""))
