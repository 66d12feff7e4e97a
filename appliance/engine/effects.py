"""What the heart of the engine asks of the outside: commands, writes, pictures of the room. Nothing of it waits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from sqlalchemy.orm import Session

from appliance.commands import ConversationCommand
from appliance.domain.call_model import Call
from appliance.engine.room import LeadCard


class Effects(Protocol):
    """What the core asks of the outside; none of it waits."""

    def send(self, command: ConversationCommand) -> None:
        """Send a command to a worker; a failure comes back through `Core.command_failed`."""

    def write(self, work: Callable[[Session], None]) -> None:
        """Write soon, in order."""

    def agent_changed(self, agent_id: str) -> None:
        """Show this agent at once."""

    def room_changed(self, campaign_id: str | None = None) -> None:
        """Show the room soon; count the campaign again if one is named."""

    def lines_changed(self) -> None:
        """There may be something to dial."""

    def fail_over(self, call: Call, card: LeadCard) -> None:
        """Dial a number through another trunk: its own one failed before the subscriber could answer."""

    def seat_alert(self, seat_id: str, raised: bool) -> None:
        """Raise or clear the alert of an unreachable phone."""
