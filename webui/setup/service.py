"""State of the first run."""

from __future__ import annotations

from flask import request, session

from appliance.commands import SetUpAdministrator
from appliance.store.read import users
from webui.box import store, tell

_TOKEN = "set_up_token"  # noqa: S105 - the name of the form session's entry


def set_up_needed() -> bool:
    """True until an administrator exists."""
    return not users.administrator_exists(store())


def keep_token() -> bool:
    """Take the one-time token out of the link into the form session; False when there is none."""
    token = request.args.get("token", "")
    if token:
        session[_TOKEN] = token
    return bool(session.get(_TOKEN))


def make_administrator(login: str, password: str, language: str) -> None:
    """Make the first account. Raises CallerError for a wrong token or a weak password."""
    tell(
        SetUpAdministrator(
            token=session.get(_TOKEN, ""), login=login, password=password, language=language,
            actor_address=request.remote_addr or "",
        )
    )  # fmt: skip
    session.pop(_TOKEN, None)
