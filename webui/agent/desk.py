"""What the desk shows: the agent's live view, the record, the script, the dispositions."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import msgspec
from flask import g, session
from werkzeug.datastructures import MultiDict

from appliance.commands import LiveView
from appliance.errors import BusError, CallerError
from appliance.events import LiveAgent
from appliance.store.read import campaign_texts, campaigns, history, people, seats
from appliance.store.read.campaign_texts import SCRIPT, SURVEY
from appliance.types import AgentState, CampaignMode, Disposition, Permission
from webui import fields
from webui.access import may, reach
from webui.agent import scripts
from webui.box import box, store, tell

SUPERVISOR_SEAT = "supervisor_seat"  # entry of the form session: the seat a supervisor listens from
AGENT_DISPOSITIONS = tuple(d.value for d in Disposition if d not in (Disposition.ABANDONED, Disposition.NONE))


@dataclass(frozen=True)
class Work:
    """The record on the screen and what the agent can do with it; `key` as `work_key` gives it."""

    key: str
    record: dict[str, Any] | None
    script: tuple[scripts.Shown, ...]
    dispositions: tuple[str, ...]
    currency: str
    survey: tuple[dict[str, Any], ...] = ()
    draft: history.Draft = field(default_factory=history.Draft)
    before: tuple[history.Before, ...] = ()
    own: tuple[tuple[str, str], ...] = ()  # fields of one's own that are shown in a call: label and value


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
    currency = str((record or {}).get("currency") or "")
    own = agent.conversation_id if kind_of(agent) == "call" and record is not None else None
    custom = _custom(record, own or "")
    return Work(
        key=work_key(agent), record=record,
        script=scripts.shown(str(_held(agent, config, SCRIPT) or ""), record or {}, custom),
        dispositions=(*AGENT_DISPOSITIONS, *config.get("dispositions", ())), currency=currency,
        survey=tuple(_held(agent, config, SURVEY) or ()), draft=history.draft(store(), own) if own else history.Draft(),
        before=tuple(before(record, own or "")) if record is not None else (),
        own=tuple(fields.on_pop(custom)) if custom else (),
    )  # fmt: skip


def work_key(agent: LiveAgent) -> str:
    """Names the record on the screen: as long as it is the same, the page shows the right one."""
    record = agent.record
    if record is None:
        return "paused" if agent.state == AgentState.PAUSED else "waiting"
    new = ":new" if record.get("known") is False else ""
    return f"{kind_of(agent)}:{agent.conversation_id or ''}:{record.get('lead_id', '')}{new}"


def _custom(record: dict[str, Any] | None, conversation_id: str) -> dict[str, Any]:
    if record is None:
        return {}
    return people.custom_of_record(
        store(), lead_id=str(record.get("lead_id") or ""), conversation_id=conversation_id
    )


def _held(agent: LiveAgent, config: dict[str, Any], part: str) -> Any:
    """The script or form that held when the record was shown: one that goes live meanwhile is for the next call."""
    if not agent.campaign_id:
        return None
    shown_at = datetime.fromtimestamp(agent.popped_at_unix_s, UTC) if agent.popped_at_unix_s else None
    held = campaign_texts.held_in(
        store(), agent.campaign_id, part, conversation_id=agent.conversation_id or "", shown_at=shown_at
    )
    return config.get(part) if held is None else held


def kind_of(agent: LiveAgent) -> str:
    """Does the record belong to a call, or is it looked at before one?"""
    return "preview" if agent.state == AgentState.PREVIEWING else "call"


def before(record: dict[str, Any], conversation_id: str) -> list[history.Before]:
    """What was before with this person; recordings that the user may not hear are not named."""
    number = str(record.get("number") or "")
    lines = history.of_record(
        store(), lead_id=str(record.get("lead_id") or ""), number=number if number.startswith("+") else "",
        but=conversation_id,
    )  # fmt: skip
    return [heard_by_me(line) for line in lines]


def heard_by_me(line: history.Before) -> history.Before:
    """The line without its recording when the user may not hear it."""
    return line if _may_hear(line) else replace(line, recording_id=None)


def _may_hear(line: history.Before) -> bool:
    if not may(Permission.RECORDINGS_LISTEN):
        return may(Permission.RECORDINGS_LISTEN_OWN) and line.recording_agent_id == g.user.id
    people = reach(Permission.RECORDINGS_LISTEN)
    return people is None or line.recording_agent_id in people


def answers_of(form: MultiDict[str, str], survey: tuple[dict[str, Any], ...]) -> dict[str, Any] | None:
    """The answers of the campaign's form as they were sent; None when there is no form."""
    if not survey:
        return None
    several = {str(one.get("id")) for one in survey if one.get("kind") == "several"}
    names = [str(one.get("id")) for one in survey]
    return {
        name: form.getlist(f"answers.{name}") if name in several else form.get(f"answers.{name}", "") for name in names
    }


def survey_of(agent: LiveAgent | None) -> tuple[dict[str, Any], ...]:
    """The form that he has before him."""
    campaign = campaigns.campaign(store(), agent.campaign_id) if agent is not None and agent.campaign_id else None
    return tuple(_held(agent, campaign.config, SURVEY) or ()) if agent is not None and campaign is not None else ()


def phone_seat_id() -> str | None:
    """The seat whose browser phone this user may use: where he works, or the one he listens from."""
    agent = my_view()
    if agent is not None and at_a_seat(agent):
        return agent.seat_id
    return session.get(SUPERVISOR_SEAT)
