"""The log-in of a browser: a random token in a cookie, its SHA-256 in the store, everything else on the server."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from flask import request
from werkzeug.wrappers import Response

from appliance.store.read import sessions
from appliance.types import Role
from webui.box import box, store

COOKIE = "__Host-callbox"


@dataclass(frozen=True)
class CurrentUser:
    """Who asks. `theme`: auto | light | dark."""

    id: str
    login: str
    display_name: str
    role: Role
    language: str
    theme: str


def token_hash(token: str) -> str:
    """What the store keeps of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def current_user() -> CurrentUser | None:
    """The user of the request's cookie, None without a living session of an enabled user."""
    token = request.cookies.get(COOKIE, "")
    return user_of(token_hash(token)) if token else None


def user_of(hashed: str) -> CurrentUser | None:
    """The user of a hashed token; asked again by long streams."""
    found = sessions.session(store(), hashed)
    if found is None or not found.enabled or found.expires_at <= datetime.now(UTC):
        return None
    return CurrentUser(
        id=found.user_id, login=found.login, display_name=found.display_name or found.login,
        role=Role(found.role), language=found.language, theme=found.theme,
    )  # fmt: skip


def sign_in(response: Response, token: str) -> None:
    """Give the browser its token."""
    hours = box().settings.web.session_hours
    response.set_cookie(COOKIE, token, max_age=hours * 3600, secure=True, httponly=True, samesite="Lax", path="/")


def sign_out(response: Response) -> None:
    """Take the token away."""
    response.delete_cookie(COOKIE, secure=True, httponly=True, samesite="Lax", path="/")
