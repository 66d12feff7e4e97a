"""The live board: agents, lines, campaigns; listen, whisper, barge in."""

from __future__ import annotations

import time

from flask import Blueprint, g, redirect, render_template, request, session, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.wrappers import Response

from appliance.commands import ForceState, SuperviseAgent, TakeOver
from appliance.errors import CallerError
from appliance.events import LiveRoom
from appliance.store.read import seats
from appliance.types import Permission, SuperviseMode
from webui import labels
from webui.access import may, needs, reach
from webui.agent.desk import SUPERVISOR_SEAT
from webui.box import ask, box, store
from webui.errors import done
from webui.supervisor.reports import figures_of_today
from webui.supervisor.room import my_room

blueprint = Blueprint("board", __name__, url_prefix="/board")

_TODAY_S = 5.0


def _own_seat() -> str:
    seat_id = str(session.get(SUPERVISOR_SEAT) or "")
    if not seat_id:
        raise CallerError("seat.none", _("Choose first the seat whose phone you use for listening."))
    return seat_id


def _supervised() -> frozenset[str] | None:
    """Whom the signed-in user may listen to and force; None: everybody."""
    return reach(Permission.AGENTS_SUPERVISE)


def _room_part(present: LiveRoom | None) -> Markup:
    """The room as the signed-in user sees it: drawn once for all screens that show the same."""
    own, supervised = str(session.get(SUPERVISOR_SEAT) or ""), _supervised()

    def draw() -> str:
        return render_template("board/room.html", room=present, supervised=supervised, own_seat=own)

    if present is None:
        return Markup(draw())  # noqa: S704 - a template's own text
    reader = ("room", str(get_locale()), frozenset(g.user.permissions), reach(Permission.AGENTS_READ), supervised, own)
    return Markup(box().rooms_drawn.once(present.at_unix_s, reader, draw))  # noqa: S704


def _today_part() -> Markup:
    """The figures of today, counted once in five seconds for all screens: who looks again asks that often."""
    reader = ("today", str(get_locale()), frozenset(g.user.permissions))
    drawn = box().today_drawn.once(
        time.monotonic() // _TODAY_S, reader, lambda: render_template("board/today.html", **figures_of_today())
    )
    return Markup(drawn)  # noqa: S704


@blueprint.get("")
@needs(Permission.AGENTS_READ)
def page() -> str:
    """The board with the choice of the seat to listen from."""
    own = session.get(SUPERVISOR_SEAT, "")
    return render_template(
        "board/page.html", room_part=_room_part(my_room()),
        today_part=_today_part() if may(Permission.REPORTS_READ) else "", own_seat=own,
        seats=[s for s in seats.seats(store()) if s.enabled], seat=seats.seat(store(), own) if own else None,
    )  # fmt: skip


@blueprint.get("/today")
@needs(Permission.REPORTS_READ)
def today() -> str:
    """The figures of today: the report's own, so that both always say the same."""
    return _today_part()


@blueprint.get("/room")
@needs(Permission.AGENTS_READ)
def view() -> str:
    """The room alone, after each live event."""
    return _room_part(my_room())


@blueprint.post("/take-over")
@needs(Permission.AGENTS_SUPERVISE)
def take_over() -> Response:
    """The agent's customer comes to the supervisor's own phone."""
    ask(TakeOver, agent_id=request.form.get("agent_id", ""), seat_id=_own_seat())
    return done(_("The customer is yours. The agent goes to his wrap-up."))


@blueprint.post("/force")
@needs(Permission.AGENTS_SUPERVISE)
def force() -> Response:
    """Set an agent's state: ready, pause, log_out."""
    state = request.form.get("state", "")
    reason = request.form.get("reason", "")[:60] if state == "pause" else ""
    data = ask(ForceState, agent_id=request.form.get("agent_id", ""), state=state, reason=reason).data
    later = data.get("pending")
    if later:
        return done(_("After this call: %(state)s", state=labels.text(labels.AGENT_STATES, str(later))))
    return done(labels.text(labels.FORCED, state))


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
    mode = request.form.get("mode", "")
    chosen = SuperviseMode(mode) if mode in labels.SUPERVISE_MODES else None
    ask(SuperviseAgent, agent_id=request.form.get("agent_id", ""), seat_id=_own_seat(), mode=chosen)
    return done(labels.text(labels.SUPERVISE_DONE, mode) if chosen else _("You have left the call."))
