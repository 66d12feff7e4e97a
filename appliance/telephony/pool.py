"""The parent's book-keeping as plain data: slots, attempt ids that were seen, reasons to refuse a dial."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum

from appliance.commands import Originate
from appliance.errors import CallerError

ORIGINATE_LIFE_S = 2.0
_CLOCK_SKEW_S = 1.0
_SEEN_MAX = 200_000


class SlotState(StrEnum):
    FREE = "free"
    STARTING = "starting"
    IDLE = "idle"
    LEAVING = "leaving"  # asked to end before it takes a call
    TAKING = "taking"  # asked to dial, has not said yes or no
    TAKEN = "taken"


@dataclass(slots=True)
class Slot:
    """One set of ports. `not_before_s` (monotonic): a slot whose worker could not start rests until then."""

    number: int
    state: SlotState = SlotState.FREE
    not_before_s: float = 0.0


class Slots:
    """All slots of this box."""

    def __init__(self, count: int) -> None:
        self._slots = [Slot(number) for number in range(count)]

    def __getitem__(self, number: int) -> Slot:
        return self._slots[number]

    def __len__(self) -> int:
        return len(self._slots)

    def count(self, *states: SlotState) -> int:
        return sum(slot.state in states for slot in self._slots)

    def numbers(self, state: SlotState) -> list[int]:
        return [slot.number for slot in self._slots if slot.state is state]

    def free(self, now_s: float) -> Slot | None:
        """The lowest free slot that does not rest."""
        return next((s for s in self._slots if s.state is SlotState.FREE and s.not_before_s <= now_s), None)


class SeenAttempts:
    """Attempt ids that were accepted once, oldest forgotten first."""

    def __init__(self, maximum: int = _SEEN_MAX) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._maximum = maximum

    def __contains__(self, attempt_id: str) -> bool:
        return attempt_id in self._ids

    def add(self, attempt_id: str) -> None:
        self._ids[attempt_id] = None
        while len(self._ids) > self._maximum:
            self._ids.popitem(last=False)

    def forget(self, attempt_id: str) -> None:
        """Nothing was dialled: it may be tried again."""
        self._ids.pop(attempt_id, None)


def check_originate(command: Originate, *, now_unix_s: float, seen: SeenAttempts) -> None:
    """Raise CallerError `switch.duplicate`, `switch.expired` or `switch.malformed` for a dial that must not happen."""
    if command.attempt_id in seen:
        raise CallerError(
            "switch.duplicate", f"Attempt {command.attempt_id} was dialled already; make a new attempt.",
            attempt_id=command.attempt_id,
        )  # fmt: skip
    age_s = now_unix_s - command.issued_at_unix_s
    if not -_CLOCK_SKEW_S <= age_s <= ORIGINATE_LIFE_S:
        raise CallerError(
            "switch.expired", f"The order to dial is {age_s:.1f} s old; it was not carried out.", age_s=round(age_s, 1)
        )
    digits = command.number.removeprefix("+")
    if not (digits.isascii() and digits.isdigit() and 2 <= len(digits) <= 20):
        raise CallerError("switch.malformed", "The number to dial is not '+' and digits.")
    if not command.conversation_id or not command.conversation_id.isalnum():
        raise CallerError("switch.malformed", "The conversation id may have letters and digits only.")
