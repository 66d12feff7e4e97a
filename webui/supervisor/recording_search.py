"""The search form of recordings, read from the query string."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import g, request, url_for
from werkzeug.datastructures import MultiDict

from appliance.store.read.recordings import RecordingFilter
from appliance.types import Permission
from webui.access import may, reach
from webui.box import box


def day(text: str | None, *, days: int = 0) -> datetime | None:
    """Midnight of a day in the box's zone as UTC; None for what is no date."""
    try:
        local = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    zone = ZoneInfo(box().settings.dialling.timezone)
    return (local.replace(hour=0, minute=0, second=0, tzinfo=zone) + timedelta(days=days)).astimezone(UTC)


def wanted(args: MultiDict[str, str]) -> RecordingFilter:
    """What is looked for; who may hear only his own looks only among his own."""
    own_only = not may(Permission.RECORDINGS_LISTEN)
    return RecordingFilter(
        campaign_id=args.get("campaign") or None, agent_id=g.user.id if own_only else args.get("agent") or None,
        outcome=args.get("outcome") or None, disposition=args.get("disposition") or None,
        number="" if own_only else "".join(c for c in args.get("number", "") if c.isdigit())[:20],
        since=day(args.get("since")), until=day(args.get("until"), days=1), held=args.get("held") == "1",
        agent_ids=None if own_only else reach(Permission.RECORDINGS_LISTEN),
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
