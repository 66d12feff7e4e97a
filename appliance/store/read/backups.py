"""The backups on the box's shelf and what became of the last one, from their files: they must outlive the database."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from appliance.settings import Home

SUFFIX = ".cbb"


@dataclass(frozen=True)
class BackupView:
    """One backup. `test` good | failed, or empty when it was never restored for a test; `why` hand | schedule |
    update | upload; `copied` whether it stands elsewhere too."""

    name: str
    made_at: datetime | None
    bytes: int
    product: str
    box: str
    rows: int
    why: str
    test: str
    tested_at: datetime | None
    test_message: str
    copied: bool


@dataclass(frozen=True)
class BackupState:
    """How backups stand. `error`: of the last one, empty when it was made; `test_error` likewise."""

    has_passphrase: bool
    since: datetime | None
    last_good_at: datetime | None
    error: str
    error_at: datetime | None
    last_test_at: datetime | None
    test_error: str
    copy_error: str
    copy_error_id: str
    recordings_copied: int
    recordings_at: datetime | None
    next_at: datetime | None


def plain(path: Path) -> dict[str, Any]:
    """A JSON object from a file; empty when there is none or it cannot be read."""
    try:
        told = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def instant(told: dict[str, Any], name: str) -> datetime | None:
    """An instant from such an object."""
    try:
        at = datetime.fromisoformat(str(told.get(name) or ""))
    except ValueError:
        return None
    return at if at.tzinfo else None


def about_file(path: Path) -> Path:
    """Where is written what is known of a backup."""
    return path.with_name(path.name + ".json")


def state_file(home: Home) -> Path:
    return home.backups / "state.json"


def backup(path: Path) -> BackupView:
    """One backup as it is known."""
    told = plain(about_file(path))
    return BackupView(
        name=path.name, made_at=instant(told, "made_at"), bytes=path.stat().st_size,
        product=str(told.get("product") or ""), box=str(told.get("box") or ""), rows=int(told.get("rows") or 0),
        why=str(told.get("why") or ""), test=str(told.get("test") or ""), tested_at=instant(told, "tested_at"),
        test_message=str(told.get("test_message") or ""), copied=bool(told.get("copied")),
    )  # fmt: skip


def backups(home: Home) -> list[BackupView]:
    """All of them, the newest first."""
    found = [backup(path) for path in home.backups.glob(f"*{SUFFIX}") if path.is_file()]
    return sorted(found, key=lambda one: (one.made_at.timestamp() if one.made_at else 0.0, one.name), reverse=True)


def state(home: Home) -> BackupState:
    """How backups stand."""
    told = plain(state_file(home))
    return BackupState(
        has_passphrase=home.backup_key.exists(), since=instant(told, "since"),
        last_good_at=instant(told, "last_good_at"), error=str(told.get("error") or ""),
        error_at=instant(told, "error_at"), last_test_at=instant(told, "last_test_at"),
        test_error=str(told.get("test_error") or ""), copy_error=str(told.get("copy_error") or ""),
        copy_error_id=str(told.get("copy_error_id") or ""),
        recordings_copied=int(told.get("recordings_copied") or 0), recordings_at=instant(told, "recordings_at"),
        next_at=instant(told, "next_at"),
    )  # fmt: skip


def restoring(home: Home) -> dict[str, Any]:
    """What waits to be put in place at the next start; empty: nothing."""
    return plain(home.restoring / "journal.json")
