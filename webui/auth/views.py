"""Pages of the log-in slice."""

from __future__ import annotations

from flask import Blueprint, current_app, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.commands import ConfirmTotp, DisableTotp
from appliance.errors import CallerError
from appliance.store.read import users
from appliance.types import Permission
from webui import labels
from webui.access import may, public, signed_in
from webui.auth import service
from webui.auth.forms import LogInForm, PasswordForm, SecondFactorOffForm
from webui.auth.limits import FailedLogIns
from webui.box import ask, store
from webui.error_texts import error_text
from webui.errors import done_at
from webui.setup import wizard
from webui.setup.service import set_up_needed

blueprint = Blueprint("auth", __name__)

CODE_ERRORS = frozenset({"login.totp_required", "totp.wrong"})


@blueprint.route("/login", methods=["GET", "POST"])
@public
def log_in() -> Response | str | tuple[str, int]:
    """The log-in page; before the first administrator exists it leads to the first-run page."""
    if set_up_needed():
        return redirect(url_for("setup.language"))
    form, error, status, wants_code = LogInForm(), "", 200, False
    limits: FailedLogIns = current_app.extensions["failed_log_ins"]
    address = request.remote_addr or ""
    if request.method == "POST" and (wait_s := limits.wait_s(address)):
        said = _("Too many wrong passwords from here. Try again in %(minutes)s minutes.", minutes=-(-wait_s // 60))
        return render_template("auth/login.html", form=form, error=said, wants_code=False), 429
    if form.validate_on_submit():
        try:
            return service.log_in(
                form.login.data, form.password.data, form.totp.data or "", target=request.args.get("next")
            )
        except CallerError as refused:
            error, status, wants_code = error_text(refused), 401, refused.error_id in CODE_ERRORS
            if refused.error_id != "login.totp_required":
                limits.failed(address)
    return render_template("auth/login.html", form=form, error=error, wants_code=wants_code), status


@blueprint.post("/logout")
@signed_in
def log_out() -> Response:
    """End the session; with `everywhere` those on other devices too."""
    return service.log_out(everywhere=request.form.get("everywhere") == "1")


@blueprint.route("/me", methods=["GET", "POST"])
@signed_in
def preferences() -> Response | str:
    """Own account: password and second factor."""
    form, error = PasswordForm(), ""
    if form.validate_on_submit():
        try:
            service.save_own(password=form.password.data, current_password=form.current.data)
            return done_at(url_for("auth.preferences"), _("Your password is changed."))
        except CallerError as refused:
            error = error_text(refused)
    return _account(form, error)


def _account(form: PasswordForm, error: str = "", *, off: SecondFactorOffForm | None = None) -> str:
    own = users.user(store(), g.user.id)
    return render_template(
        "auth/preferences.html", form=form, error=error, off=off or SecondFactorOffForm(),
        has_totp=own is not None and own.has_totp,
    )  # fmt: skip


@blueprint.post("/me/second-factor")
@signed_in
def second_factor() -> str:
    """A new secret as a picture for the authenticator app; nothing holds before the first right code."""
    return render_template("auth/second_factor.html", **service.enrolment())


@blueprint.post("/me/second-factor/confirm")
@signed_in
def confirm_second_factor() -> Response:
    """The first code. A wrong one leaves the page with its picture as it is."""
    ask(ConfirmTotp, code=request.form.get("code", "").replace(" ", "")[:8])
    flash(_("From now on signing in asks for a six-digit code."), "success")
    return service.go_to(_after_code())


def _after_code() -> str:
    """Back to the set-up while it is under way, else to the own account."""
    under_way = may(Permission.SETTINGS_WRITE) and wizard.unfinished()
    return url_for("wizard.show", name="account") if under_way else url_for("auth.preferences")


@blueprint.post("/me/second-factor/off")
@signed_in
def second_factor_off() -> Response | str:
    """Switch it off, with the password."""
    form = SecondFactorOffForm()
    if form.validate_on_submit():
        try:
            ask(DisableTotp, password=form.own_password.data)
            return done_at(url_for("auth.preferences"), _("The six-digit code is switched off."))
        except CallerError as refused:
            form.own_password.errors = [service.plain_error(refused)]
    return _account(PasswordForm(formdata=None), off=form)


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
