"""Putting a backup in place: made ready beside the home, swapped in by renames that a journal finishes after any crash.

`prepare` unpacks and checks everything under `home.restoring/new`, opens the database there and brings it to this
version's tables; the box still runs and nothing of it has changed. `finish`, called when nothing runs (at the start of
the box), moves the old files to `home.restoring/old` and the new ones in, opens the result, and takes the old ones away
only then. A box that was cut off in between is finished at its next start; a result that does not open is taken back.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import delete, make_url

from appliance.domain.versions import may_restore
from appliance.errors import BoxError, CallboxError, CallerError
from appliance.home import product_version
from appliance.jobs import audit
from appliance.jobs.accounts import ensure_set_up_token
from appliance.jobs.backup.archive import Archive, Manifest, Step, damaged, newer, sync_folder
from appliance.jobs.backup.content import DATABASE, DUMP, EDGE, FILES, FOLDERS, counted, run_postgresql
from appliance.logs import get_logger
from appliance.settings import Home, Settings, load_secrets, load_settings, write_private
from appliance.store.db import Store, knows_revision, migrate, open_store
from appliance.store.models import Session as UserSession

READY, SWAPPING, GIVING_BACK = "ready", "swapping", "giving_back"
_GONE = (f"{DATABASE}-wal", f"{DATABASE}-shm", f"{EDGE}-wal", f"{EDGE}-shm")
"""Belong to the old databases and go with them."""

Move = Callable[[Path, Path], None]
log = get_logger()


def _rename(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    source.rename(target)
    sync_folder(source.parent)
    sync_folder(target.parent)


# ---- making ready ------------------------------------------------------------------------------------------------


def prepare(
    home: Home, settings: Settings, archive: Archive, *, by: str = "", step: Step = lambda *_: None
) -> Manifest:
    """Unpack and check a backup beside the home; `finish` puts it in place. Until then nothing has changed.

    Raises CallerError `backup.newer`, `.damaged`, `.other_store`, `.restoring`, or BoxError `.no_room`, `.not_written`.
    """
    manifest = archive.manifest
    check_version(manifest)
    _check_store(settings, manifest)
    if journal(home).get("state") in (SWAPPING, GIVING_BACK):
        raise CallerError("backup.restoring", "A restore was cut off. Start the box: it is finished first.")
    forget(home)
    new = home.restoring / "new"
    try:
        new.mkdir(parents=True, mode=0o700)
        archive.unpack(new, step)
        _look_into(new, manifest)
        for folder in FOLDERS:
            (new / folder).mkdir(exist_ok=True)  # an empty one is in no backup, and belongs to a box
        _give_to_owner(home)
    except BaseException:
        forget(home)
        raise
    entries = {name: (new / name).exists() for name in (*FILES, *FOLDERS, DATABASE, EDGE, DUMP)}
    entries = {**dict.fromkeys(_GONE, False), **entries}
    entries.pop(DUMP) if manifest.store != "postgresql" else entries.pop(DATABASE)
    _note(home, {"state": READY, "entries": entries, "made_at": manifest.made_at, "box": manifest.box,
                 "product": manifest.product, "rows": manifest.rows, "by": by})  # fmt: skip
    return manifest


def check_version(manifest: Manifest) -> None:
    """Raises CallerError `backup.newer` for a version or for tables that this version does not know."""
    if not may_restore(product_version(), manifest.product):
        raise newer(f"version {manifest.product}, this box has {product_version()}")
    if not knows_revision(manifest.schema):
        raise newer(f"tables {manifest.schema}")


def _check_store(settings: Settings, manifest: Manifest) -> None:
    url = settings.store.url
    if manifest.store != ("postgresql" if url.startswith("postgresql") else "sqlite") or url.startswith("sqlite"):
        raise CallerError(
            "backup.other_store", "The backup is of another kind of database than this box has. Set the database URL "
            "in the settings as it was.",
        )  # fmt: skip


def _look_into(new: Path, manifest: Manifest) -> None:
    """Open what was unpacked as the box will: settings, secrets, database with all its rows in this version's form."""
    inner = Home(new)
    if not inner.secrets_file.exists():
        raise damaged("the box's secrets are missing")
    load_secrets(inner)
    load_settings(inner)
    if manifest.store != "sqlite":
        if not (new / DUMP).exists():
            raise damaged("the database is missing")
        return
    if not inner.database.exists():
        raise damaged("the database is missing")
    _sound(inner.database)
    store = Store(inner.database_url)
    try:
        if counted(store) != manifest.counts:
            raise damaged("rows are missing")
        migrate(store)
    finally:
        store.close()


def _sound(database: Path) -> None:
    """Raises CallerError `backup.damaged` for a SQLite file that is not whole."""
    try:
        with closing(sqlite3.connect(database)) as opened:
            said = opened.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise damaged("the database cannot be read") from error
    if said != "ok":
        raise damaged("the database is not whole")


def _give_to_owner(home: Home) -> None:
    """What root unpacks belongs to whom the home belongs to."""
    if os.geteuid() == 0:
        owner = home.root.stat()
        for path in (home.restoring, *home.restoring.rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid)


# ---- the journal -------------------------------------------------------------------------------------------------


