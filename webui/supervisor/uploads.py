"""Files that people send: laid into the box's upload folder under a name of our own, found again by id."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Response, send_file
from flask_babel import gettext as _
from werkzeug.datastructures import FileStorage

from appliance.errors import CallerError, NotFoundError
from appliance.ids import new_id
from webui.box import box

_ID = re.compile(r"[0-9a-z]{26}")
_LISTS = {".xlsx", ".xlsm", ".xls", ".xlsb", ".ods", ".csv", ".txt", ".tsv"}


@dataclass(frozen=True)
class Upload:
    """One file that was sent; `file_name` is what its sender called it, for showing only."""

    id: str
    path: Path
    file_name: str


def _shown_name(name: str | None) -> str:
    """The sender's name without folders and control characters."""
    last = (name or "").replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in last if c.isprintable())[:200] or "list"


SOUNDS = {".wav", ".flac", ".ogg", ".au", ".al", ".alaw", ".ul", ".ulaw"}


def keep(file: FileStorage | None, *, sound: bool = False) -> Upload:
    """Store a file. Raises CallerError for none, or for a kind that can be no list (or no sound)."""
    if file is None or not file.filename:
        raise CallerError("import.no_file", _("Choose a file first."))
    name = _shown_name(file.filename)
    suffix = Path(name).suffix.lower()
    if sound and suffix not in SOUNDS:
        raise CallerError("announcement.wrong_file_type", _("“%(name)s” is no sound file. Send a WAV file.", name=name))
    if not sound and suffix not in _LISTS:
        raise CallerError(
            "import.wrong_file_type", _("“%(name)s” is no list. Send Excel (.xlsx, .xls), .ods or .csv.", name=name)
        )
    upload_id = new_id()
    folder = box().home.uploads
    path = folder / f"{upload_id}{suffix}"
    file.save(path)
    path.chmod(0o600)
    (folder / f"{upload_id}.json").write_text(json.dumps({"path": path.name, "file_name": name}), "utf-8")
    return Upload(upload_id, path, name)


def adopt(path: str, file_name: str) -> Upload:
    """A file that the box itself laid into the upload folder, under its own name."""
    found = inside(path)
    upload = Upload(new_id(), found, _shown_name(file_name))
    (found.parent / f"{upload.id}.json").write_text(
        json.dumps({"path": found.name, "file_name": upload.file_name}), "utf-8"
    )
    return upload


def find(upload_id: str) -> Upload:
    """The file of an id. Raises NotFoundError when it is not there any more."""
    folder = box().home.uploads
    about = folder / f"{upload_id}.json"
    if not _ID.fullmatch(upload_id) or not about.is_file():
        raise NotFoundError("import.upload_gone", _("This file is not on the box any more. Send it again."))
    plain = json.loads(about.read_text("utf-8"))
    return Upload(upload_id, folder / Path(plain["path"]).name, plain["file_name"])


def to_send(result: Mapping[str, Any]) -> Response:
    """The file of a job's `result` {path, file_name}. Raises NotFoundError when it is not there any more."""
    path = inside(str(result.get("path", "")))
    return send_file(path, as_attachment=True, download_name=str(result.get("file_name") or path.name))


def inside(path: str) -> Path:
    """A file that a job wrote into the upload folder. Raises NotFoundError for anything elsewhere."""
    found = Path(path).resolve()
    if not found.is_relative_to(box().home.uploads.resolve()) or not found.is_file():
        raise NotFoundError("export.gone", _("This file is not on the box any more. Make it again."))
    return found
