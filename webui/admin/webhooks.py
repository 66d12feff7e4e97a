"""Webhooks: addresses that are told what happens, a test for each, and what was sent."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from appliance.commands import RemoveWebhook, ResendDelivery, RotateWebhookSecret, SaveWebhook, TestWebhook
from appliance.errors import CallerError, ConflictError
from appliance.store.read import tables
from appliance.types import Permission, WebhookEvent
from webui.access import needs
from webui.box import ask, seen_version, store
from webui.error_texts import error_text
from webui.errors import done_at
from webui.versions import current, edits

blueprint = Blueprint("webhooks", __name__, url_prefix="/system/webhooks")

EVENTS: dict[str, Any] = {
    WebhookEvent.ATTEMPT_FINISHED: _l("A call out has ended"),
    WebhookEvent.DISPOSITION_SET: _l("An agent has said how a call ended"),
    WebhookEvent.PROMISE_MADE: _l("A payment was promised"),
    WebhookEvent.INBOUND_FINISHED: _l("A call in has ended"),
    WebhookEvent.RECORDING_READY: _l("A recording can be heard"),
    WebhookEvent.IMPORT_FINISHED: _l("A list was imported"),
    WebhookEvent.ALERT_RAISED: _l("An alert was raised"),
    WebhookEvent.ALERT_CLEARED: _l("An alert is over"),
}
STATES: dict[str, tuple[Any, str]] = {
    "waiting": (_l("waits"), "warning"), "delivered": (_l("taken"), "success"), "failed": (_l("not taken"), "danger"),
}  # fmt: skip
_SHOWN_MAX = 500


@blueprint.get("")
@needs(Permission.SETTINGS_WRITE)
def page() -> str:
    """All webhooks."""
    found = tables.page(store(), tables.WEBHOOKS, size=_SHOWN_MAX).rows
    return render_template("webhooks/page.html", webhooks=found, events=EVENTS)


@blueprint.route("/new", methods=["GET", "POST"])
@needs(Permission.SETTINGS_WRITE)
def new() -> str | Response:
    """A new one; its secret is shown this once."""
    return _form(None)


@blueprint.route("/<webhook_id>", methods=["GET", "POST"])
@needs(Permission.SETTINGS_WRITE)
@edits("webhook", "webhook_id")
def one(webhook_id: str) -> str | Response:
    """Change one; below it what was sent."""
    return _form(tables.one(store(), tables.WEBHOOKS, webhook_id) or abort(404))


def _form(webhook: tables.WebhookRow | None) -> str | Response:
    error = secret = ""
    form = request.form
    if request.method == "POST":
        try:
            saved = ask(
                SaveWebhook, id=webhook.id if webhook else None, name=form.get("name", ""), url=form.get("url", ""),
                events=form.getlist("event"), personal="personal" in form, allow_private="allow_private" in form,
                enabled=webhook is None or "enabled" in form,
            )  # fmt: skip
            secret = saved.data.get("secret", "")
            if not secret:
                return done_at(url_for("webhooks.one", webhook_id=str(saved.id)), _("Saved."))
            webhook = tables.one(store(), tables.WEBHOOKS, str(saved.id))
        except ConflictError:
            raise
        except CallerError as wrong:
            error = error_text(wrong)
    return _shown(webhook, secret=secret, error=error)


def _shown(webhook: tables.WebhookRow | None, *, secret: str = "", error: str = "") -> str:
    sent, version = [], ""
    if webhook is not None:
        version = seen_version() if error else current("webhook", webhook.id)
        sent = tables.page(store(), tables.DELIVERIES, equal={"webhook_id": webhook.id}, size=50).rows
    return render_template(
        "webhooks/one.html", webhook=webhook, secret=secret, error=error, events=EVENTS, sent=sent,
        states=STATES, given=request.form, version=version,
    )  # fmt: skip


@blueprint.post("/<webhook_id>/secret")
@needs(Permission.SETTINGS_WRITE)
def secret(webhook_id: str) -> str:
    """A new secret, shown this once; the old one signs too for a day."""
    made = ask(RotateWebhookSecret, id=webhook_id).data["secret"]
    return _shown(tables.one(store(), tables.WEBHOOKS, webhook_id), secret=made)


@blueprint.post("/<webhook_id>/test")
@needs(Permission.SETTINGS_WRITE)
def test(webhook_id: str) -> Response:
    """Send a message now."""
    ask(TestWebhook, id=webhook_id)
    return done_at(url_for("webhooks.one", webhook_id=webhook_id), _("A test message was sent; below stands its fate."))


@blueprint.post("/<webhook_id>/remove")
@needs(Permission.SETTINGS_WRITE)
def remove(webhook_id: str) -> Response:
    """Forget it and its log."""
    ask(RemoveWebhook, id=webhook_id)
    return done_at(url_for("webhooks.page"), _("The webhook is gone."))


@blueprint.post("/<webhook_id>/resend")
@needs(Permission.SETTINGS_WRITE)
def resend(webhook_id: str) -> Response:
    """Send a message again."""
    ask(ResendDelivery, id=request.form.get("delivery_id", ""))
    return done_at(url_for("webhooks.one", webhook_id=webhook_id), _("The message is sent again."))
