"""Two who edit the same thing: a form carries the version it was made from, and who comes second sees both values.

A view that shows or takes such a form is marked with `edits`; its template puts `version_field()` into the form, and
`webui.box.ask` sends the version along. A program may send it as `If-Match`, from the `ETag` of the page it read.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, Response, g, make_response, render_template, request
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from appliance.errors import ConflictError
from appliance.store.read import users, versions
from webui import labels
from webui.box import seen_version, store
from webui.i18n import LANGUAGES

View = TypeVar("View", bound=Callable[..., Any])
_NEVER_SHOWN = ("csrf_token", "version")

FIELDS: dict[str, Any] = {
    "name": _l("Name"), "display_name": _l("Shown as"), "login": _l("Name for signing in"), "mode": _l("Mode"),
    "phone": _l("Phone"), "enabled": _l("In use"), "role": _l("Role"), "role_id": _l("Role"),
    "department_id": _l("Department"), "parent_id": _l("Department"), "skills": _l("Skills"),
    "keep_days": _l("Days"), "base": _l("Its users are listed among"), "recording": _l("Recording"),
    "permissions": _l("Permission"), "script": _l("Script for the agent"), "record": _l("Record conversations"),
    "record_on_demand": _l("Only when the agent asks for it"), "weight": _l("Weight"),
    "abandoned_limit": _l("Abandoned calls, at most"), "abandoned_window_h": _l("counted over hours"),
    "max_lines": _l("Lines at most"), "priority_order": _l("Order of the list"),
    "calling_hours": _l("Calling hours"), "time_zone_rule": _l("Hours hold in"),
    "time_zone": _l("Time zone"), "rule_profile": _l("Rules"), "trunk_ids": _l("Trunks"), "agent_ids": _l("Agents"),
    "attempts_per_day_max": _l("Attempts per number and day"), "attempts_total_max": _l("Attempts per number in all"),
    "wrap_up_mode": _l("Wrap-up"), "wrap_up_s": _l("Longest wrap-up, seconds"), "dispositions": _l("Own results"),
    "caller_id": _l("Caller number"), "caller_ids": _l("More caller numbers"), "channels": _l("Channels"),
    "gateways": _l("Gateways"), "lines": _l("Lines"), "numbers": _l("Called numbers"),
    "mask_numbers": _l("Agents see only the last digits of numbers"), "consents": _l("Consents"),
    "recipients": _l("Send it to"), "every": _l("Make it"), "at_time": _l("At"), "on_day": _l("On day"),
    "language": _l("Language"), "label": _l("Meaning"), "country": _l("Country"),
    "url": _l("Address"), "events": _l("Told of"), "personal": _l("Send personal data too"),
    "allow_private": _l("The address lies in the own network"), "scorecard_id": _l("Scorecard"),
    "questions": _l("Questions"), "order": _l("Order"), "title": _l("Title"), "body": _l("Text"), "text": _l("Text"),
    "tags": _l("Tags"), "category": _l("Category"), "step": _l("Step"), "kind": _l("Kind"),
    "knock_out": _l("Knock-out: No or 0 makes the call 0"), "may_skip": _l("May not apply"),
    "top": _l("Scale from 0"), "section_weight": _l("Section"), "per_agent": _l("Calls of each agent a week"),
    "campaign_ids": _l("Campaigns"), "outcomes": _l("Outcomes"), "team": _l("Team"),
    "at_least_s": _l("Length from"), "at_most_s": _l("Length to"),
}  # fmt: skip
"""Names of fields for people; one that is missing shows as it is called inside."""

_YES_NO = {"true": _l("Yes"), "false": _l("No")}
VALUES: dict[str, Any] = {
    "mode": labels.CAMPAIGN_MODES, "phone": labels.PHONES, "role": labels.ROLES, "base": labels.ROLES,
    "recording": labels.RECORDING_POLICIES, "priority_order": labels.PRIORITY_ORDERS, "every": labels.EVERY,
    "language": LANGUAGES, "kind": {"yes_no": _l("Yes or no"), "scale": _l("Scale from 0")},
    "outcomes": labels.OUTCOMES, "dispositions": labels.DISPOSITIONS,
}  # fmt: skip
"""What their values are called, where these are words of ours."""


def current(kind: str, key: str) -> str:
    """How something looks now."""
    return versions.current(store(), kind, key)


def edits(kind: str, argument: str) -> Callable[[View], View]:
    """Mark a view that edits the thing of this kind whose id is the view's `argument`."""
    return edits_by(lambda **arguments: current(kind, str(arguments[argument])))


def edits_by(version: Callable[..., str]) -> Callable[[View], View]:
    """The same for what has no row of its own: `version` gets the view's arguments."""

    def mark(view: View) -> View:
        @wraps(view)
        def looked_at(**arguments: Any) -> Any:
            # before anything is read for the page: a change in between is then taken for one, never lost
            g.version = seen_version() if request.method == "POST" else version(**arguments)
            return view(**arguments)

        return looked_at  # type: ignore[return-value]

    return mark


def version_field(version: str | None = None) -> Markup:
    """The hidden field of a form; `version` when a page has several forms."""
    wanted = version if version is not None else g.get("version", "")
    return Markup('<input type="hidden" name="version" value="{}" />').format(wanted) if wanted else Markup()


def differences(error: ConflictError) -> list[tuple[str, str, str]]:
    """(field, as it is saved now, as it was wanted) in words."""
    rows: Any = error.placeholders.get("differences") or []
    plain = [(str(name), str(now), str(wanted)) for name, now, wanted in rows]
    return [(_named(name), _said(name, now), _said(name, wanted)) for name, now, wanted in plain]


def _said(name: str, value: str) -> str:
    """A value in words; a list (as JSON, where it is not too long) as its words."""
    try:
        several = json.loads(value) if value.startswith("[") else None
    except ValueError:
        several = None
    words = VALUES.get(name.rpartition(".")[2], _YES_NO)
    if several is not None and all(isinstance(one, str) for one in several):
        return " · ".join(str(words.get(one, one)) for one in several)
    return str(words.get(value, value))


def _named(name: str) -> str:
    """What a field is called; of one within another (`rules.team`, `questions.Talk: Tone.weight`) all its parts."""
    first, *rest = name.removeprefix("config.").split(".")
    inner = ", ".join(str(FIELDS.get(part, part)) for part in rest)
    return f"{FIELDS.get(first, first)}{f' ({inner})' if inner else ''}"


def conflict_page(error: ConflictError, text: str) -> BaseResponse:
    """Both values side by side, with all that was typed: to be sent once more, knowingly, or to be let go."""
    by, at = str(error.placeholders.get("by") or ""), str(error.placeholders.get("at") or "")
    typed = [
        (name, value) for name, values in request.form.lists() if name not in _NEVER_SHOWN and "password" not in name
        for value in values
    ]  # fmt: skip
    path = urlsplit(request.referrer or "").path or request.path
    return make_response(
        render_template(
            "conflict.html", text=text, by=users.names(store()).get(by, ""), typed=typed, back=path,
            at=datetime.fromisoformat(at) if at else None, rows=differences(error),
            version=str(error.placeholders.get("version") or ""),
        ),
        409,
    )  # fmt: skip


def _tag(response: Response) -> Response:
    if request.method == "GET" and g.get("version") and response.status_code == 200:
        response.set_etag(g.version)
    return response


def register(app: Flask) -> None:
    """Give pages their ETag and templates their field."""
    app.after_request(_tag)
    app.jinja_env.globals.update(version_field=version_field, version_now=current)
