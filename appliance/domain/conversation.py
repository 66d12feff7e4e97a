"""Words that calls we make (`call_model`) and calls that come in (`inbound_model`) have in common.

The engine's own events about an agent for the customer, and the notices that tell the engine what becomes of one.
"""

from __future__ import annotations

from dataclasses import dataclass

# ---- the engine's own events -------------------------------------------------------------------------


@dataclass(frozen=True)
class AgentFound:
    agent_id: str
    seat_id: str


@dataclass(frozen=True)
class SeatRefused:
    """The worker did not take ConnectSeat: the agent is free, the customer goes on waiting."""

    agent_id: str


@dataclass(frozen=True)
class Expired:
    """The deadline of the state has come."""


@dataclass(frozen=True)
class HangUpAsked:
    reason: str


@dataclass(frozen=True)
class WorkerGone:
    """No sign of life of its worker: nobody will tell how it ended."""


# ---- notices to the engine -----------------------------------------------------------------------------


@dataclass(frozen=True)
class FindAgent:
    """A live person waits: answer with AgentFound now, or as soon as an agent is ready.

    For a call we made, NobodyFree says that there is none for now.
    """


@dataclass(frozen=True)
class AgentConnected:
    agent_id: str


@dataclass(frozen=True)
class AgentFree:
    """The reservation came to nothing."""

    agent_id: str


@dataclass(frozen=True)
class AgentUnreachable:
    agent_id: str
    seat_id: str


@dataclass(frozen=True)
class ConversationOver:
    """The agent's conversation has ended: wrap-up, unless it was no person he had on the line."""

    agent_id: str
    taken_off: bool = False


AgentNotice = AgentConnected | AgentFree | AgentUnreachable | ConversationOver
