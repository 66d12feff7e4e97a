"""Which of the ear's words deserve a second look by a person, and how a late word changes a call.

Pure: the engine writes the answer down with the verdict, the page "what the box heard" only reads it.
"""

from __future__ import annotations

from enum import StrEnum

from appliance.domain.outcome import VAGUE, TrunkEnd, Verdict, of_signalling
from appliance.types import Outcome

LATE_REASON = "late_"
"""Begin of the reason of a word that follows the final one: it settles a doubt, or says which machine it is."""

SURE = 0.85
"""Below this a verdict is worth listening to: about one in ten of them is wrong."""

TAKEN_OFF = frozenset({Outcome.MACHINE, Outcome.SCREENING, Outcome.IVR, Outcome.FAX, Outcome.MODEM, Outcome.MUSIC})
"""A late word that says: no person is on the line."""


def overruled(heard: Verdict | None, late: Verdict | None) -> bool:
    """Say whether a late word takes a line off people. Who was taken for a person is not let go for it: he is told."""
    if late is None or late.outcome not in TAKEN_OFF:
        return False
    return heard is None or heard.outcome is not Outcome.HUMAN


class Phase(StrEnum):
    """When a verdict was said; `LATE` follows one of `ANSWERED`."""

    EARLY = "early"
    ANSWERED = "answered"
    LATE = "late"


class Doubt(StrEnum):
    """Why a verdict should be listened to."""

    NONE = ""
    UNKNOWN = "unknown"  # the ear did not know
    ANNOUNCEMENT = "announcement"  # an announcement that is not in the library
    DISAGREES = "disagrees"  # the exchange gave another cause
    UNSURE = "unsure"  # low confidence
    LATE = "late"  # the ear changed its mind, or knew more, after its final word


_SAME = (
    frozenset({Outcome.VACANT, Outcome.SIT_VACANT, Outcome.NUMBER_CHANGED, Outcome.SIT_INTERCEPT}),
    frozenset({Outcome.CONGESTION, Outcome.SIT_NO_CIRCUIT, Outcome.SIT_REORDER, Outcome.TRUNK_FAILED}),
    frozenset(
        {Outcome.POWERED_OFF, Outcome.UNREACHABLE, Outcome.OUT_OF_SERVICE, Outcome.NO_ANSWER, Outcome.SIT_INTERCEPT}
    ),
    frozenset({Outcome.CALL_BARRED, Outcome.REJECTED, Outcome.OUT_OF_SERVICE}),
    frozenset({Outcome.BUSY, Outcome.REJECTED}),
)
"""Groups within which ear and exchange mean the same: a cause is coarser than an announcement."""


def agrees(heard: Outcome, said: Outcome) -> bool:
    """Say whether a cause of the exchange bears an announcement or tone out."""
    return heard is said or any(heard in group and said in group for group in _SAME)


def _bears_out(end: TrunkEnd, heard: Outcome) -> bool:
    """An end of our own making, or a word that says nothing about the number, contradicts nothing."""
    return end.by_us or heard in VAGUE or agrees(heard, of_signalling(end))


def doubt(phase: Phase, verdict: Verdict, end: TrunkEnd | None = None, before: Verdict | None = None) -> Doubt:
    """Return why a verdict should be listened to.

    `end`: how the exchange ended an unanswered call; `before`: what a late word follows.
    """
    heard = verdict.outcome
    if phase is Phase.LATE:
        only_closer = before is not None and before.outcome in TAKEN_OFF and heard in TAKEN_OFF
        return Doubt.NONE if only_closer else Doubt.LATE
    if heard is Outcome.ANNOUNCEMENT_UNKNOWN:
        return Doubt.ANNOUNCEMENT
    if heard is Outcome.UNKNOWN:
        return Doubt.UNKNOWN
    if phase is Phase.EARLY and end is not None and not _bears_out(end, heard):
        return Doubt.DISAGREES
    confidence = verdict.confidence if verdict.confidence is not None else 1.0
    return Doubt.UNSURE if confidence < SURE else Doubt.NONE
