"""The end of a box's data: factory reset, and decommissioning with its certificate."""

from __future__ import annotations

import socket
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.commands import Decommission, ResetBox
from appliance.home import WAITS_AT_START
from appliance.store.read.backups import instant, plain
from appliance.types import Permission
from webui.access import needs
from webui.box import ask, box
from webui.errors import done_at
from webui.i18n import instant as shown_instant
from webui.i18n import number
from webui.signed_pdf import Part, signed_pdf

blueprint = Blueprint("resets", __name__, url_prefix="/system/reset")

_ROOT_S = 150.0


@blueprint.get("")
@needs(Permission.BOX_MAINTAIN)
def page() -> str:
    """Both, each with what it does and the name to type."""
    return render_template(
        "reset/page.html", name=socket.gethostname(), certificate=_certificate(), waits=WAITS_AT_START.exists()
    )


@blueprint.post("")
@needs(Permission.BOX_MAINTAIN)
def reset() -> Response:
    """Make all data anew."""
    ask(ResetBox, confirmation=request.form.get("confirmation", ""), timeout_s=_ROOT_S)
    return done_at(url_for("resets.page"), _("The box restarts with new data. The console has its set-up link."))


@blueprint.post("/decommission")
@needs(Permission.BOX_MAINTAIN)
def decommission() -> Response:
    """Destroy keys and secrets."""
    ask(Decommission, confirmation=request.form.get("confirmation", ""), timeout_s=_ROOT_S)
    return redirect(url_for("resets.certificate"))


@blueprint.get("/certificate")
@needs(Permission.BOX_MAINTAIN)
def certificate() -> str:
    """What was destroyed, when and by whom."""
    return render_template("reset/certificate.html", parts=_parts(_certificate() or abort(404)))


@blueprint.get("/certificate.pdf")
@needs(Permission.BOX_MAINTAIN)
def certificate_pdf() -> Response:
    """The same, to print and sign."""
    facts = _certificate() or abort(404)
    signed = [_("Destroyed by"), _("Witnessed by"), _("Date")]
    return signed_pdf(_("Certificate of destruction"), _parts(facts), signed, str(facts["by"]), "certificate")


def _certificate() -> dict[str, Any]:
    return plain(box().home.root / "decommissioned.json")


def _parts(facts: dict[str, Any]) -> list[Part]:
    disk = {
        "erased": (_("the key of the encrypted data partition was destroyed"), "good"),
        "plain": (_("the data partition was not encrypted: overwrite or destroy the disks too"), "open"),
        "none": (_("this machine's disks are not the box's own: see to them"), "open"),
    }[str(facts.get("disk") or "none")]
    copies = int(facts.get("copies_elsewhere") or 0)
    kept = _("%(count)s: delete them there", count=copies) if copies else _("none known")
    return [
        Part(_("The box"), [
            (_("Name"), str(facts.get("host")), ""), (_("Serial number"), str(facts.get("box")), ""),
            (_("Version"), str(facts.get("version")), ""),
        ]),
        Part(_("What was destroyed"), [
            (_("Time"), shown_instant(instant(facts, "at"), "full"), ""),
            (_("Keys of recordings"), number(int(facts.get("recording_keys") or 0)), "good"),
            (_("Secrets and backups"), ", ".join(facts.get("files") or []) or "–", "good"),
            (_("Disks"), *disk),
            (_("Copies of backups elsewhere"), kept, "open" if copies else "good"),
            (_("Method"), _("crypto-erase: AES-256 keys destroyed (NIST SP 800-88)"), ""),
            (_("Fingerprint"), str(facts.get("fingerprint")), ""),
        ]),
    ]  # fmt: skip
