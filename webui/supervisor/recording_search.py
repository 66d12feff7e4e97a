"""The search form of recordings and calls, read from the query string, so that a search can be kept as an address."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import g, request, url_for

from appliance.store.read.call_search import SORTS, CallFilter
from appliance.types import Permission
from webui.access import may, reach
from webui.box import box

_TEXT_MAX = 100


def day(text: str | None, *, days: int = 0) -> datetime | None:
    """Midnight of a day in the box's zone as UTC; None for what is no date."""
    try:
        local = datetime.fromisoformat(text or "")
        zone = ZoneInfo(box().settings.dialling.timezone)
        return (local.replace(hour=0, minute=0, second=0, tzinfo=zone) + timedelta(days=days)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _number(text: str | None, scale: float = 1.0) -> float | None:
    try:
        value = float((text or "").replace(",", "."))
    except ValueError:
        return None
    return value * scale if 0 <= value < 1e6 else None


def length(text: str | None) -> float | None:
    """Seconds of `90`, `1:30` or `1:02:03`; None for anything else."""
    total = 0.0
    for part in (text or "").split(":"):
        value = _number(part)
        if value is None:
            return None
        total = total * 60 + value
    return total


def wanted(args: Mapping[str, str]) -> CallFilter:
    """What is looked for; who may hear only his own looks only among his own, and not by people's names or numbers."""
    own_only = not may(Permission.RECORDINGS_LISTEN)
    sort = args.get("sort", "")
    return CallFilter(
        number="" if own_only else args.get("number", "")[:_TEXT_MAX],
        name="" if own_only else args.get("name", "")[:_TEXT_MAX],
        note=args.get("note", "")[:_TEXT_MAX],
        campaign_id=args.get("campaign", ""), agent_id=g.user.id if own_only else args.get("agent", ""),
        team="" if own_only else args.get("team", ""),
        agent_ids=None if own_only else reach(Permission.RECORDINGS_LISTEN),
        outcome=args.get("outcome", ""), disposition=args.get("disposition", ""),
        direction=args.get("direction", "") if args.get("direction") in ("inbound", "outbound") else "",
        since=day(args.get("since")), until=day(args.get("until"), days=1),
        at_least_s=length(args.get("at_least")), at_most_s=length(args.get("at_most")),
        score_at_least=_number(args.get("score_from"), 0.01), score_at_most=_number(args.get("score_to"), 0.01),
        held=args.get("held") == "1", recorded=own_only or args.get("what") != "calls",
        sort=sort if sort in SORTS else "newest",
    )  # fmt: skip


def older_url(cursor: str | None) -> str | None:
    """Link to the next page with the same search."""
    args: dict[str, Any] = {**request.args.to_dict(), "before": cursor}
    return url_for("recordings.page", **args) if cursor else None


def shown_number(number: str) -> str:
    """A number as this user may see it: agents see the last four digits."""
    if may(Permission.RECORDINGS_LISTEN) or len(number) <= 4:
        return number
    return "•" * (len(number) - 4) + number[-4:]
