"""When a conversation is recorded: what campaign (or queue), seat and rule profile say together. Pure.

The profile's duty to record is the strictest of all. Without it the more reserved of campaign and seat holds: `never`
before `on_demand` (from the agent's button on) before `always`.
"""

from __future__ import annotations

from collections.abc import Mapping

from appliance.commands import RecordPolicy
from appliance.types import RecordingPolicy

_RESERVE = {RecordingPolicy.ALWAYS: 0, RecordingPolicy.ON_DEMAND: 1, RecordingPolicy.NEVER: 2}


def policy_of(*, record: bool, on_demand: bool) -> RecordingPolicy:
    """What the two switches of a campaign or a queue say."""
    if not record:
        return RecordingPolicy.NEVER
    return RecordingPolicy.ON_DEMAND if on_demand else RecordingPolicy.ALWAYS


def stricter(campaign: RecordingPolicy, seat: str = "") -> RecordingPolicy:
    """The more reserved of the two; a seat that says nothing ("") leaves it to the campaign."""
    return max(campaign, RecordingPolicy(seat) if seat else campaign, key=_RESERVE.__getitem__)


def order_for(
    *, record: bool, on_demand: bool, required: bool, early: bool = False, seats: Mapping[str, str] | None = None,
    speaks_itself: bool = False,
) -> RecordPolicy:  # fmt: skip
    """What the worker is told; `seats`: policy of those seats that have one of their own.

    Where a seat has one, nothing is recorded before it is known which seat it will be; a campaign that speaks itself
    does not wait for that.
    """
    if required:
        return RecordPolicy(enabled=True, early=early)
    own = {seat: policy for seat, policy in (seats or {}).items() if policy}
    waits = bool(own) and not speaks_itself
    return RecordPolicy(
        enabled=record, early=early and record and not on_demand and not waits, on_demand=on_demand, with_seat=waits,
        seats=own if record else {},
    )  # fmt: skip


def at_seat(order: RecordPolicy, seat_id: str) -> RecordingPolicy:
    """What holds for a conversation while it is at this seat."""
    return stricter(policy_of(record=order.enabled, on_demand=order.on_demand), order.seats.get(seat_id, ""))


def from_answer(order: RecordPolicy) -> bool:
    """Whether recording begins at the answer: not where a seat, which nobody knows yet, may not want it."""
    return order.enabled and not order.on_demand and not order.with_seat
