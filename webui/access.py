"""Who may open which page. Every view says so with one decorator; a view that says nothing is shut to all."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, abort, g, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from appliance.store.read import roles
from appliance.types import Permission
from webui.bearer import user_of_token
from webui.box import store
from webui.session import CurrentUser, current_user

PREVIEW_POSTS = frozenset({"roles.see_as", "auth.log_out", "auth.language", "auth.theme"})
"""What may be sent while one looks at the pages as somebody of another role."""

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Access:
    """`open_to_all`: no log-in needed; otherwise any one of `permissions` opens (none listed: any user).

    `every`: it takes all of them.
    """

    permissions: frozenset[Permission] = frozenset()
    open_to_all: bool = False
    every: bool = False

    def allows(self, granted: Container[Permission] | None) -> bool:
        """May somebody with these permissions (None: nobody is signed in) come in?"""
        if self.open_to_all:
            return True
        if granted is None:
            return False
        enough = all if self.every else any
        return not self.permissions or enough(permission in granted for permission in self.permissions)


def needs(*permissions: Permission) -> Callable[[View], View]:
    """Open to users with any one of these permissions."""
    return _mark(Access(permissions=frozenset(permissions)))


def needs_every(view: View) -> View:
    """Open only to who may do everything."""
    return _mark(Access(permissions=frozenset(Permission), every=True))(view)


def signed_in(view: View) -> View:
    """Open to every user who is signed in."""
    return _mark(Access())(view)


def public(view: View) -> View:
    """Open without log-in."""
    return _mark(Access(open_to_all=True))(view)


def _mark(access: Access) -> Callable[[View], View]:
    def mark(view: View) -> View:
        view.access = access  # type: ignore[attr-defined]
        return view

    return mark


def access_of(app: Flask, endpoint: str) -> Access | None:
    """The access mark of an endpoint, None when its view has none (then nobody may)."""
    return getattr(app.view_functions[endpoint], "access", None)


def wants_fragment() -> bool:
    """True for requests of htmx and of scripts: they get a status, never a redirect to the log-in page."""
    return bool(request.headers.get("HX-Request")) or request.path.startswith("/api/")


def _who_asks() -> CurrentUser | None:
    """A program that brings a key (under /api/ only) is that key's user, whatever cookies come with it."""
    brings_key = request.path.startswith("/api/") and "Authorization" in request.headers
    return user_of_token() if brings_key else current_user()


def check_access(app: Flask) -> BaseResponse | None:
    """Run before each request: sets `g.user`, then lets in, sends to the log-in, or refuses."""
    g.user = None
    if request.endpoint is None:
        g.user = current_user()  # 404 or 405 follows, in the frame of who is signed in
        return None
    access = access_of(app, request.endpoint)
    if access is None:
        abort(403)
    g.user = _who_asks()
    granted = g.user.permissions if g.user else None
    if access.allows(granted):
        if g.user and g.user.seen_as and request.method != "GET" and request.endpoint not in PREVIEW_POSTS:
            abort(409)  # who looks at the pages of others changes nothing
        return None
    if granted is not None:
        abort(403)
    if wants_fragment() or request.accept_mimetypes.best == "application/json":
        abort(401)
    if request.method == "GET":
        return redirect(url_for("auth.log_in", next=request.full_path.rstrip("?")))
    # a form whose sender's session has ended: the log-in, then the form again, in which the page puts what was typed
    return redirect(url_for("auth.log_in", next=_page_of_form()), 303)


def _page_of_form() -> str:
    """The page that sent the form, the form's own address when the browser does not say."""
    parts = urlsplit(request.referrer or "")
    return (parts.path + (f"?{parts.query}" if parts.query else "")) or request.path


def register(app: Flask) -> None:
    """Hook the check in; the files under /static are open."""
    public(app.view_functions["static"])
    app.before_request(lambda: check_access(app))


def may(permission: Permission) -> bool:
    """For templates: does the signed-in user hold this permission?"""
    return g.get("user") is not None and permission in g.user.permissions


def reach(permission: Permission) -> frozenset[str] | None:
    """Ids of the users whom a permission of the signed-in user is about; None: all of them."""
    scope = g.user.permissions.get(permission)
    return frozenset() if scope is None else roles.reach(store(), g.user.id, scope)
