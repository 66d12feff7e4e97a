"""Pages and buttons of the desk."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flask import Blueprint, g, jsonify, redirect, render_template, request, url_for
from flask_babel import format_datetime
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.commands import (
    AddCaller,
    AgentDial,
    AgentDispose,
    AgentDraft,
    AgentDtmf,
    AgentHangup,
    AgentHold,
    AgentLogin,
    AgentLogout,
    AgentMute,
    AgentPause,
    AgentPreview,
    AgentReady,
    AgentReattach,
    AgentRecording,
    AgentStartRecording,
    AgentThird,
    AgentTransfer,
    SaveShortcuts,
    SeatPhoneCredentials,
    TransferTargets,
)  # fmt: skip
from appliance.errors import NotFoundError, ValidationErrors
from appliance.store.read import knowledge
from appliance.types import Disposition, Permission
from webui import fields
from webui.access import needs
from webui.agent import desk as desks
from webui.agent.forms import disposition_fields, zone_of
from webui.agent.shortcuts import SHORTCUTS, as_json, changed, keys_of, mine
from webui.box import ask, box, store
from webui.errors import done, done_at, with_toast

blueprint = Blueprint("agent", __name__, url_prefix="/desk")

_ASKED_FOR = {
    "preview_runs": desks.preview_runs, "must_save": desks.must_save, "dial_campaigns": desks.dial_campaigns,
}  # fmt: skip
"""What a template asks for only in the states in which it shows it: each is a question to the store."""


@blueprint.get("")
@needs(Permission.AGENT_WORK)
def desk() -> Response | str:
    """The desk, or the choice of a seat when the agent has none."""
    agent = desks.my_view(fresh=True)
    if agent is None or not desks.at_a_seat(agent):
        return render_template("agent/seat.html", seats=desks.free_seats(), agent=agent or box().live.agent(g.user.id))
    return render_template(
        "agent/desk.html", agent=agent, seat=desks.my_seat(agent), work=desks.work(agent), shortcuts=mine(),
        shortcuts_json=as_json(), keys_of=keys_of, **_ASKED_FOR,
    )  # fmt: skip


@blueprint.get("/bar")
@needs(Permission.AGENT_WORK)
def bar() -> Response | str:
    """The state bar alone, after each live event."""
    agent = desks.my_view()
    if agent is None or not desks.at_a_seat(agent):
        return _to_seat_choice()
    return render_template("agent/bar.html", agent=agent, seat=desks.my_seat(agent), keys_of=keys_of, **_ASKED_FOR)


@blueprint.get("/work")
@needs(Permission.AGENT_WORK)
def work() -> Response | str | tuple[str, int]:
    """Record and disposition; 204 while the record that the page shows is still the right one."""
    agent = desks.my_view()
    if agent is None:
        return "", 204
    if request.args.get("shown") == desks.work_key(agent):
        return "", 204
    return render_template("agent/work.html", agent=agent, work=desks.work(agent), keys_of=keys_of, **_ASKED_FOR)


def _to_seat_choice() -> Response:
    response = done("")
    response.headers.clear()
    response.headers["HX-Redirect"] = url_for("agent.desk")
    return response


@blueprint.post("/seat")
@needs(Permission.AGENT_WORK)
def take_seat() -> Response:
    """Sit down at a seat."""
    ask(AgentLogin, seat_id=request.form.get("seat_id", ""))
    return redirect(url_for("agent.desk"))


@blueprint.post("/leave")
@needs(Permission.AGENT_WORK)
def leave() -> Response:
    """Leave the seat."""
    ask(AgentLogout)
    return redirect(url_for("agent.desk"))


@blueprint.post("/state")
@needs(Permission.AGENT_WORK)
def state() -> Response:
    """Ready, or pause with a reason."""
    if request.form.get("to") == "ready":
        ask(AgentReady)
    else:
        ask(AgentPause, reason=request.form.get("reason", "")[:60])
    return done("")


@blueprint.post("/call")
@needs(Permission.AGENT_WORK)
def call() -> Response:
    """Buttons of the call: hangup, hold, mute, card data, digits, and what is done with who was brought in."""
    match request.form.get("do"):
        case "hangup":
            ask(AgentHangup)
        case "hold" | "resume" as action:
            ask(AgentHold, resume=action == "resume")
        case "dtmf":
            ask(AgentDtmf, digits=request.form.get("digits", "")[:32])
        case "mute" | "unmute" as action:
            ask(AgentMute, on=action == "mute")
        case "card" | "card_over" as action:
            ask(AgentRecording, paused=action == "card")
            return done(_("Nothing is recorded now.") if action == "card" else _("The recording goes on."))
        case "record":
            ask(AgentStartRecording)
            return done(_("From now on the call is recorded."))
        case "complete" | "join" | "private" | "drop" as action:
            ask(AgentThird, action=action)
    return done("")


@blueprint.get("/transfer")
@needs(Permission.AGENT_WORK)
def targets() -> str:
    """Whom the customer can be passed to now."""
    return render_template("agent/targets.html", targets=ask(TransferTargets).data)


@blueprint.post("/transfer")
@needs(Permission.AGENT_WORK)
def transfer() -> Response:
    """Pass the customer on, or call somebody first."""
    to = request.form.get("number", "").strip() or request.form.get("to", "")
    if not to:
        return with_toast(Response("", 422), _("Choose somebody, or write a number."), "danger")
    attended = request.form.get("how") == "attended"
    ask(AgentTransfer, to=to, attended=attended)
    return done("" if attended else _("The customer is passed on."), transferred={})


@blueprint.post("/reattach")
@needs(Permission.AGENT_WORK)
def reattach() -> Response:
    """The page's phone is there again: call it into the conversation that goes on."""
    ask(AgentReattach)
    return done("")


