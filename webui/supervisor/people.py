"""People: who they are; may this one be called now, by which rule not, from when; why was he called then."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import available_timezones

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.commands import SaveDoNotCall, SavePerson
from appliance.errors import CallboxError, ConflictError, ValidationErrors
from appliance.store.read import campaigns, history, people, why
from appliance.types import Permission
from webui import fields, rule_texts
from webui.access import needs
from webui.agent import desk
from webui.box import ask, box, store
from webui.error_texts import text_of
from webui.errors import done_at

blueprint = Blueprint("people", __name__, url_prefix="/people")
PAGE_SIZE, CALLS_MAX = 50, 200


@blueprint.get("")
@needs(Permission.LISTS_IMPORT)
def page() -> str:
    """People by name, any of their numbers, or reference."""
    text, before = request.args.get("q", ""), request.args.get("before")
    found = people.search(store(), text, before=before, size=PAGE_SIZE)
    older = url_for("people.page", q=text or None, before=found.older) if found.older else None
    return render_template(
        "people/page.html", found=found.rows, text=text, campaigns=campaigns.names(store()), fields=fields.in_use(),
        page={"newer": url_for("people.page", q=text or None) if before else None, "older": older},
    )  # fmt: skip


def _shown(contact_id: str, errors: list[str] | None = None) -> str | Response:
    person = why.person(store(), contact_id)
    if person is None:
        kept = people.kept_by(store(), contact_id) or abort(404)
        return redirect(url_for("people.one", contact_id=kept))
    zone, now = box().settings.dialling.timezone, datetime.now(UTC)
    answers = [
        answer for number in person.numbers
        for answer in why.now(store(), number, now, box_zone=zone, contact_id=contact_id)
    ]  # fmt: skip
    lines = [desk.heard_by_me(line) for line in history.of_contact(store(), contact_id, limit=CALLS_MAX)]
    return render_template(
        "people/one.html", person=person, card=people.card(store(), contact_id), answers=answers, lines=lines,
        fields=fields.in_use(), pairs=people.pairs(store(), contact_id), merges=people.merges(store(), contact_id),
        campaigns=campaigns.names(store()), texts=rule_texts, zones=sorted(available_timezones()), now=now,
        errors=errors or [],
    )  # fmt: skip


@blueprint.get("/<contact_id>")
@needs(Permission.LISTS_IMPORT)
def one(contact_id: str) -> str | Response:
    """Who it is, the rules' answer for each number and campaign, what bars the person, what was before."""
    return _shown(contact_id)


@blueprint.get("/<contact_id>/calls/<attempt_id>")
@needs(Permission.LISTS_IMPORT)
def call(contact_id: str, attempt_id: str) -> str:
    """Why somebody was called: the rules of then over what was known then."""
    answer = why.then(store(), attempt_id, box_zone=box().settings.dialling.timezone)
    if answer is None:
        abort(404)
    return render_template("people/call.html", answer=answer, contact_id=contact_id, texts=rule_texts)


@blueprint.post("/<contact_id>/do-not-call")
@needs(Permission.LISTS_IMPORT)
def bar(contact_id: str) -> Response | tuple[str | Response, int]:
    """Bar a number for the box or a campaign, or the person; or take that back (`remove`)."""
    level, _colon, campaign_id = request.form.get("level", "box").partition(":")
    removes = request.form.get("remove") == "1"
    try:
        ask(
            SaveDoNotCall, number=request.form.get("number", ""), reason=request.form.get("reason", "")[:120],
            remove=removes, level=level, campaign_id=campaign_id or None,
        )  # fmt: skip
    except CallboxError as error:
        return _shown(contact_id, [text_of(error.error_id, error.message)]), 400
    text = _("It may be called again.") if removes else _("It is not called any more.")
    return done_at(url_for("people.one", contact_id=contact_id), text)


@blueprint.post("/<contact_id>")
@needs(Permission.LISTS_IMPORT)
def save(contact_id: str) -> Response | tuple[str | Response, int]:
    """Keep what the rules must know of the person."""
    form = request.form
    try:
        ask(
            SavePerson, contact_id=contact_id, time_zone=form.get("time_zone", ""),
            contact_revoked="contact_revoked" in form, third_party="third_party" in form,
            third_party_refused="third_party_refused" in form, debtor_number=form.get("debtor_number", ""),
            consents=[kind for kind in form.getlist("consents") if kind in rule_texts.CONSENTS],
        )  # fmt: skip
    except ConflictError:
        raise
    except ValidationErrors as wrong:
        return _shown(contact_id, [text_of(error_id, message) for _name, error_id, message in wrong.errors]), 400
    except CallboxError as error:
        return _shown(contact_id, [text_of(error.error_id, error.message)]), 400
    return done_at(url_for("people.one", contact_id=contact_id), _("Saved."))
