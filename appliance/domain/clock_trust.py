"""Whether the box knows the time well enough to dial: calling hours depend on it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
"""Before this software was made no clock is right, whatever says so (an empty battery starts at 1970 or 2000)."""


class ClockPolicy(StrEnum):
    """Setting `hardware.clock_policy`."""

    REQUIRED = "required"
    AUTO = "auto"  # required where a time service is installed
    TRUSTED = "trusted"  # a box without any source: its own clock is believed


class Doubt(StrEnum):
    """Why the time is not known."""

    BEFORE_BUILD = "before_build"
    NO_SERVICE = "no_service"
    NO_ANSWER = "no_answer"
    NOT_SYNCHRONISED = "not_synchronised"
    TOO_WRONG = "too_wrong"


@dataclass(frozen=True, slots=True)
class ClockReading:
    """What the time service says. `installed` False: there is none; `synchronised` None: it gave no answer."""

    installed: bool
    synchronised: bool | None = None
    error_bound_s: float = 0.0


def doubt(policy: ClockPolicy, reading: ClockReading, now: datetime, error_limit_s: float) -> Doubt | None:
    """Return why the time must not be relied on, or None when it may."""
    if now < EARLIEST:
        return Doubt.BEFORE_BUILD
    if policy is ClockPolicy.TRUSTED:
        return None
    if not reading.installed:
        return Doubt.NO_SERVICE if policy is ClockPolicy.REQUIRED else None
    if reading.synchronised is None:
        return Doubt.NO_ANSWER
    if not reading.synchronised:
        return Doubt.NOT_SYNCHRONISED
    return Doubt.TOO_WRONG if reading.error_bound_s > error_limit_s else None
