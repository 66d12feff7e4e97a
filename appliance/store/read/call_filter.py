"""What a search for calls says in plain words, as it stands in its page's address and in what is asked of a job."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from appliance.store import granted
from appliance.store.models import User
from appliance.store.read.call_search import SORTS, CallFilter
from appliance.store.repositories import users
from appliance.types import Permission

FIELDS = (
    "number", "name", "note", "campaign", "agent", "team", "outcome", "disposition", "direction", "since", "until",
    "at_least", "at_most", "score_from", "score_to", "held", "what", "sort",
)  # fmt: skip
_TEXT_MAX = 100


def day(text: str | None, zone: ZoneInfo, *, days: int = 0) -> datetime | None:
    """Midnight of a day (YYYY-MM-DD) in a zone as UTC; None for what is no date."""
    try:
        local = datetime.fromisoformat(text or "")
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


def filter_of(
    said: Mapping[str, str], zone: ZoneInfo, *, agent_ids: frozenset[str] | None, own: str = ""
) -> CallFilter:  # fmt: skip
    """What is looked for; `agent_ids`: how far the reader's permission goes.

    `own`: the id of a reader who may hear only his own: he looks only among these, not by people's names or numbers.
    """
    sort = said.get("sort", "")
    return CallFilter(
        number="" if own else said.get("number", "")[:_TEXT_MAX], name="" if own else said.get("name", "")[:_TEXT_MAX],
        note=said.get("note", "")[:_TEXT_MAX],
        campaign_id=said.get("campaign", ""), agent_id=own or said.get("agent", ""),
        team="" if own else said.get("team", ""), agent_ids=None if own else agent_ids,
        outcome=said.get("outcome", ""), disposition=said.get("disposition", ""),
        direction=said.get("direction", "") if said.get("direction") in ("inbound", "outbound") else "",
        since=day(said.get("since"), zone), until=day(said.get("until"), zone, days=1),
        at_least_s=length(said.get("at_least")), at_most_s=length(said.get("at_most")),
        score_at_least=_number(said.get("score_from"), 0.01), score_at_most=_number(said.get("score_to"), 0.01),
        held=said.get("held") == "1", recorded=bool(own) or said.get("what") != "calls",
        sort=sort if sort in SORTS else "newest",
    )  # fmt: skip


def filter_for(db: Session, user_id: str, said: Mapping[str, str], zone: ZoneInfo) -> CallFilter:
    """The same for a user by what he may hear. Raises NotAllowedError when he is gone."""
    scope = users.actor(db, user_id).granted.get(Permission.RECORDINGS_LISTEN)
    if scope is None:
        return filter_of(said, zone, agent_ids=None, own=user_id)
    user = db.get(User, user_id)  # none: the operator of the box itself
    return filter_of(said, zone, agent_ids=granted.reach(db, user, scope) if user is not None else None)
