"""Results of scoring over time: a line by week, tables, the same as a file."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, abort, render_template, request, send_file
from flask_babel import gettext as _

from appliance.commands import Audit
from appliance.outside.table_files import write_csv, write_xlsx
from appliance.store.read import campaigns, quality, quality_results, roles, users
from appliance.store.read.quality_results import Line, ResultFilter, Results
from appliance.types import Permission
from webui.access import needs, reach
from webui.box import ask, box, store
from webui.supervisor.chart import score_line
from webui.supervisor.recording_search import day

blueprint = Blueprint("quality_results", __name__, url_prefix="/quality/results")
_DAYS = 84


def _wanted(args: Mapping[str, str]) -> ResultFilter:
    """The choice of the address; the last twelve weeks unless days are given."""
    since, until = day(args.get("since")), day(args.get("until"), days=1)
    if since is None and until is None:
        since = datetime.now(UTC) - timedelta(days=_DAYS)
    return ResultFilter(
        scorecard_id=args.get("scorecard", ""), agent_id=args.get("agent", ""), team=args.get("team", ""),
        campaign_id=args.get("campaign", ""), since=since, until=until, people=reach(Permission.QUALITY_SCORE),
    )  # fmt: skip


def _results() -> Results:
    return quality_results.results(store(), _wanted(request.args), ZoneInfo(box().settings.dialling.timezone))


def _sides(found: Results) -> list[tuple[str, str, list[Line]]]:
    return [
        ("agents", _("Agents"), found.agents), ("teams", _("Teams"), found.teams),
        ("campaigns", _("Campaigns"), found.campaigns), ("questions", _("Questions"), found.questions),
        ("scorers", _("Scorers"), found.scorers), ("weeks", _("Weeks"), found.weeks),
    ]  # fmt: skip


@blueprint.get("")
@needs(Permission.QUALITY_SCORE)
def page() -> str:
    """The results of one choice."""
    found = _results()
    return render_template(
        "quality/results.html", found=found, sides=_sides(found), chart=score_line(found.weeks),
        cards=quality.cards(store(), in_use=False), people=users.names(store()), teams=roles.departments(store()),
        campaigns=campaigns.names(store()),
    )  # fmt: skip


@blueprint.get("/file.<file_format>")
@needs(Permission.QUALITY_SCORE)
def file(file_format: str) -> Response:
    """The same as a table; audited as a report that was taken away."""
    if file_format not in ("csv", "xlsx"):
        abort(404)
    found = _results()
    header = ("by", "name", "scores", "mean", "knocked_out")
    rows = [
        (side, line.name or "–", line.count, round(line.mean, 4), line.knocked_out)
        for side, _title, lines in _sides(found)
        for line in lines
    ]
    detail = {"format": file_format, "choice": request.args.to_dict()}
    ask(Audit, action="report.exported", subject="report:quality", detail=detail)
    target = io.BytesIO()
    if file_format == "csv":
        write_csv(target, header, rows)
    else:
        write_xlsx(target, [("quality", header, rows)])
    target.seek(0)
    return send_file(target, as_attachment=True, download_name=f"callbox-quality.{file_format}")
