"""What all conversations of a worker share."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from appliance.telephony.storage import Storage
from audio.fingerprint import Library


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all conversations of a worker share."""

    realm: str
    prompts: Path
    spool: Path
    sync_interval_s: float
    storage: Storage = field(default_factory=Storage)
    library: Library | None = None
    unattended_s: float = 180.0
    """An answered customer whom nobody attends to for so long (the engine is away) is let go."""
