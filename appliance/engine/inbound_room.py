"""The engine's memory of callers: the queues as configured, who is in them, what was learned of each queue."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from appliance.domain.inbound import Handling
from appliance.domain.inbound_config import QueueConfig
from appliance.domain.inbound_model import InboundCall, InboundPolicy

_ARRIVALS_MAX = 1000
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass
class CallerQueue:
    """One queue: its configuration, the last callers' instants, what one caller costs an agent."""

    queue_id: str
    name: str
    config: QueueConfig
    arrivals: deque[datetime] = field(default_factory=lambda: deque(maxlen=_ARRIVALS_MAX))
    handling: Handling = field(default_factory=Handling)

    def policy(self, seat_answer_timeout_s: float) -> InboundPolicy:
        """Return the figures a caller who comes in now waits under."""
        config = self.config
        return InboundPolicy(
            language=config.language, music=config.music, closed_prompt=config.closed_prompt, record=config.record,
            record_on_demand=config.record_on_demand,
            notice=config.notice, callback_key=config.callback_key, max_wait_s=config.max_wait_s,
            announce_every_s=config.announce_every_s, overflow=config.overflow.value,
            seat_answer_timeout_s=seat_answer_timeout_s,
        )  # fmt: skip


@dataclass(frozen=True)
class Known:
    """What is known of a caller beside his call: who spoke with him last, and what was before."""

    last_agent_id: str | None = None
    history: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class CallerFacts:
    """What the agent's screen says of a caller beside his record. `country`: ISO 3166 of an unknown one's number."""

    queue_name: str = ""
    country: str = ""
    known: bool = False
    history: tuple[dict[str, Any], ...] = ()


@dataclass
class InboundRoom:
    """Everything of callers that lives. A conversation id is the call's id."""

    queues: dict[str, CallerQueue] = field(default_factory=dict)
    calls: dict[str, InboundCall] = field(default_factory=dict)
    known: dict[str, Known] = field(default_factory=dict)  # by call
    zone: str = "UTC"  # of the box, for opening hours

    def on_trunk(self, trunk_id: str) -> int:
        """Return the channels of a trunk that callers hold."""
        return sum(call.trunk_id == trunk_id for call in self.calls.values())

    def waiting(self, queue_id: str | None = None) -> list[InboundCall]:
        """Return those who may be given an agent, of one queue or of all; who waits longest is first."""
        found = [c for c in self.calls.values() if c.waits and queue_id in (None, c.queue_id)]
        return sorted(found, key=lambda c: (c.queued_at or _LONG_AGO, c.call_id))

    def position(self, call: InboundCall) -> int:
        """Return a caller's place in his queue; 1 is the next."""
        ids = [c.call_id for c in self.waiting(call.queue_id)]
        return ids.index(call.call_id) + 1 if call.call_id in ids else 1
