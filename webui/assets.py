"""Names of the built assets: `asset("app.js")` is the hashed file of the manifest."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from flask import url_for
from markupsafe import Markup

from appliance.errors import BoxError

DIST = Path(__file__).parent / "static" / "dist"


@cache
def manifest() -> dict[str, str]:
    """Read the manifest once. Raises BoxError `web.not_built` when the assets were not built."""
    try:
        found: dict[str, str] = json.loads((DIST / "manifest.json").read_text("utf-8"))
    except FileNotFoundError as error:
        raise BoxError("web.not_built", "The web assets are missing. Run 'make setup'.") from error
    return found


@cache
def asset(name: str) -> str:
    """URL of a built asset."""
    return url_for("static", filename=f"dist/{manifest()[name]}")


@cache
def icon(name: str, css: str = "") -> Markup:
    """An icon of the sprite; it is decoration, the text beside it says the same."""
    return Markup('<svg class="icon {}" aria-hidden="true"><use href="{}#{}"/></svg>').format(
        css, asset("icons.svg"), name
    )
