"""What the state machines of the domain share: the three answers of a transition table.

A table maps (state, event kind) to a target state or to a `Move`; a pair that is not in it is refused.
"""

from __future__ import annotations

from enum import Enum, StrEnum

from appliance.errors import CallerError


class Move(Enum):
    """Answers of a table that are not simply a target state."""

    IGNORE = "ignore"  # legal, nothing happens (late or repeated)
    REFUSE = "refuse"  # the caller's mistake


def refusal(what: str, state: StrEnum, event: StrEnum) -> CallerError:
    """Return the error for an event that the table refuses: `<what>.not_now`."""
    return CallerError(
        f"{what}.not_now", f"Not possible now: '{event.value}' while {what} is '{state.value}'.",
        state=state.value, event=event.value,
    )  # fmt: skip
