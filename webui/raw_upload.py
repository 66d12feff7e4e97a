"""Large files sent as the body of a PUT, written to the disk as they come: backups and updates.

A form with such a file would be read whole before its view is asked; so the page's script sends the file alone, with
the form token in a header. Only the endpoints below may be sent more than other pages take.
"""

from __future__ import annotations

import os
from pathlib import Path

from flask import Flask, request
from flask_babel import gettext as _

from appliance.errors import BoxError, CallerError
from appliance.ids import new_id
from webui.box import box

_BACKUP, _UPDATE = 64 * 2**30, 4 * 2**30
LARGEST = {
    "backup.upload": _BACKUP, "api_v1.post_backups_adopt": _BACKUP,
    "updates.upload": _UPDATE, "api_v1.post_updates_check": _UPDATE,
}  # fmt: skip
"""Endpoint -> bytes."""
_PIECE = 1 << 20


def register(app: Flask) -> None:
    """Let these endpoints take more; before CSRF looks for a form in what is sent."""

    @app.before_request
    def widen() -> None:
        if request.endpoint in LARGEST:
            request.max_content_length = LARGEST[request.endpoint]


def keep(suffix: str) -> Path:
    """Write the body into the upload folder, mode 0600.

    Raises CallerError `upload.empty`, `upload.cut_off`, BoxError `upload.no_room`; nothing is left then.
    """
    size = request.content_length or 0
    if size <= 0:
        raise CallerError("upload.empty", _("Choose a file first."))
    folder = box().home.uploads
    usage = os.statvfs(folder)
    if usage.f_bavail * usage.f_frsize < size + box().settings.recording.reserve_mb * 2**20:
        raise BoxError("upload.no_room", _("There is no room for this file on the box. Delete old backups first."))
    path = folder / f"{new_id()}{suffix}"
    came = 0
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            while piece := request.stream.read(_PIECE):
                came += len(piece)
                out.write(piece)
        if came != size:
            raise CallerError("upload.cut_off", _("Only a part of the file came. Send it again."))
    except OSError as error:
        path.unlink(missing_ok=True)
        raise BoxError("upload.no_room", _("The box could not write the file: %(why)s", why=error.strerror)) from error
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path
