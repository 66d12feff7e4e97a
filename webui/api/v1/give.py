"""Giving a command in the name of the token's user."""

from __future__ import annotations

from typing import Any

import msgspec

from appliance.commands import Done, EditCommand, UserCommand
from webui.api.v1.preconditions import wanted_version
from webui.box import ask
from webui.supervisor import uploads


def give(command: type[UserCommand], given: dict[str, Any], body: msgspec.Struct | None, timeout_s: float) -> Done:
    """Send it; an `upload_id` becomes the path of the file that was sent before. Raises CallboxError."""
    values = {**msgspec.structs.asdict(body), **given} if body is not None else dict(given)
    upload_id = values.pop("upload_id", "")
    if upload_id:
        found = uploads.find(upload_id)
        values["path"] = str(found.path)
        if any(one.name == "file_name" for one in msgspec.structs.fields(command)):
            values["file_name"] = found.file_name
    if issubclass(command, EditCommand):
        values["version"] = wanted_version()
    return ask(command, timeout_s=timeout_s, **values)
