"""How a seat leaves a customer to somebody else, and how a phone that lost its call finds it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from appliance.commands import ConnectSeat, HandOver
from appliance.events import ConversationEvent, HandedOver
from appliance.telephony.legs import Leg
from appliance.types import SEAT_AWAY_REASONS, SEAT_PASSED_ON, LegRole

AGAIN = "again"
_BACK_WITHIN_S = 25.0
"""A page that is loaded anew is back within a few seconds; the customer hears music so long."""


def is_away(reason: str) -> bool:
    """Say whether a seat that left for this reason may come back."""
    return reason in SEAT_AWAY_REASONS


@dataclass(slots=True)
class Passing:
    """What is under way. `back_by_s` (monotonic): the seat is away and must be back by then."""

    LEAVES: ClassVar[str] = SEAT_PASSED_ON
    handed_over: HandOver | None = None
    again: ConnectSeat | None = None
    back_by_s: float | None = None

    def seat_away(self, now_s: float) -> None:
        self.back_by_s = now_s + _BACK_WITHIN_S

    def seat_is_lost(self, now_s: float) -> bool:
        """True once when the seat did not come back in time."""
        if self.back_by_s is None or now_s < self.back_by_s:
            return False
        self.back_by_s = None
        return True

    @staticmethod
    def heir(legs: dict[str, Leg], command: HandOver) -> Leg | None:
        """Who is there already and gets the customer: the supervisor whose seat is named, else the third party.

        None when there is nobody, or another was wanted.
        """
        supervisor = legs.get(LegRole.SUPERVISOR.value)
        named = supervisor is not None and bool(command.seat_id) and supervisor.seat_id == command.seat_id
        found = supervisor if named else legs.get(LegRole.TRANSFER.value)
        if found is None or not found.answered or found.by_us or command.queue_id:
            return None
        return found

    @staticmethod
    def take_over(legs: dict[str, Leg], heir: Leg, command: HandOver) -> None:
        """Make him the conversation's seat."""
        del legs[heir.name]
        heir.role, heir.supervise, heir.agent_id = LegRole.SEAT, None, heir.agent_id or command.agent_id
        legs[heir.name] = heir

    @staticmethod
    def word(command: HandOver, third: Leg | None) -> tuple[type[ConversationEvent], dict[str, Any]]:
        """Return the event that tells of it, as (type, fields)."""
        if third is not None:
            return HandedOver, {
                "joined": True, "seat_id": third.seat_id or "", "agent_id": third.agent_id, "number": third.number,
            }  # fmt: skip
        names = ("seat_id", "agent_id", "number", "trunk_id", "caller_id", "queue_id", "wait_s")
        return HandedOver, {"joined": False, **{name: getattr(command, name) for name in names}}


def standing(third: Leg | None, *, held: bool, muted: bool) -> dict[str, Any]:
    """Return the fields of `Controls`, but for the recording."""
    fields: dict[str, Any] = {"held": held, "muted": muted}
    if third is None:
        return {**fields, "third": "", "third_agent_id": "", "third_name": ""}
    return {
        **fields, "third": "talking" if third.answered else "ringing", "third_agent_id": third.agent_id,
        "third_name": third.number or third.seat_id or "",
    }  # fmt: skip
