"""The system: services with restart, temperatures, logs, certificate; and the ways to what has pages of its own."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from flask import Blueprint, abort, render_template, request, send_file, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.commands import RestartService, ShowServices, UploadCertificate
from appliance.errors import CallboxError, NotAllowedError
from appliance.types import Permission
from webui import labels
from webui.access import needs
from webui.admin import logs as log_files
from webui.admin.system_words import LEVELS, SERVICES
from webui.box import ask, box
from webui.error_texts import error_text
from webui.errors import done_at
from webui.hardware.readings import reading
from webui.setup import wizard

blueprint = Blueprint("system", __name__, url_prefix="/system")

_RESTART_S = 60.0
_PEM_MAX_BYTES = 200_000


@blueprint.get("")
@needs(Permission.SETTINGS_WRITE)
def page() -> str:
    """All of it on one page."""
    services, error = _services()
    sensors = reading("sensors")
    temperatures = [row for row in sensors.rows("sensors") if row.get("kind") == "temperature"]
    return render_template(
        "system/page.html", services=services.get("services", []), error=error, words=SERVICES,
        temperatures=temperatures, fans=[row for row in sensors.rows("sensors") if row.get("kind") == "fan"],
        sensors=sensors, certificate=_certificate(), places=wizard.places(), sinks=labels.SINKS,
    )  # fmt: skip


def _services() -> tuple[dict[str, Any], str]:
    try:
        return ask(ShowServices, timeout_s=10.0).data, ""
    except NotAllowedError:
        raise
    except CallboxError as wrong:
        return {}, error_text(wrong)


@blueprint.post("/restart")
@needs(Permission.SETTINGS_WRITE)
def restart() -> Response:
    """Restart one service."""
    name = request.form.get("name", "")
    if name not in SERVICES:
        abort(404)
    ask(RestartService, name=name, timeout_s=_RESTART_S)
    return done_at(url_for("system.page"), _("“%(name)s” is restarted.", name=SERVICES[name][0]))


# ---- logs --------------------------------------------------------------------------------------------------------


@blueprint.get("/logs")
@needs(Permission.SETTINGS_WRITE)
def logs() -> str:
    """The end of a service's log, masked, with words and level to look for."""
    given = request.args
    name, words, level = given.get("service", "engine"), given.get("words", ""), given.get("level", "")
    return render_template(
        "system/logs.html", known=list(log_files.known()), service=name, words=words, level=level,
        lines=log_files.lines(name, words, level) or [], levels=LEVELS, names=SERVICES,
    )  # fmt: skip


# ---- certificate -------------------------------------------------------------------------------------------------


def _certificate() -> dict[str, Any] | None:
    path = box().home.front / "server.crt"
    try:
        leaf = x509.load_pem_x509_certificates(path.read_bytes())[0]
    except (OSError, ValueError, IndexError):
        return None
    digest = hashlib.sha256(leaf.public_bytes(Encoding.DER)).hexdigest().upper()
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        shown = sorted(str(name.value) for name in names)
    except x509.ExtensionNotFound:
        shown = []
    return {
        "subject": leaf.subject.rfc4514_string(), "issuer": leaf.issuer.rfc4514_string(), "names": shown,
        "until": leaf.not_valid_after_utc, "over": leaf.not_valid_after_utc < datetime.now(UTC),
        "own": (box().home.front / "own-certificate").exists(),
        "fingerprint": ":".join(digest[at : at + 2] for at in range(0, len(digest), 2)),
        "has_ca": (box().home.front / "ca.crt").exists(),
    }  # fmt: skip


@blueprint.post("/certificate")
@needs(Permission.SETTINGS_WRITE)
def certificate() -> Response:
    """Take an own certificate, or go back to the box's."""
    if request.form.get("own") == "0":
        ask(UploadCertificate)
    else:
        ask(UploadCertificate, certificate=_pem("certificate"), key=_pem("key"))
    return done_at(url_for("system.page"), _("Saved. Restart “Web port” and “SIP edge” to put it into effect."))


def _pem(name: str) -> str:
    file = request.files.get(name)
    return "" if file is None else file.read(_PEM_MAX_BYTES + 1).decode("ascii", "replace")


@blueprint.get("/callbox-ca.crt")
@needs(Permission.SETTINGS_WRITE)
def authority() -> Response:
    """The box's certificate authority, for browsers and phones."""
    path = box().home.front / "ca.crt"
    if not path.is_file():
        abort(404)
    return send_file(path, mimetype="application/x-x509-ca-cert", as_attachment=True, download_name="callbox-ca.crt")
