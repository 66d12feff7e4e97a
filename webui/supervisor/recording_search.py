"""The search form of recordings and calls, read from the query string, so that a search can be kept as an address."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import g, request, url_for

from appliance.store.read import call_filter
from appliance.store.read.call_filter import length as length
from appliance.store.read.call_search import CallFilter
from appliance.types import Permission
from webui.access import may, reach
from webui.box import box


def _zone() -> ZoneInfo:
    return ZoneInfo(box().settings.dialling.timezone)


def day(text: str | None, *, days: int = 0) -> datetime | None:
    """Midnight of a day in the box's zone as UTC; None for what is no date."""
    return call_filter.day(text, _zone(), days=days)


def wanted(args: Mapping[str, str]) -> CallFilter:
    """What is looked for; who may hear only his own looks only among his own, and not by people's names or numbers."""
    own = "" if may(Permission.RECORDINGS_LISTEN) else str(g.user.id)
    people = None if own else reach(Permission.RECORDINGS_LISTEN)
    return call_filter.filter_of(args, _zone(), agent_ids=people, own=own)


def older_url(cursor: str | None) -> str | None:
    """Link to the next page with the same search."""
    args: dict[str, Any] = {**request.args.to_dict(), "before": cursor}
    return url_for("recordings.page", **args) if cursor else None


def shown_number(number: str) -> str:
    """A number as this user may see it: agents see the last four digits."""
    if may(Permission.RECORDINGS_LISTEN) or len(number) <= 4:
        return number
    return "•" * (len(number) - 4) + number[-4:]
