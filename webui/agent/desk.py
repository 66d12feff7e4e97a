"""What the desk shows: the agent's live view, the record, the script, the dispositions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import msgspec
from flask import g, session

from appliance.commands import LiveView
from appliance.errors import BusError, CallerError
from appliance.events import LiveAgent
from appliance.store.read import campaigns, seats
from appliance.types import AgentState, CampaignMode, Disposition, Permission
from webui.access import may
from webui.box import box, store, tell
from webui.i18n import money

_PLACEHOLDER = re.compile(r"\{([^{}]{1,60})\}")
SUPERVISOR_SEAT = "supervisor_seat"  # entry of the form session: the seat a supervisor listens from
AGENT_DISPOSITIONS = tuple(d.value for d in Disposition if d not in (Disposition.ABANDONED, Disposition.NONE))


@dataclass(frozen=True)
class Work:
    """The record on the screen and what the agent can do with it; `key` changes when another record is shown."""

    key: str
    record: dict[str, Any] | None
    script: str
    dispositions: tuple[str, ...]
    currency: str


def my_view(*, fresh: bool = False) -> LiveAgent | None:
    """The agent as the engine sees him; `fresh` asks the engine, otherwise the newest event is used.

    Raises BusError when a fresh view is wanted, the engine is away and nothing is known: no seat may be offered then.
    """
    known = box().live.agent(g.user.id)
    if known is not None and not fresh:
        return known
    try:
        data = tell(LiveView(agent_id=g.user.id), timeout_s=2.0).data
    except CallerError:
        return None  # the engine does not know him: not at a seat
    except BusError:
        if fresh and known is None:
            raise
        return known
    return msgspec.convert(data, LiveAgent) if data.get("agent_id") else None


def at_a_seat(agent: LiveAgent | None) -> bool:
    """Is he signed in at a seat?"""
    return agent is not None and agent.seat_id is not None and agent.state != AgentState.OFFLINE


def my_seat(agent: LiveAgent | None) -> seats.SeatView | None:
    """The seat he sits at."""
    return seats.seat(store(), agent.seat_id) if agent is not None and agent.seat_id else None


def free_seats() -> list[seats.SeatView]:
    """Seats that can be chosen: enabled and not taken by somebody else."""
    return [seat for seat in seats.seats(store()) if seat.enabled and seat.agent_id in (None, g.user.id)]


def preview_runs() -> bool:
    """Does a preview campaign run? Then a ready agent may ask for a record."""
    return campaigns.runs_in_mode(store(), CampaignMode.PREVIEW)


def dial_campaigns() -> list[campaigns.CampaignView]:
    """Running campaigns in which the user may dial a number that he types."""
    running = campaigns.running(store())
    return [c for c in running if c.config.get("manual_dial") or may(Permission.CALLS_DIAL)]


def must_save(agent: LiveAgent) -> bool:
    """Does wrap-up end only with a result (or, when timed, by itself)? Otherwise 'ready' alone ends it."""
    campaign = campaigns.campaign(store(), agent.campaign_id) if agent.campaign_id else None
    return campaign is None or campaign.config.get("wrap_up_mode") != "optional"


def work(agent: LiveAgent) -> Work:
    """Record, script and dispositions of the agent's present conversation or preview."""
    campaign = campaigns.campaign(store(), agent.campaign_id) if agent.campaign_id else None
    config = campaign.config if campaign else {}
    record = agent.record
    if record is None:
        key = "paused" if agent.state == AgentState.PAUSED else "waiting"
    else:
        kind = "preview" if agent.state == AgentState.PREVIEWING else "call"
        key = f"{kind}:{agent.conversation_id or ''}:{record.get('lead_id', '')}{':new' if record.get('known') is False else ''}"
    currency = str((record or {}).get("currency") or "")
    return Work(
        key=key, record=record, script=filled(str(config.get("script") or ""), record or {}),
        dispositions=(*AGENT_DISPOSITIONS, *config.get("dispositions", ())), currency=currency,
    )  # fmt: skip


def filled(script: str, record: dict[str, Any]) -> str:
    """Put the record's values into `{name}`, `{amount}`, `{<column>}`; unknown placeholders stay readable."""
    values = {**(record.get("fields") or {}), **{k: v for k, v in record.items() if isinstance(v, str | int)}}
    values["amount"] = money(record.get("amount_minor"), str(record.get("currency") or ""))
    return _PLACEHOLDER.sub(lambda m: str(values.get(m[1], "…")) or "…", script)


def phone_seat_id() -> str | None:
    """The seat whose browser phone this user may use: where he works, or the one he listens from."""
    agent = my_view()
    if agent is not None and at_a_seat(agent):
        return agent.seat_id
    return session.get(SUPERVISOR_SEAT)
