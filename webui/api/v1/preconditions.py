"""ETag and If-Match (RFC 9110, 13): nobody overwrites what somebody else has changed meanwhile.

The ETag is the version of `store.versions`; the service that writes compares it again in its own transaction.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import g, request

from appliance.errors import CallerError
from appliance.settings import load_settings
from appliance.store.read import campaign_texts, knowledge, people, quality, versions
from webui.api.v1.declare import Call, Operation
from webui.box import box, store

OF_THEIR_OWN: dict[str, Callable[[str], str]] = {
    "settings": lambda _key: versions.version_of(versions.of_settings(load_settings(box().home))),
    "article": lambda key: knowledge.edit_version(store(), key),
    "contact": lambda key: people.edit_version(store(), key),
    "scorecard": lambda key: quality.card_version(store(), key),
    "script": lambda key: campaign_texts.edit_version(store(), key, campaign_texts.SCRIPT),
    "form": lambda key: campaign_texts.edit_version(store(), key, campaign_texts.SURVEY),
}
"""Kinds whose version is not that of one row (`store.read.versions`)."""
_ABSENT = versions.version_of({})


class PreconditionNeededError(CallerError):
    """An update without If-Match (RFC 6585)."""

    http_status = 428


def version(operation: Operation, call: Call) -> str:
    """How the thing is now; what is not there has a version too."""
    key = call.path.get(operation.version_key, "")
    of_its_own = OF_THEIR_OWN.get(operation.versioned)
    return of_its_own(key) if of_its_own is not None else versions.current(store(), operation.versioned, key)


def check(operation: Operation, call: Call) -> None:
    """Before an update: If-Match must be given for what is there. Raises PreconditionNeededError."""
    g.if_match = ""
    if not operation.is_edit:
        return
    given = request.headers.get("If-Match", "")
    if given:
        g.if_match = "" if given.strip() == "*" else given.strip().removeprefix("W/").strip('"')
    elif operation.versioned and version(operation, call) != _ABSENT:
        raise PreconditionNeededError(
            "edit.version_needed", "Send If-Match with the ETag of what you have read, or * to overwrite it anyway."
        )


def wanted_version() -> str:
    """The version that the caller saw; empty: whatever it is."""
    return str(g.get("if_match", ""))
