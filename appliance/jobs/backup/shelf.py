"""The backups on the box: making one, knowing it, rotating them. Read by `store.read.backups`."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import threading
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from appliance.domain.backups import kept
from appliance.errors import CallerError, NotFoundError
from appliance.home import give_to_owner
from appliance.jobs.backup import archive, content
from appliance.jobs.backup.archive import SUFFIX, Manifest, Step
from appliance.jobs.backup.keys import BackupKey
from appliance.logs import get_logger
from appliance.settings import BackupSettings, Home, Settings, write_private
from appliance.store.db import Store
from appliance.store.read import backups as read

STAGING, TRIAL = ".staging-", ".trial-"
"""Beginnings of the names of folders for work in progress; a killed service leaves them (see `sweep`)."""
HAND, SCHEDULE, UPDATE, UPLOAD = "hand", "schedule", "update", "upload"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}\.cbb")

log = get_logger()
_writing = threading.Lock()


def find(home: Home, name: str) -> Path:
    """A backup by its file name. Raises NotFoundError `backup.unknown`."""
    path = home.backups / name
    if not _NAME.fullmatch(name) or not path.is_file():
        raise NotFoundError("backup.unknown", f"There is no backup {name!r} on this box.", backup=name)
    return path


def make(
    home: Home, settings: Settings, store: Store, key: BackupKey, now: datetime, *, why: str,
    step: Step = lambda *_: None,
) -> Path:  # fmt: skip
    """Make a backup and note it. Raises BoxError or StoreError; half a backup never stays."""
    home.backups.mkdir(exist_ok=True, mode=0o700)
    staging = Path(tempfile.mkdtemp(prefix=STAGING, dir=home.backups))
    try:
        parts = content.gather(home, settings, store, staging)
        about = {**content.about(store, now), "counts": _counts(staging)}
        target = _free_name(home, now)
        manifest = archive.write(target, parts, key, about, step)
    except OSError as error:
        raise archive.full(home.backups, error) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    give_to_owner(target)
    note(target, **facts(manifest), why=why)
    note_state(home, last_good_at=now, error="", error_at=None, since=read.state(home).since or now)
    log.info("backup made", file=target.name, bytes=target.stat().st_size, rows=manifest.rows, why=why)
    return target


def sweep(home: Home) -> None:
    """Take away what a killed service left half done."""
    for left in [*home.backups.glob(f"{STAGING}*"), *home.backups.glob(f"{TRIAL}*"), *home.backups.glob("*.members")]:
        shutil.rmtree(left, ignore_errors=True)
    for begun in home.backups.glob("*.part"):
        begun.unlink(missing_ok=True)


def _counts(staging: Path) -> dict[str, int]:
    """Rows of the snapshot itself; of PostgreSQL's dump they are not known."""
    database = staging / content.DATABASE
    if not database.exists():
        return {}
    snapshot = Store(f"sqlite:///{database}")
    try:
        return content.counted(snapshot)
    finally:
        snapshot.close()


def _free_name(home: Home, now: datetime) -> Path:
    plain = re.sub(r"[^A-Za-z0-9-]", "-", content.box_name().split()[0])[:40] or "box"
    base = f"callbox-{plain}-{now:%Y%m%d-%H%M%S}"
    names = (f"{base}{SUFFIX}", *(f"{base}-{n}{SUFFIX}" for n in range(2, 1000)))
    return next(home.backups / name for name in names if not (home.backups / name).exists())


def facts(manifest: Manifest) -> dict[str, Any]:
    """What the shelf shows of a backup."""
    return {"made_at": manifest.made_at, "product": manifest.product, "box": manifest.box, "rows": manifest.rows}


def note(path: Path, **changes: Any) -> None:
    """Write down what is known of a backup now."""
    with _writing:
        told = {**read.plain(read.about_file(path)), **changes}
        write_private(read.about_file(path), json.dumps(told).encode())


def note_state(home: Home, **changes: Any) -> None:
    """Write down how backups stand now; instants become text."""
    plain = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in changes.items()}
    with _writing:
        told = {**read.plain(read.state_file(home)), **plain}
        write_private(read.state_file(home), json.dumps(told).encode())


def adopt(home: Home, given: Path) -> Path:
    """Put a file that was uploaded on the shelf. Raises CallerError `backup.not_a_backup`, NotFoundError."""
    told = archive.peek(given)
    product, made_at = str(told.get("product") or ""), str(told.get("made_at") or "")
    at = read.instant({"at": made_at}, "at")
    if at is None:
        raise CallerError("backup.not_a_backup", "This is no backup of a Callbox.")
    target = _free_name(home, at)
    given.replace(target)
    target.chmod(0o600)
    rows = sum(n for n in dict(told.get("counts") or {}).values() if isinstance(n, int))
    note(target, made_at=made_at, product=product[:40], box=str(told.get("box") or "")[:80], rows=rows, why=UPLOAD)
    return target


def remove(path: Path) -> None:
    """Take a backup away, with what is known of it."""
    path.unlink(missing_ok=True)
    read.about_file(path).unlink(missing_ok=True)


def rotate(home: Home, settings: BackupSettings, zone: ZoneInfo) -> list[str]:
    """Remove the scheduled backups whose time is over; returns their names. Others stay until a person removes them."""
    found = [one for one in read.backups(home) if one.why == SCHEDULE]
    scheduled = {one.made_at: home.backups / one.name for one in found if one.made_at}
    staying = kept(scheduled, zone, days=settings.keep_days, weeks=settings.keep_weeks, months=settings.keep_months)
    gone = [path for at, path in scheduled.items() if at not in staying]
    for path in gone:
        remove(path)
    return [path.name for path in gone]
