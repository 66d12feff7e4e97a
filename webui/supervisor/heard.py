"""What the box heard: mix, confidences and times, the doubtful calls to listen to and label, announcements to name."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.commands import LabelCall, NameCluster, RetireAnnouncement
from appliance.store.read import campaigns, heard, recordings, trunks
from appliance.store.read.heard import CONFIDENCE_BINS, TIME_BIN_S, TIME_BINS, HeardFilter, PhaseFigures
from appliance.types import Permission
from webui import labels
from webui.access import needs
from webui.box import ask, box, store
from webui.errors import done, done_at
from webui.supervisor.chart import Chart, histogram
from webui.supervisor.recording_search import day

blueprint = Blueprint("heard", __name__, url_prefix="/heard")

_DAYS = 7


def _wanted() -> tuple[HeardFilter, str]:
    """The filter of the page and its first day as the form shows it; by default the last seven days."""
    zone = ZoneInfo(box().settings.dialling.timezone)
    first_day = request.args.get("since") or f"{datetime.now(zone) - timedelta(days=_DAYS - 1):%Y-%m-%d}"
    return (
        HeardFilter(
            campaign_id=request.args.get("campaign") or None, trunk_id=request.args.get("trunk") or None,
            since=day(first_day), until=day(request.args.get("until"), days=1),
        ),
        first_day,
    )  # fmt: skip


def _charts(figures: PhaseFigures) -> tuple[Chart, Chart]:
    """Histograms of confidence and of the time to the verdict."""
    step = 100 // CONFIDENCE_BINS
    shares = [f"{n * step}–{(n + 1) * step} %" for n in range(CONFIDENCE_BINS)]
    times = [f"{n * TIME_BIN_S:g}–{(n + 1) * TIME_BIN_S:g} s" for n in range(TIME_BINS - 1)]
    last_s = (TIME_BINS - 1) * TIME_BIN_S
    return (
        histogram(
            figures.confidences, titles=shares, ticks=[(n, f"{n * step} %") for n in range(0, CONFIDENCE_BINS, 4)]
        ),
        histogram(
            figures.times, titles=[*times, f"≥ {last_s:g} s"],
            ticks=[(n, f"{n * TIME_BIN_S:g} s") for n in range(0, TIME_BINS, 4)],
        ),
    )  # fmt: skip


@blueprint.get("")
@needs(Permission.RECORDINGS_LISTEN)
def page() -> str:
    """All of it for a campaign, a trunk, some days."""
    wanted, first_day = _wanted()
    figures = heard.figures(store(), wanted)
    show = request.args.get("show", "open")
    return render_template(
        "heard/page.html", first_day=first_day, campaigns=campaigns.names(store()), trunks=trunks.trunks(store()),
        phases=[(name, one, _charts(one)) for name, one in figures.items() if one.count],
        doubtful=heard.doubtful(
            store(), wanted, label=request.args.get("label", ""), open_only=show == "open", every=show == "every"
        ),
        clusters=heard.clusters(store(), wanted), show=show,
    )  # fmt: skip


@blueprint.get("/calls/<attempt_id>/<stage>")
@needs(Permission.RECORDINGS_LISTEN)
def call(attempt_id: str, stage: str) -> str:
    """The panel of one call: player, what the ear said, the labels to choose from."""
    if stage not in labels.EAR_KEYS:
        abort(404)
    found = heard.one(store(), attempt_id, stage) or abort(404)
    return render_template(
        "heard/call.html", call=found, recording=recordings.one(store(), found.recording_id) or abort(404),
        peaks=recordings.peaks(store(), found.recording_id), marks=heard.of_recording(store(), found.recording_id),
    )  # fmt: skip


@blueprint.post("/label")
@needs(Permission.EAR_TEACH)
def label() -> Response:
    """Write a label, or put back what stood before it (an undo); the page is told what was and what is."""
    form = request.form
    attempt_id, stage, chosen = form.get("attempt_id", ""), form.get("stage", ""), form.get("label", "")
    before = heard.one(store(), attempt_id, stage)
    told: dict[str, Any] = ask(
        LabelCall, attempt_id=attempt_id, stage=stage, label=chosen, announcement=form.get("teach") == "1",
        timeout_s=15.0,
    ).data  # fmt: skip
    if form.get("untaught"):
        ask(RetireAnnouncement, id=form["untaught"])
    said = _("Labelled: %(label)s", label=labels.text(labels.OUTCOMES, chosen)) if chosen else _("Label taken back.")
    return done(
        said,
        labelled={
            "attempt": attempt_id, "stage": stage, "label": chosen, "text": labels.text(labels.OUTCOMES, chosen),
            "previous": before.label if before else "", "announcement": told.get("announcement_id", ""),
        },
    )  # fmt: skip


@blueprint.post("/clusters/<cluster>")
@needs(Permission.EAR_TEACH)
def name_cluster(cluster: str) -> Response:
    """Name an unknown announcement once; from now on the ear knows it."""
    ask(
        NameCluster, cluster=cluster, label=request.form.get("label", ""), name=request.form.get("name", "")[:120],
        timeout_s=15.0,
    )  # fmt: skip
    return done_at(url_for("announcements.page"), _("Enrolled: the next calls with this announcement are named."))
