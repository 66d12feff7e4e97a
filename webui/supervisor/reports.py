"""Reports: figures from attempt rows, small charts, tables to take away."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from appliance.store.read import campaigns, reports
from appliance.types import Permission
from webui.access import needs
from webui.box import box, store
from webui.supervisor.chart import hours_chart
from webui.supervisor.recording_search import day

blueprint = Blueprint("reports", __name__, url_prefix="/reports")


@blueprint.get("")
@needs(Permission.REPORTS_READ)
def page() -> str:
    """Figures of one campaign or all, of some days or all."""
    args = request.args
    found = reports.report(
        store(), campaign_id=args.get("campaign") or None, since=day(args.get("since")),
        until=day(args.get("until"), days=1), zone=box().settings.dialling.timezone,
    )  # fmt: skip
    return render_template(
        "reports/page.html", report=found, campaigns=campaigns.names(store()), chart=hours_chart(found.by_hour)
    )
