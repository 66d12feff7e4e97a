"""The live board: agents, lines, campaigns; listen, whisper, barge in."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.commands import SuperviseAgent
from appliance.errors import CallerError
from appliance.store.read import seats
from appliance.types import Permission, SuperviseMode
from webui import labels
from webui.access import may, needs
from webui.agent.desk import SUPERVISOR_SEAT
from webui.box import ask, store
from webui.errors import done
from webui.supervisor.reports import figures_of_today
from webui.supervisor.room import room

blueprint = Blueprint("board", __name__, url_prefix="/board")


@blueprint.get("")
@needs(Permission.AGENTS_READ)
def page() -> str:
    """The board with the choice of the seat to listen from."""
    own = session.get(SUPERVISOR_SEAT, "")
    return render_template(
        "board/page.html", room=room(), seats=[s for s in seats.seats(store()) if s.enabled], own_seat=own,
        seat=seats.seat(store(), own) if own else None, **(figures_of_today() if may(Permission.REPORTS_READ) else {}),
    )  # fmt: skip


@blueprint.get("/today")
@needs(Permission.REPORTS_READ)
def today() -> str:
    """The figures of today: the report's own, so that both always say the same."""
    return render_template("board/today.html", **figures_of_today())


@blueprint.get("/room")
@needs(Permission.AGENTS_READ)
def view() -> str:
    """The room alone, after each live event."""
    return render_template("board/room.html", room=room(), own_seat=session.get(SUPERVISOR_SEAT, ""))


@blueprint.post("/seat")
@needs(Permission.AGENTS_SUPERVISE)
def choose_seat() -> Response:
    """The seat whose phone rings when the supervisor listens."""
    chosen = request.form.get("seat_id", "")
    session[SUPERVISOR_SEAT] = chosen if chosen and seats.seat(store(), chosen) else ""
    return redirect(url_for("board.page"))


@blueprint.post("/supervise")
@needs(Permission.AGENTS_SUPERVISE)
def supervise() -> Response:
    """Listen, whisper, barge in, or leave (`mode` empty)."""
    seat_id = session.get(SUPERVISOR_SEAT)
    if not seat_id:
        raise CallerError("seat.none", _("Choose first the seat whose phone you use for listening."))
    mode = request.form.get("mode", "")
    chosen = SuperviseMode(mode) if mode in labels.SUPERVISE_MODES else None
    ask(SuperviseAgent, agent_id=request.form.get("agent_id", ""), seat_id=seat_id, mode=chosen)
    return done(labels.text(labels.SUPERVISE_DONE, mode) if chosen else _("You have left the call."))
