"""How updates stand, from their files: they must outlive the database and a return to the old slot."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from appliance.settings import Home
from appliance.store.read.backups import instant, plain

__all__ = ["UpdateState", "boot_id", "bundle_file", "instant", "plain", "state_file", "updates"]

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class UpdateState:
    """`bundle`: the update that was checked {version, description, bytes, sha256, checked_at}; `apply`: its way
    {state: waiting | backup | try | install | rebooting | good | returned | failed, from, to, slot, at, message};
    `history`: what ended, the newest first."""

    bundle: dict[str, Any] = field(default_factory=dict)
    apply: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)


def state_file(home: Home) -> Path:
    return home.updates / "state.json"


def bundle_file(home: Home) -> Path:
    return home.updates / "bundle.raucb"


def boot_id() -> str:
    """Another one after each boot."""
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except OSError:
        return ""


def updates(home: Home) -> UpdateState:
    """How updates stand."""
    told = plain(state_file(home))
    history = [one for one in told.get("history") or [] if isinstance(one, dict)]
    return UpdateState(dict(told.get("bundle") or {}), dict(told.get("apply") or {}), history)
