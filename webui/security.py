"""Response headers: a content security policy without inline code, and the usual shields.

The policy is a dict; a view may add sources by `allow_sources` for its own response.
"""

from __future__ import annotations

from flask import Flask, Response, g, request

POLICY: dict[str, tuple[str, ...]] = {
    "default-src": ("'none'",),
    "script-src": ("'self'",),
    "style-src": ("'self'",),
    "img-src": ("'self'", "data:"),
    "font-src": ("'self'",),
    "media-src": ("'self'", "blob:"),
    "connect-src": ("'self'",),
    "form-action": ("'self'",),
    "frame-ancestors": ("'none'",),
    "base-uri": ("'none'",),
    "object-src": ("'none'",),
}

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def allow_sources(**sources: tuple[str, ...]) -> None:
    """Merge sources into the policy of this response: `allow_sources(connect_src=("wss:",))`."""
    extra = g.setdefault("csp", {})
    for name, values in sources.items():
        extra.setdefault(name.replace("_", "-"), []).extend(values)


def policy_text(extra: dict[str, list[str]]) -> str:
    """The policy as the header's text."""
    merged = {name: [*values, *extra.get(name, [])] for name, values in POLICY.items()}
    return "; ".join(f"{name} {' '.join(values)}" for name, values in merged.items())


def set_headers(response: Response) -> Response:
    """Put the shields on each response; pages are never cached, hashed assets for a year."""
    response.headers.setdefault("Content-Security-Policy", policy_text(g.get("csp", {})))
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if request.endpoint == "static":
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    else:
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def register(app: Flask) -> None:
    """Set the headers on every response of the application."""
    app.after_request(set_headers)