@blueprint.post("/draft")
@needs(Permission.AGENT_WORK)
def draft() -> Response:
    """Keep what is typed."""
    ask(
        AgentDraft, conversation_id=request.form.get("conversation_id", ""), note=request.form.get("note", "")[:4000],
        answers=desks.answers_of(request.form, desks.survey_of(desks.my_view())),
    )  # fmt: skip
    return Response("", 204)


@blueprint.get("/knowledge")
@needs(Permission.AGENT_WORK)
def articles() -> str:
    """Articles found by words, or suggested by the result that is chosen and the step that is read."""
    words = request.args.get("words", "").strip()
    found = (
        knowledge.search(store(), words) if words
        else knowledge.suggested(
            store(), disposition=request.args.get("disposition", ""), step=request.args.get("step", "")
        )
    )  # fmt: skip
    return render_template("agent/articles.html", articles=found, words=words)


@blueprint.get("/keys")
@needs(Permission.AGENT_WORK)
def my_keys() -> str:
    """One's own keys."""
    return render_template("agent/keys.html", shortcuts=mine(), usual={one.id: one.keys for one in SHORTCUTS})


@blueprint.post("/keys")
@needs(Permission.AGENT_WORK)
def save_keys() -> Response:
    """Remember them."""
    ask(SaveShortcuts, keys={} if "usual" in request.form else changed(request.form))
    return done_at(url_for("agent.my_keys"), _("The keys are saved."))


@blueprint.post("/machine")
@needs(Permission.AGENT_WORK)
def machine() -> Response:
    """One press for what the ear found out late: the result is "machine", the call ends, the next one may come."""
    conversation_id = request.form.get("conversation_id", "")
    ask(AgentDispose, conversation_id=conversation_id, disposition=Disposition.MACHINE.value)
    ask(AgentHangup)
    return done(_("Saved as a machine."), disposed={"conversation": conversation_id})


@blueprint.post("/preview")
@needs(Permission.AGENT_WORK)
def preview() -> Response:
    """Preview mode: next, dial, skip."""
    ask(AgentPreview, action=request.form.get("do", ""))
    return done("")


@blueprint.post("/dial")
@needs(Permission.AGENT_WORK)
def dial() -> Response:
    """Dial a record, or a number that was typed."""
    ask(
        AgentDial, lead_id=request.form.get("lead_id", ""), number=request.form.get("number", "").strip(),
        campaign_id=request.form.get("campaign_id", ""),
    )  # fmt: skip
    return done("")


@blueprint.get("/times")
@needs(Permission.AGENT_WORK)
def times() -> str:
    """A time of the person called, in the zone of the box."""
    here = ZoneInfo(box().settings.dialling.timezone)
    try:
        local = datetime.fromisoformat(request.args.get("callback_at", ""))
    except ValueError:
        return ""
    at = local.replace(tzinfo=zone_of(request.args.get("zone"), here)).astimezone(here)
    return str(_("Here: %(time)s (%(zone)s)", time=format_datetime(at, "short", rebase=False), zone=here.key))


@blueprint.post("/dispose")
@needs(Permission.AGENT_WORK)
def dispose() -> Response:
    """Save how the conversation ended."""
    conversation_id = request.form.get("conversation_id", "")
    zone = ZoneInfo(box().settings.dialling.timezone)
    try:
        fields = disposition_fields(
            request.form, zone=zone, currency=request.form.get("currency", ""), now=datetime.now(UTC)
        )
    except ValidationErrors as wrong:
        return with_toast(Response("", 422), " ".join(e[2] for e in wrong.errors), "danger")
    answers = desks.answers_of(request.form, desks.survey_of(desks.my_view()))
    ask(AgentDispose, conversation_id=conversation_id, answers=answers, **fields)
    return done(_("Result saved."), disposed={"conversation": conversation_id})


@blueprint.post("/caller")
@needs(Permission.AGENT_WORK)
def add_caller() -> Response:
    """Make a record of the unknown caller."""
    ask(
        AddCaller, conversation_id=request.form.get("conversation_id", ""), name=request.form.get("name", ""),
        custom=fields.typed_in(request.form, on_pop=True),
    )  # fmt: skip
    return done(_("The customer is added."))


@blueprint.post("/phone")
@needs(Permission.AGENT_WORK, Permission.AGENTS_SUPERVISE)
def phone_credentials() -> Response:
    """Credentials of the browser phone of the seat one sits at (supervisors: of the seat they chose)."""
    seat_id = desks.phone_seat_id()
    if not seat_id:
        raise NotFoundError("seat.none", _("You sit at no seat. Choose one first."))
    data = ask(SeatPhoneCredentials, seat_id=seat_id).data
    return jsonify({key: data[key] for key in ("user", "password", "realm")})
