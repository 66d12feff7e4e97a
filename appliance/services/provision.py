"""What a home needs before its first start: the first-run token, and on the bench its trunk and seats."""

from __future__ import annotations

from appliance.jobs.accounts import ensure_set_up_token
from appliance.settings import Home
from appliance.store.db import Store

__all__ = ["ensure_set_up_token", "set_up_token"]


def set_up_token(home: Home) -> str | None:
    """The one-time token of the first-run page while no administrator exists."""
    return home.set_up_token.read_text("ascii").strip() if home.set_up_token.exists() else None
