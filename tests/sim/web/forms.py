"""Posting a page's form as a browser does: with its token and from its address."""

from __future__ import annotations

import re
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse


def token_of(client: FlaskClient, page: str) -> str:
    """The form token that a page carries."""
    found = re.search(r'name="csrf-token" content="([^"]+)"', client.get(page).text)
    assert found, page
    return found[1]


def post(
    client: FlaskClient, url: str, data: dict[str, Any] | None = None, *, page: str | None = None, htmx: bool = False
) -> TestResponse:
    """Post `data` to `url` with the token of `page` (default: the page at `url`)."""
    headers = {"X-CSRFToken": token_of(client, page or url), "Referer": f"https://localhost{page or url}"}
    if htmx:
        headers["HX-Request"] = "true"
    return client.post(url, data=data or {}, headers=headers)
