"""Import pages: send a file, say what the columns mean, see the dry run, import for good."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.errors import CallerError
from appliance.store.read import campaigns, imports
from appliance.types import Permission
from webui.access import needs
from webui.box import box, store
from webui.error_texts import error_text, text_of
from webui.errors import status_of
from webui.supervisor import import_service as service
from webui.supervisor import uploads

blueprint = Blueprint("imports", __name__, url_prefix="/imports")


@blueprint.get("")
@needs(Permission.LISTS_IMPORT)
def page() -> str:
    """Drop zone and the last imports."""
    return _page(request.args.get("campaign", ""))


def _page(campaign_id: str, *, error: str = "", file_name: str = "") -> str:
    return render_template(
        "imports/page.html", imports=imports.recent(store()), campaign_id=campaign_id, error=error,
        file_name=file_name, sources=service.SOURCES, outcomes=service.HISTORY_OUTCOMES,
        campaigns=campaigns.names(store()),
    )  # fmt: skip


@blueprint.post("")
@needs(Permission.LISTS_IMPORT)
def send() -> Response | tuple[str, int]:
    """Take the file; nothing is imported yet."""
    try:
        kept = uploads.keep(request.files.get("file"))
    except CallerError as wrong:
        return _page(request.form.get("campaign_id", ""), error=error_text(wrong)), status_of(wrong)
    return redirect(url_for("imports.columns", upload_id=kept.id, campaign=request.form.get("campaign_id") or None))


@blueprint.post("/source")
@needs(Permission.LISTS_IMPORT)
def source() -> Response | tuple[str, int]:
    """A list of the box's own rows: missed calls, calls made, call-backs, rows that an import refused."""
    campaign_id = request.form.get("campaign_id", "")
    try:
        made = service.from_source(request.form)
    except CallerError as wrong:
        return _page(campaign_id, error=error_text(wrong)), status_of(wrong)
    if made is None:
        return _page(campaign_id, error=_("There are no such calls.")), 400
    return redirect(url_for("imports.columns", upload_id=made.id, campaign=campaign_id or None))


@blueprint.get("/columns/<upload_id>")
@needs(Permission.LISTS_IMPORT)
def columns(upload_id: str) -> str | tuple[str, int]:
    """What the columns mean, with the first rows; a file that is no list leads back to the drop zone."""
    upload, campaign_id = uploads.find(upload_id), request.args.get("campaign", "")
    try:
        head = service.inspect(upload, campaign_id)
    except CallerError as wrong:
        return _page(campaign_id, error=error_text(wrong), file_name=upload.file_name), status_of(wrong)
    return _columns(upload, head, campaign_id)


def _columns(upload: uploads.Upload, head: dict[str, Any], campaign_id: str, *, error: str = "") -> str:
    return render_template(
        "imports/columns.html", upload=upload, head=head, roles=service.roles(), campaigns=campaigns.names(store()),
        campaign_id=campaign_id, error=error, duplicates=service.DUPLICATES,
    )  # fmt: skip


@blueprint.post("/columns/<upload_id>")
@needs(Permission.LISTS_IMPORT)
def try_out(upload_id: str) -> Response | tuple[str, int]:
    """Dry run."""
    upload = uploads.find(upload_id)
    try:
        mapping, where = service.chosen_mapping(request.form), service.target(request.form)
    except CallerError as wrong:
        roles = dict(zip(request.form.getlist("column"), request.form.getlist("role"), strict=False))
        head = {**service.inspect(upload), "roles": roles}
        return _columns(upload, head, request.form.get("campaign_id", ""), error=service.complaint(wrong)), 400
    chosen = service.choices(request.form)
    import_id = service.run(upload, mapping, where, chosen, dry_run=True)
    plan = json.dumps({"m": mapping, "w": where, "d": chosen})
    return redirect(url_for("imports.one", import_id=import_id, upload=upload_id, plan=plan))


@blueprint.get("/<import_id>")
@needs(Permission.LISTS_IMPORT)
def one(import_id: str) -> str:
    """Progress, then the result row by row."""
    found = imports.one(store(), import_id)
    return render_template(
        "imports/one.html", found=found, import_id=import_id, job=box().live.job(import_id),
        upload=request.args.get("upload"), plan=request.args.get("plan"),
        rejects=imports.rejects(store(), import_id) if found else [],
        reasons=service.REASONS,
        failure=text_of(found.error_id, found.message, dict(found.placeholders)) if found else "",
    )  # fmt: skip


@blueprint.post("/<import_id>/commit")
@needs(Permission.LISTS_IMPORT)
def commit(import_id: str) -> Response:
    """Import for good what the dry run showed."""
    if imports.one(store(), import_id) is None:
        abort(404)
    plan = json.loads(request.form.get("plan") or "{}")
    upload = uploads.find(request.form.get("upload", ""))
    new_id = service.run(upload, plan.get("m"), plan.get("w", {}), plan.get("d", {}), dry_run=False)
    return redirect(url_for("imports.one", import_id=new_id))
