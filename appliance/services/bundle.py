"""The support bundle: what somebody far away needs to find a fault, and nothing about people.

In it: the check, health, settings without secrets, hardware, alerts, versions, the ends of the logs (masked again).
Never in it: recordings, rows of the database, keys, the rendered configurations (they hold passwords).
"""

from __future__ import annotations

import io
import json
import os
import platform
import socket
import sqlite3
import tarfile
import time
from contextlib import closing
from importlib import metadata
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from appliance.console import facts
from appliance.errors import BoxError
from appliance.home import product_version
from appliance.masking import Masker
from appliance.settings import Home, load_settings

_LOG_BYTES = 300_000
_NAMES_MAX = 500_000


def write_bundle(home: Home, folder: Path, check: dict[str, Any]) -> Path:
    """Write callbox-support-<box>-<time>.tar.gz (mode 0600). Raises BoxError `bundle.not_written`."""
    masker = Masker(_names(home))
    parts = {"check.json": check, "settings.json": _plain(load_settings(home)), "versions.json": _versions(),
             "hardware.json": facts.hardware(home), "alerts.json": facts.read_json(home.alerts_file)}  # fmt: skip
    texts = {name: json.dumps(part, indent=1, ensure_ascii=False, default=str) for name, part in parts.items()}
    for path in sorted(home.logs.glob("*.log")):
        texts[f"log/{path.name}"] = _tail(path)
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    target = folder / f"callbox-support-{socket.gethostname()}-{stamp}.tar.gz"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as handle, tarfile.open(fileobj=handle, mode="w:gz") as archive:
            for name, text in texts.items():
                data = masker.mask(text).encode()
                entry = tarfile.TarInfo(f"{target.name.removesuffix('.tar.gz')}/{name}")
                entry.size, entry.mtime, entry.mode = len(data), int(time.time()), 0o600
                archive.addfile(entry, io.BytesIO(data))
    except OSError as error:
        target.unlink(missing_ok=True)
        said = f"The bundle could not be written to {folder}: {error.strerror}."
        raise BoxError("bundle.not_written", said) from error
    return target


def _plain(part: Any) -> Any:
    """Settings as data; a secret is only said to be set or not."""
    if isinstance(part, SecretStr):
        return "(set)" if part.get_secret_value() else "(empty)"
    if isinstance(part, BaseModel):
        return {name: _plain(getattr(part, name)) for name in type(part).model_fields}
    return part


def _versions() -> dict[str, Any]:
    installed = {str(found.metadata["Name"]): found.version for found in metadata.distributions()}
    return {
        "callbox": product_version(), "python": platform.python_version(), "kernel": platform.release(),
        "machine": platform.machine(), "packages": dict(sorted(installed.items())),
    }  # fmt: skip


def _tail(path: Path) -> str:
    """The end of a log, from a whole line on."""
    with path.open("rb") as handle:
        size = handle.seek(0, os.SEEK_END)
        handle.seek(max(0, size - _LOG_BYTES))
        data = handle.read()
    if size > _LOG_BYTES:
        data = data.partition(b"\n")[2]
    return data.decode("utf-8", "replace")


def _names(home: Home) -> list[str]:
    """Names of people that the box knows; they are only taken to be looked for. None when the database is away."""
    if not home.database.exists():
        return []
    names: list[str] = []
    try:
        with closing(sqlite3.connect(f"file:{home.database}?mode=ro", uri=True, timeout=5.0)) as database:
            for query in ("SELECT display_name FROM users", "SELECT login FROM users", "SELECT name FROM contacts"):
                names += [str(row[0]) for row in database.execute(f"{query} LIMIT {_NAMES_MAX}") if row[0]]
    except sqlite3.DatabaseError:
        return names
    return names
