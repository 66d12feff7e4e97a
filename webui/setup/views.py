"""Pages of the first run."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import get_locale
from werkzeug.wrappers import Response

from appliance.errors import CallerError
from webui.access import public
from webui.auth.service import choose_language, log_in
from webui.error_texts import error_text
from webui.setup import service
from webui.setup.forms import AdministratorForm

blueprint = Blueprint("setup", __name__, url_prefix="/setup")


@blueprint.get("/")
@public
def language() -> Response | str:
    """Step 1: language. Without the link's token it says where the link is found."""
    if not service.set_up_needed():
        return redirect(url_for("auth.log_in"))
    return render_template("setup/language.html", step=1, has_token=service.keep_token())


@blueprint.post("/language")
@public
def set_language() -> Response:
    """Keep the language and go on."""
    response = choose_language(request.form.get("language", ""))
    response.headers["Location"] = url_for("setup.administrator")
    return response


@blueprint.route("/administrator", methods=["GET", "POST"])
@public
def administrator() -> Response | str | tuple[str, int]:
    """Step 2: the administrator's password; then he is signed in."""
    if not service.set_up_needed():
        return redirect(url_for("auth.log_in"))
    form, error, status = AdministratorForm(), "", 200
    if form.validate_on_submit():
        try:
            service.make_administrator(form.login.data, form.password.data, str(get_locale()))
            return log_in(form.login.data, form.password.data, target=url_for("wizard.go_on"))
        except CallerError as refused:
            error, status = error_text(refused), 400
    page = render_template("setup/administrator.html", form=form, error=error, step=2, has_token=service.keep_token())
    return page, status
