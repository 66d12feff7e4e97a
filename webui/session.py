"""The log-in of a browser: a random token in a cookie, its SHA-256 in the store, everything else on the server."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from flask import request, session
from werkzeug.wrappers import Response

from appliance.store import granted
from appliance.store.read import roles, sessions
from appliance.types import Permission, Role, Scope
from webui.box import box, store

COOKIE = "__Host-callbox"
SEE_AS = "see_as"
"""Entry of the form session: the role whose pages an administrator looks at."""


@dataclass(frozen=True)
class CurrentUser:
    """Who asks. `theme`: auto | light | dark; `seen_as`: the name of the role whose pages he looks at."""

    id: str
    login: str
    display_name: str
    role: Role
    language: str
    theme: str
    permissions: Mapping[Permission, Scope] = field(default_factory=dict)
    seen_as: str = ""


def token_hash(token: str) -> str:
    """What the store keeps of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def current_user() -> CurrentUser | None:
    """The user of the request's cookie, None without a living session of an enabled user."""
    token = request.cookies.get(COOKIE, "")
    user = user_of(token_hash(token)) if token else None
    return _previewed(user) if user and session.get(SEE_AS) else user


def _previewed(user: CurrentUser) -> CurrentUser:
    """The same person with no more than the role he looks at may do; a role that is gone ends the preview."""
    wanted = str(session.get(SEE_AS))
    custom = roles.role(store(), wanted)
    if custom is not None:
        name, allowed = custom.name, dict(custom.permissions)
    elif wanted in set(Role):
        name, allowed = wanted, granted.of_role(wanted)
    else:
        return user
    return replace(user, seen_as=name, permissions={p: s for p, s in allowed.items() if p in user.permissions})


def user_of(hashed: str) -> CurrentUser | None:
    """The user of a hashed token; asked again by long streams."""
    found = sessions.session(store(), hashed)
    if found is None or not found.enabled or found.expires_at <= datetime.now(UTC):
        return None
    return CurrentUser(
        id=found.user_id, login=found.login, display_name=found.display_name or found.login,
        role=Role(found.role), language=found.language, theme=found.theme,
        permissions=found.permissions,
    )  # fmt: skip


def sign_in(response: Response, token: str) -> None:
    """Give the browser its token."""
    hours = box().settings.web.session_hours
    response.set_cookie(COOKIE, token, max_age=hours * 3600, secure=True, httponly=True, samesite="Lax", path="/")


def sign_out(response: Response) -> None:
    """Take the token away."""
    response.delete_cookie(COOKIE, secure=True, httponly=True, samesite="Lax", path="/")
