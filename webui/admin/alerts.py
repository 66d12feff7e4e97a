"""The bell and the page of alerts: what stands, what is done about it, what stood."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.commands import AcknowledgeAlert, SnoozeAlert
from appliance.store.read import alerts, users
from appliance.store.read.alerts import AlertView
from appliance.types import Permission, Severity
from webui import labels
from webui.access import needs
from webui.alert_texts import told
from webui.box import ask, box, store
from webui.errors import done_at
from webui.supervisor.recording_search import day

blueprint = Blueprint("alerts", __name__, url_prefix="/alerts")

_ORDER = {Severity.CRITICAL: 0, Severity.WARNING: 1, Severity.INFO: 2}
_LAST_STEP = 2
_SHOWN, _LOOKED_THROUGH = 100, 1000


@blueprint.get("")
@needs(Permission.ALERTS_READ)
def page() -> str:
    """What stands, and what stood."""
    return render_template("alerts/page.html", **_standing(), history=_history(), filtered=any(request.args.values()))


@blueprint.get("/standing")
@needs(Permission.ALERTS_READ)
def standing() -> str:
    """What stands alone, after each live alert."""
    return render_template("alerts/standing.html", **_standing())


@blueprint.get("/bell")
@needs(Permission.ALERTS_READ)
def bell() -> str:
    """The bell alone, after each live alert."""
    return render_template("alerts/bell.html")


@blueprint.post("/acknowledge")
@needs(Permission.ALERTS_READ)
def acknowledge() -> Response:
    """Somebody has seen it."""
    ask(AcknowledgeAlert, key=request.form.get("key", ""))
    return done_at(url_for("alerts.page"), _("Acknowledged."))


@blueprint.post("/snooze")
@needs(Permission.ALERTS_READ)
def snooze() -> Response:
    """Hear nothing of it for a while."""
    ask(SnoozeAlert, key=request.form.get("key", ""), minutes=request.form.get("minutes", 0, type=int))
    return done_at(url_for("alerts.page"), _("Silenced; it tells itself again if it still stands then."))


def _standing() -> dict[str, Any]:
    """Causes, the gravest first, each with the alerts that it explains."""
    found = alerts.standing(store())
    keys = {alert.key for alert in found}
    explained: dict[str, list[AlertView]] = {}
    causes = []
    for alert in sorted(found, key=lambda a: (_ORDER.get(Severity(a.severity), 3), a.raised_at)):
        if alert.caused_by in keys and alert.caused_by != alert.key:
            explained.setdefault(alert.caused_by, []).append(alert)
        else:
            causes.append(alert)
    return {
        "standing": causes or found, "explained": explained if causes else {}, "people": users.names(store()),
        "escalates": _escalates, "now": datetime.now(UTC),
    }  # fmt: skip


def _escalates(alert: AlertView) -> datetime | None:
    """When it goes further if nobody acknowledges it; None: it does not."""
    if alert.severity != Severity.CRITICAL or alert.acknowledged_by or alert.told_at is None:
        return None
    if not 0 <= alert.told_step < _LAST_STEP or alert.snoozed_until is not None:
        return None
    return alert.told_at + timedelta(minutes=box().settings.alerts.escalate_after_min)


def _history() -> list[AlertView]:
    """Cleared alerts by severity, area, days and words as the reader sees them."""
    given = request.args
    words = given.get("words", "").strip().casefold()
    area = given.get("area", "")
    found = alerts.history(
        store(), limit=_LOOKED_THROUGH if words else _SHOWN, severity=given.get("severity", ""),
        since=day(given.get("since")), until=day(given.get("until"), days=1),
        area=area if area in labels.ALERT_AREAS else "",
    )  # fmt: skip
    if words:
        found = [alert for alert in found if words in f"{told(alert).title} {told(alert).text}".casefold()]
    return found[:_SHOWN]
