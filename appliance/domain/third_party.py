"""Who else is in a conversation beside the customer and his agent; shared by calls we make and calls that come in."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.events import Controls, LegEnded
from appliance.types import SEAT_AWAY_REASONS, SEAT_PASSED_ON


@dataclass(frozen=True)
class ShowAgent:
    """How his conversation stands has changed."""

    agent_id: str


@dataclass(frozen=True)
class ThirdJoined:
    """An agent who was brought in has answered."""

    agent_id: str


@dataclass(frozen=True)
class ThirdGone:
    """An agent who was brought in has left, without having taken the customer over."""

    agent_id: str


ThirdNotice = ShowAgent | ThirdJoined | ThirdGone


def controls_changed(before: Controls | None, after: Controls | None, agent_id: str | None) -> tuple[ThirdNotice, ...]:
    """Return whom to tell; `agent_id` is the customer's agent, `after` None: the conversation is over."""
    was = before.third_agent_id if before is not None else ""
    now = after.third_agent_id if after is not None else ""
    found: list[ThirdNotice] = []
    if was and was != now and was != agent_id:
        found.append(ThirdGone(was))
    if after is not None:
        talked = before is not None and before.third == "talking" and was == now
        if now and after.third == "talking" and not talked:
            found.append(ThirdJoined(now))
        found += [ShowAgent(one) for one in (agent_id, now) if one]
    return tuple(found)


def is_no_hang_up(event: LegEnded) -> bool:
    """Say whether a seat left the customer to somebody else, or may come back."""
    return event.reason == SEAT_PASSED_ON or event.reason in SEAT_AWAY_REASONS
