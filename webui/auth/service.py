"""What log-in and preferences do: commands to `office`, cookies, the way back."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import segno
from flask import g, make_response, redirect, request, url_for
from werkzeug.wrappers import Response

from appliance.commands import EnrolTotp, LogIn, LogOut, SaveUser
from appliance.errors import BusError, CallerError, ValidationErrors
from appliance.logs import get_logger
from webui.box import ask, tell
from webui.error_texts import text_of
from webui.i18n import LANGUAGE_COOKIE, LANGUAGES
from webui.session import COOKIE, sign_in, sign_out

_log = get_logger(web="auth")


def safe_path(target: str | None) -> str | None:
    """A path of this very site, None for anything that could lead elsewhere."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or "\\" in target:
        return None
    parts = urlsplit(target)
    return None if parts.scheme or parts.netloc or any(ord(c) < 32 for c in target) else target


def log_in(login: str, password: str, totp: str = "", *, target: str | None = None) -> Response:
    """Open a session and lead on. Raises CallerError when refused."""
    done = tell(
        LogIn(
            login=login, password=password, totp=totp, actor_address=request.remote_addr or "",
            user_agent=request.user_agent.string[:200],
        )
    )  # fmt: skip
    response = redirect(safe_path(target) or url_for("home.entry"))
    sign_in(response, str(done.data["session_token"]))
    return response


def log_out(*, everywhere: bool = False) -> Response:
    """End the session, or all of the user; the cookie goes even when the box cannot be told."""
    try:
        tell(LogOut(session_token=request.cookies.get(COOKIE, ""), everywhere=everywhere))
    except BusError as error:
        if everywhere:
            raise  # the other sessions live on: he must know
        _log.warning("log-out not told", user=g.user.id, error=error.message)
    response = redirect(url_for("auth.log_in"))
    sign_out(response)
    return response


def save_own(**changes: Any) -> None:
    """Change the signed-in user's own password, language or theme."""
    user = g.user
    fields: dict[str, Any] = {"language": user.language, **changes}
    ask(
        SaveUser, id=user.id, login=user.login, display_name=user.display_name, role=user.role.value,
        own_password=True, session_token=request.cookies.get(COOKIE, ""), **fields,
    )  # fmt: skip


def enrolment() -> dict[str, str]:
    """Ask for a new second factor: its secret in groups of four, and its QR code as an image of data."""
    data = ask(EnrolTotp).data
    secret = str(data["secret"])
    picture = segno.make(str(data["uri"]), error="m").svg_data_uri(scale=5, border=4, dark="#000", light="#fff")
    return {"secret": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)), "picture": str(picture)}


def plain_error(error: CallerError) -> str:
    """The complaint about one field, without the field's name before it."""
    if isinstance(error, ValidationErrors):
        return " ".join(text_of(error_id, message) for _field, error_id, message in error.errors)
    return text_of(error.error_id, error.message, error.placeholders)


def go_to(url: str) -> Response:
    """Lead a page that asked by htmx to another one."""
    response = make_response("", 204)
    response.headers["HX-Redirect"] = url
    return response


def back() -> str:
    """The path of the page that sent the form."""
    return safe_path(urlsplit(request.referrer or "").path) or "/"


def choose_language(language: str) -> Response:
    """Remember the language in the browser and, when signed in, for the user; back to where he was."""
    if language in LANGUAGES and g.user is not None:
        save_own(language=language)
    response = make_response(redirect(back()))
    if language in LANGUAGES:
        response.set_cookie(LANGUAGE_COOKIE, language, max_age=365 * 86400, secure=True, httponly=True, samesite="Lax")
    return response