def _journal_file(home: Home) -> Path:
    return home.restoring / "journal.json"


def journal(home: Home) -> dict[str, Any]:
    """What is under way; empty when nothing is."""
    try:
        told = json.loads(_journal_file(home).read_bytes())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _note(home: Home, told: dict[str, Any]) -> None:
    write_private(_journal_file(home), json.dumps(told).encode())
    sync_folder(home.restoring)


def is_ready(home: Home) -> bool:
    """Whether a backup waits to be put in place at the next start."""
    return journal(home).get("state") == READY


def forget(home: Home) -> None:
    """Take away what was made ready. Never call it while `swapping`: `old` is the only copy then."""
    _journal_file(home).unlink(missing_ok=True)
    shutil.rmtree(home.restoring, ignore_errors=True)


# ---- putting in place ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Restored:
    """What was put in place."""

    made_at: str
    box: str
    product: str
    rows: int


def finish(home: Home, now: datetime, *, move: Move = _rename) -> Restored | None:
    """Put in place what is ready, or what a crash left half done; None when there is nothing. Nothing may run.

    Raises BoxError `backup.not_opened` when the result did not open: the box is as it was before.
    """
    told = journal(home)
    if told.get("state") == GIVING_BACK:
        _give_back(home, told, move)
        return None
    if told.get("state") not in (READY, SWAPPING):
        if home.restoring.exists():
            forget(home)  # unpacking was cut off
        return None
    told["state"] = SWAPPING
    _note(home, told)
    log.info("restore goes in place", made_at=told["made_at"], box=told["box"])
    try:
        _swap(home, told, move)
        _open(home, told, now)
    except (CallboxError, sqlite3.Error) as error:
        log.error("restore taken back", error=str(error))
        told["state"] = GIVING_BACK
        _note(home, told)
        _give_back(home, told, move)
        raise BoxError(
            "backup.not_opened", f"The restored box did not open ({error}). All is as it was before."
        ) from error
    forget(home)
    log.info("restored", made_at=told["made_at"], box=told["box"], rows=told["rows"])
    return Restored(told["made_at"], told["box"], told["product"], int(told["rows"]))


def _places(home: Home, name: str) -> tuple[Path, Path, Path]:
    return home.root / name, home.restoring / "new" / name, home.restoring / "old" / name


def _swap(home: Home, told: dict[str, Any], move: Move) -> None:
    """Each rename may have been done before: what is still to be done is seen from what is where."""
    if DUMP in told["entries"]:
        _swap_dump(home)
    for name, in_backup in told["entries"].items():
        if name == DUMP:
            continue
        here, new, old = _places(home, name)
        if not in_backup:
            if here.exists() and not old.exists():
                move(here, old)
        elif new.exists():
            if here.exists() and old.exists():
                _remove(here)  # something made it anew while the real one lies in `old`
            elif here.exists():
                move(here, old)
            move(new, here)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def _swap_dump(home: Home) -> None:
    """PostgreSQL: the old rows are kept as a dump; the new ones come in one transaction."""
    url = load_settings(home).store.url
    _, new, old = _places(home, DUMP)
    old.parent.mkdir(parents=True, exist_ok=True)
    if not old.exists():
        run_postgresql(["pg_dump", "--format=custom", f"--file={old}.part"], url)
        Path(f"{old}.part").rename(old)
    load_dump(new, url)


def load_dump(dump: Path, url: str) -> None:
    """Put a dump's tables in the place of those there, all or nothing. Raises BoxError `backup.dump_failed`."""
    database = f"--dbname={make_url(url).database}"
    run_postgresql(
        ["pg_restore", "--clean", "--if-exists", "--no-owner", "--single-transaction", database, str(dump)], url
    )


def _give_back(home: Home, told: dict[str, Any], move: Move) -> None:
    """The other way round; may be cut off and begun again."""
    for base in (DATABASE, EDGE):
        here, new, _ = _places(home, base)
        if told["entries"].get(base) and here.exists() and not new.exists():
            for name in _GONE:  # of the database that did not open; the old one's come back below
                if name.startswith(base):
                    _places(home, name)[0].unlink(missing_ok=True)
    # the old databases first: a write-ahead log must never meet another one's database
    for name, in_backup in sorted(told["entries"].items(), key=lambda item: item[0] in _GONE):
        here, new, old = _places(home, name)
        if name == DUMP:
            if old.exists():
                load_dump(old, load_settings(home).store.url)
        elif old.exists():
            if here.exists():
                move(here, new)
            move(old, here)
        elif in_backup and here.exists() and not new.exists():
            move(here, new)
    forget(home)


def _open(home: Home, told: dict[str, Any], now: datetime) -> None:
    """Use it once. Raises CallboxError."""
    settings = load_settings(home)
    store = open_store(home, settings, restoring=True)
    try:
        migrate(store)
        with store.write() as session:
            session.execute(delete(UserSession))  # nobody is signed in at a box that was somewhere else
            audit.append(
                session, now, actor_id=str(told.get("by") or "restore"), actor_address="", action="backup.restored",
                subject="box", detail={"made_at": told["made_at"], "from": told["box"], "version": told["product"]},
            )  # fmt: skip
        ensure_set_up_token(home, store)
    finally:
        store.close()
