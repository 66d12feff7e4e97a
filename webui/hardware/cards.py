"""Line cards: which gateways and cards are watched; one is read once before it is saved."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from appliance.card_settings import find, plain_of
from appliance.commands import RemoveLineCard, SaveLineCard, ShowLineCards, TestLineCard
from appliance.errors import CallboxError, ConflictError, NotAllowedError, ValidationErrors
from appliance.settings import load_settings
from appliance.store.read import trunks, versions
from appliance.types import Permission
from webui.access import needs
from webui.box import ask, box, store
from webui.error_texts import error_text, text_of
from webui.errors import done_at
from webui.hardware import card_form, words
from webui.versions import differences, edits_by

blueprint = Blueprint("line_cards", __name__, url_prefix="/line-cards")

_CARD_ANSWERS_S = 90.0
"""A console at 9600 baud that must be logged in to, or an agent that is asked again and again."""


@blueprint.get("")
@needs(Permission.HARDWARE_WRITE)
def page() -> str:
    """All cards."""
    known, error = _known()
    cards = known["cards"]
    return render_template("lines/cards.html", cards=cards, error=error, words=words, kind_of=card_form.kind_of)


@blueprint.get("/new")
@needs(Permission.HARDWARE_WRITE)
def choose() -> str:
    """How the new card is read decides what has to be known of it."""
    return render_template("lines/card_kinds.html", kinds=card_form.KINDS)


@blueprint.route("/new/<kind>", methods=["GET", "POST"])
@needs(Permission.HARDWARE_WRITE)
def new(kind: str) -> Response | str:
    """A new card."""
    return _form(kind, None)


@blueprint.route("/card/<source>/<card_id>", methods=["GET", "POST"])
@needs(Permission.HARDWARE_WRITE)
@edits_by(lambda source, card_id: _version(source, card_id))
def one(source: str, card_id: str) -> Response | str:
    """Change a card; `kind` changes between the versions of SNMP."""
    card = _card(source, card_id)
    return _form(request.args.get("kind") or card_form.kind_of(card), card)


def _form(kind: str, card: dict[str, Any] | None) -> Response | str:
    if kind not in card_form.KINDS or (card is not None and card_form.SOURCES[kind] != card["source"]):
        abort(404)
    plain = card_form.plain_of(kind, request.form, card) if request.method == "POST" else {}
    tried: dict[str, Any] = {}
    if request.method == "POST":
        step = request.form.get("do", "test")
        tried = {} if step == "anyway" else _try(plain)
        if step in ("save", "anyway") and not tried.get("wrong"):
            tried = _save(plain, new=card is None)
            if not tried:
                done = done_at(url_for("line_cards.page"), _("The card is saved; it is read from now on."))
                return _led(done) if request.headers.get("HX-Request") else done
        if request.headers.get("HX-Request"):
            return render_template("lines/card_tried.html", tried=tried, words=words)
    known, error = _known()
    profiles = [p for p in known["profiles"] if card_form.SOURCES[kind] in p["readers"]]
    return render_template(
        "lines/card.html", kind=kind, card=card, form=card_form, tried=tried, profiles=profiles, error=error,
        values=card_form.shown(kind, plain or card or {}), words=words,
    )  # fmt: skip


def _led(done: Response) -> Response:
    """A page that asked by htmx goes on where the plain form would."""
    response = make_response("", 204)
    response.headers["HX-Redirect"] = done.headers["Location"]
    return response


def _try(plain: dict[str, Any]) -> dict[str, Any]:
    """One reading: {lines, seconds}, or {wrong: sentences, unread: whether it may be saved all the same}."""
    try:
        return ask(TestLineCard, card=plain, timeout_s=_CARD_ANSWERS_S).data
    except NotAllowedError:
        raise
    except ValidationErrors as wrong:
        return {"wrong": _sentences(wrong), "unread": False}
    except CallboxError as wrong:
        return {"wrong": [error_text(wrong)], "unread": True}


def _save(plain: dict[str, Any], *, new: bool) -> dict[str, Any]:
    try:
        ask(SaveLineCard, card=plain, new=new)
    except NotAllowedError:
        raise
    except ConflictError as wrong:
        both = [_("%(name)s: saved now %(now)s, yours %(yours)s", name=name, now=now or "–", yours=yours or "–")
                for name, now, yours in differences(wrong)]  # fmt: skip
        return {"wrong": [error_text(wrong), *both], "unread": False}
    except ValidationErrors as wrong:
        return {"wrong": _sentences(wrong), "unread": False}
    except CallboxError as wrong:
        return {"wrong": [error_text(wrong)], "unread": False}
    return {}


def _version(source: str, card_id: str) -> str:
    card = find(load_settings(box().home).hardware.cards, card_id, source)
    return versions.version_of(plain_of(card) if card is not None else {})


def _sentences(wrong: ValidationErrors) -> list[str]:
    return [
        f"{card_form.LABELS[field][0]}: {text_of(error_id, message)}" if field in card_form.LABELS
        else text_of(error_id, message)
        for field, error_id, message in wrong.errors
    ]  # fmt: skip


@blueprint.route("/card/<source>/<card_id>/remove", methods=["GET", "POST"])
@needs(Permission.HARDWARE_WRITE)
def remove(source: str, card_id: str) -> Response | str:
    """Ask first, with the trunks that use its lines."""
    if request.method == "POST":
        ask(RemoveLineCard, id=card_id, source=source)
        return done_at(url_for("line_cards.page"), _("The card is removed; its lines are watched no more."))
    card = _card(source, card_id)
    twin = any(other["id"] == card_id and other["source"] != source for other in _known()[0]["cards"])
    users = [] if twin else [t for t in trunks.trunks(store()) if card_form.lines_of(card, t.config.get("lines"))]
    return render_template("lines/card_remove.html", card=card, trunks=users, twin=twin, form=card_form, words=words)


def _known() -> tuple[dict[str, Any], str]:
    """Cards and makes as `watch` knows them, and why they are not known."""
    try:
        return {"cards": [], "profiles": [], **ask(ShowLineCards, timeout_s=15.0).data}, ""
    except NotAllowedError:
        raise
    except CallboxError as wrong:
        return {"cards": [], "profiles": []}, error_text(wrong)


def _card(source: str, card_id: str) -> dict[str, Any]:
    found, error = _known()
    if error:
        abort(redirect(url_for("line_cards.page")))
    cards: list[dict[str, Any]] = found["cards"]
    return next((c for c in cards if (c["id"], c["source"]) == (card_id, source)), None) or abort(404)
