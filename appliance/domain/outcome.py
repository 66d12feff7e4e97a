"""The outcome of one attempt from signalling and hearing: hearing wins where the exchange lies (DESIGN, section 6).

Signalling follows RFC 3261 status codes and ITU-T Q.850 causes (carried in the Reason header, RFC 3326).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from appliance.types import Kind, Outcome

RING_TIMEOUT = "ring_timeout"
"""`LegEnded.reason` of a call that the worker gave up after its ring time."""

SILENT_GATEWAY = 408
"""SIP status that our own edge gives for a gateway that never answered the INVITE."""

VAGUE = frozenset(
    {Outcome.RINGBACK, Outcome.MUSIC, Outcome.SILENCE, Outcome.UNKNOWN, Outcome.DTMF, Outcome.HUMAN}
)
"""Heard before the answer these say nothing about the number; signalling decides."""

FATAL_EARLY = frozenset(
    {
        Outcome.BUSY, Outcome.CONGESTION, Outcome.VACANT, Outcome.POWERED_OFF, Outcome.OUT_OF_SERVICE,
        Outcome.UNREACHABLE, Outcome.CALL_BARRED, Outcome.NUMBER_CHANGED, Outcome.SIT_VACANT, Outcome.SIT_INTERCEPT,
        Outcome.SIT_NO_CIRCUIT, Outcome.SIT_REORDER,
    }
)  # fmt: skip
"""Heard before the answer these end the attempt at once: nobody will answer, the line is saved."""

_BY_Q850: dict[int, Outcome] = {
    1: Outcome.VACANT, 2: Outcome.UNREACHABLE, 3: Outcome.UNREACHABLE, 17: Outcome.BUSY, 18: Outcome.NO_ANSWER,
    19: Outcome.NO_ANSWER, 20: Outcome.UNREACHABLE, 21: Outcome.REJECTED, 22: Outcome.NUMBER_CHANGED,
    27: Outcome.UNREACHABLE, 28: Outcome.VACANT, 34: Outcome.CONGESTION, 38: Outcome.TRUNK_FAILED,
    41: Outcome.CONGESTION, 42: Outcome.CONGESTION, 44: Outcome.TRUNK_FAILED, 47: Outcome.CONGESTION,
    52: Outcome.CALL_BARRED, 55: Outcome.CALL_BARRED,
}  # fmt: skip
_BY_SIP: dict[int, Outcome] = {
    401: Outcome.TRUNK_FAILED, 403: Outcome.REJECTED, 404: Outcome.VACANT, 406: Outcome.TRUNK_FAILED,
    407: Outcome.TRUNK_FAILED, 415: Outcome.TRUNK_FAILED,
    408: Outcome.NO_ANSWER, 410: Outcome.VACANT, 480: Outcome.NO_ANSWER, 484: Outcome.VACANT,
    486: Outcome.BUSY, 487: Outcome.CANCELLED, 488: Outcome.TRUNK_FAILED, 503: Outcome.CONGESTION,
    600: Outcome.BUSY, 603: Outcome.REJECTED, 604: Outcome.VACANT, 606: Outcome.TRUNK_FAILED,
}  # fmt: skip
_UNSURE_SIP = frozenset({Outcome.NO_ANSWER, Outcome.CANCELLED, Outcome.UNREACHABLE})


@dataclass(frozen=True)
class Verdict:
    """An outcome with how it was learnt."""

    outcome: Outcome
    kind: str = Kind.SIGNALLING
    reason: str = ""
    confidence: float | None = None
    evidence: dict[str, Any] = field(default_factory=dict)
    decided_at_ms: int | None = None  # of the ear: from the start of early media, or from answer


@dataclass(frozen=True)
class TrunkEnd:
    """How the trunk leg ended (`events.LegEnded`); `progressed`: something came back after 100 Trying."""

    sip_status: int
    q850: int | None = None
    reason: str = ""
    by_us: bool = False
    progressed: bool = False


def refused_by_edge(reason: str) -> bool:
    """Say whether our own edge found nowhere to send the call (its Reason header); no gateway has seen it."""
    return any(text in reason for text in ("unknown trunk", "no gateway alive"))


def of_signalling(end: TrunkEnd) -> Outcome:
    """Return the outcome that the exchange claims for a call that was not answered."""
    if refused_by_edge(end.reason):
        return Outcome.TRUNK_FAILED
    if end.by_us:
        return Outcome.NO_ANSWER if end.reason == RING_TIMEOUT else Outcome.CANCELLED
    if end.q850 in _BY_Q850:
        return _BY_Q850[end.q850]
    if end.sip_status == SILENT_GATEWAY and not end.progressed:
        return Outcome.TRUNK_FAILED  # the gateway was silent after INVITE
    if end.sip_status in _BY_SIP:
        return _BY_SIP[end.sip_status]
    return Outcome.TRUNK_FAILED if end.sip_status >= 500 else Outcome.UNREACHABLE


def of_unanswered(early: Verdict | None, end: TrunkEnd | None) -> Verdict:
    """Return the verdict on an attempt that was never answered."""
    said = of_signalling(end) if end else Outcome.CANCELLED
    said_reason = f"SIP {end.sip_status} {end.reason}".strip() if end else "no answer to the call"
    if early is None:
        return Verdict(said, reason=said_reason)
    if early.outcome not in VAGUE and not (
        early.outcome is Outcome.ANNOUNCEMENT_UNKNOWN and said not in _UNSURE_SIP
    ):
        return early
    if early.outcome is Outcome.RINGBACK and said is Outcome.NO_ANSWER:
        return early
    return Verdict(said, reason=said_reason, evidence={"heard_early": early.outcome.value})
