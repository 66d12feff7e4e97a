"""Reports: figures from attempt rows, what they mean, the rows behind each of them, tables to take away."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, abort, render_template, request, url_for
from flask_babel import get_locale

from appliance.store.read import campaigns, imports, reports, trunks, users, why
from appliance.store.read.abandoned import strictest_limit
from appliance.store.read.measures import MEASURES
from appliance.store.read.report_rows import attempt_rows, attempt_view, attempts_count
from appliance.store.read.report_scope import FIELDS, PERIODS, Scope, days_of, scope_of
from appliance.store.read.tallies import DIMENSIONS, Dimension, Tally, tallies, tally
from appliance.texts import Words, figure_words
from appliance.types import Permission
from webui import rule_texts
from webui.access import needs
from webui.box import box, store
from webui.supervisor.chart import hours_chart

blueprint = Blueprint("reports", __name__, url_prefix="/reports")

COUNTS = ("attempts", "persons", "connected", "conversations", "rpc", "promises", "abandoned")
"""Figures that have rows behind them."""

RATES = (
    "connect_rate", "contact_rate", "rpc_rate", "promise_rate", "abandoned_share", "utilisation", "talk_share",
)  # fmt: skip
TIMES = ("talk_s", "wrap_up_s", "staffed_s")


def zone() -> str:
    return box().settings.dialling.timezone


def words() -> dict[str, Words]:
    """Names and definitions of the figures in the reader's language."""
    return dict(figure_words(str(get_locale())))


def choice() -> dict[str, Any]:
    """What was chosen, as plain fields of the address."""
    return {name: value for name, value in request.args.items() if name in (*FIELDS, "by") and value}


def _scope(now: datetime) -> Scope:
    return scope_of(choice(), zone(), now)


def _by(now: datetime) -> Dimension:
    asked = next((one for one in DIMENSIONS if one == request.args.get("by")), None)
    first, last = days_of(choice(), zone(), now)
    return asked or ("hour" if first == last is not None else "day")


def rows_url(measure: str, by: Dimension = "", key: str = "", **more: str) -> str:
    """Address of the rows behind a figure of this page, of one line of its table, or of one outcome."""
    plain: dict[str, Any] = {name: value for name, value in choice().items() if name not in ("by", "measure")}
    if by == "day":
        plain = {name: value for name, value in plain.items() if name not in ("period", "since", "until")}
        plain |= {"since": key, "until": key}
    elif by:
        plain[by] = key
    return url_for("reports.attempts", measure=measure, **{**plain, **more})


def figures_of_today() -> dict[str, Any]:
    """What the board's tiles show, read as the report reads it; their links lead to the rows."""
    now = datetime.now(UTC)
    return {
        "whole": tally(store(), scope_of({"period": "today"}, zone(), now), now=now), "words": words(), "now": now,
        "limit": strictest_limit(store()),
        "rows_url": lambda measure: url_for("reports.attempts", measure=measure, period="today"),
    }  # fmt: skip


def _named() -> dict[str, Any]:
    """What the filters choose from."""
    return {
        "campaigns": campaigns.names(store()), "people": users.names(store()),
        "lists": {one.id: one.file_name for one in imports.recent(store()) if not one.dry_run},
        "trunks": {one.id: one.display_name or one.id for one in trunks.trunks(store())},
        "periods": PERIODS, "choice": choice(),
    }  # fmt: skip


@blueprint.get("")
@needs(Permission.REPORTS_READ)
def page() -> str:
    """Figures of the attempts chosen, in all and by one of their sides."""
    now = datetime.now(UTC)
    scope, by = _scope(now), _by(now)
    whole: Tally = tally(store(), scope, now=now)
    lines = tallies(store(), scope, now=now, by=by) if whole.attempts or whole.staffed_s else []
    hours = lines if by == "hour" else tallies(store(), scope, now=now, by="hour") if whole.attempts else []
    return render_template(
        "reports/page.html", whole=whole, lines=lines, by=by, dimensions=DIMENSIONS, words=words(), counts=COUNTS,
        rates=RATES, times=TIMES, rows_url=rows_url, details=reports.details(store(), scope), now=now,
        limit=strictest_limit(store(), scope.campaign_id),
        chart=hours_chart([(int(one.key), one.attempts, one.persons) for one in hours if one.attempts]), **_named(),
    )  # fmt: skip


@blueprint.get("/attempts")
@needs(Permission.REPORTS_READ)
def attempts() -> str:
    """The attempts behind one figure."""
    asked = request.args.get("measure", "")
    measure = asked if asked in MEASURES else "attempts"
    scope = _scope(datetime.now(UTC))
    found = attempt_rows(store(), scope, measure, before=request.args.get("before"))
    older = url_for("reports.attempts", **{**choice(), "before": found.older}) if found.older else None
    return render_template(
        "reports/attempts.html", found=found, older=older, measure=measure, counts=COUNTS, words=words(),
        count=attempts_count(store(), scope, measure), **_named(),
    )  # fmt: skip


@blueprint.get("/attempts/<attempt_id>")
@needs(Permission.REPORTS_READ)
def attempt(attempt_id: str) -> str:
    """One attempt: its course, what the ear said, the rules' answer, its recordings, the figures it counts in."""
    found = attempt_view(store(), attempt_id)
    if found is None:
        abort(404)
    answer = why.then(store(), attempt_id, box_zone=zone())
    return render_template(
        "reports/attempt.html", attempt=found, answer=answer, words=words(), texts=rule_texts,
        back=url_for("reports.attempts", **choice()),
    )  # fmt: skip
