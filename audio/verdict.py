"""The one thing the ear says: a verdict with its reason and evidence."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from audio.labels import Kind, Label

Evidence = Mapping[str, float | int | str | bool]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the line is, as far as it is known at `decided_at_ms`.

    `decided_at_ms` counts audio from the start of the phase (start of early media, or the answer).
    `final` is True once per phase at most, on the word that the caller should act on; verdicts with
    `final=False` are steps on the way (a ring heard, speech begun, a voicemail beep over).
    `reason` is a short fixed key such as `cadence_match` or `short_greeting_then_silence`.
    """

    label: Label
    kind: Kind
    reason: str
    confidence: float
    decided_at_ms: int
    evidence: Evidence = field(default_factory=dict)
    final: bool = False
