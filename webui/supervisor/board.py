"""The live board: agents, lines, campaigns; listen, whisper, barge in."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from flask import Blueprint, g, get_template_attribute, redirect, render_template, request, session, url_for
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
from webui.pictures import Picture, Sight
from webui.supervisor.reports import figures_of_today
from webui.supervisor.room import narrowed, room

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


def _look(present: object) -> Sight:
    """The room as the signed-in user sees it, in parts."""
    people, supervised = reach(Permission.AGENTS_READ), _supervised()
    room = narrowed(present, people) if isinstance(present, LiveRoom) else None
    things: dict[str, object] = {}
    if room is not None:
        things = {"board-figures": room, **{f"agent-{agent.agent_id}": agent for agent in room.agents}}
        things |= {"board-queues": room.queues} if room.queues else {}
        things |= {"board-campaigns": room.campaigns, "board-lines": room.lines}

    def draw(name: str) -> str:
        kind, _dash, part = name.partition("-")
        macro = get_template_attribute("board/parts.html", "agent" if kind == "agent" else part)
        return str(macro(things[name], supervised) if kind == "agent" else macro(room))

    def whole(parts: Mapping[str, str]) -> str:
        drawn = {name: Markup(text) for name, text in parts.items()}  # noqa: S704 - a template's own text
        return render_template("board/room.html", room=room, parts=drawn)

    return Sight(root="room", frame=tuple(things) if room is not None else None, things=things, draw=draw, whole=whole)


def room_picture() -> Picture:
    """The picture of all who see the same of the room as the signed-in user."""
    reader = (str(get_locale()), frozenset(g.user.permissions), reach(Permission.AGENTS_READ), _supervised())
    return box().rooms.of(reader)


def _newest() -> Callable[[], LiveRoom | None]:
    """The room as last told, whenever it is asked for; an engine that told nothing yet is asked once, now."""
    live = box().live
    asked = room() if live.room() is None else None
    return lambda: live.room() or asked


def room_news() -> Callable[[], str]:
    """For an event stream: what is new of the room since the last time (`Picture.news`); all of it the first time."""
    known: tuple[Picture | None, int] = (None, 0)

    def news() -> str:
        nonlocal known
        picture = room_picture()
        text, step = picture.news(known[1] if picture is known[0] else 0, _newest(), _look)
        known = picture, step
        return text

    return news


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
        "board/page.html", room_part=Markup(room_picture().whole(_newest(), _look)),  # noqa: S704 - a template's own text
        today_part=_today_part() if may(Permission.REPORTS_READ) else "", own_seat=own,
        seats=[s for s in seats.seats(store()) if s.enabled], seat=seats.seat(store(), own) if own else None,
    )  # fmt: skip


@blueprint.get("/today")
@needs(Permission.REPORTS_READ)
def today() -> str:
    """The figures of today: the report's own, so that both always say the same."""
    return _today_part()


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
