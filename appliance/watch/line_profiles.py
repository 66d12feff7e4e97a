"""Makes and models taught on site: a captured terminal session becomes a profile, looked at first, then kept."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

from appliance.commands import ProfileFromTranscript
from appliance.errors import BoxError, CallerError
from appliance.settings import write_private
from drivers import profiles
from drivers.console.capture import CaptureError, profile_from
from drivers.lines import LineKind

LONGEST_TRANSCRIPT = 256 * 1024
_ID = re.compile(r"[a-z0-9][a-z0-9_]{0,31}")
_NAME_LENGTH = 80


def from_transcript(folder: Path, asked: ProfileFromTranscript) -> dict[str, Any]:
    """Make and check a profile; write it to `folder` when it is to be kept. Returns the command's reply data.

    Raises CallerError `line.bad_transcript`, `line.bad_profile_id`, `line.profile_shipped`; BoxError when the disk
    does not take it.
    """
    name, make, model = asked.profile_id.strip(), asked.make.strip(), asked.model.strip()
    if not _ID.fullmatch(name):
        raise CallerError("line.bad_profile_id", "Use 1 to 32 of a-z, 0-9 and underscore, a letter or digit first.")
    if not make or not model or max(len(make), len(model)) > _NAME_LENGTH:
        raise CallerError("line.no_make", f"Give make and model, at most {_NAME_LENGTH} characters each.")
    if any((shipped / f"{name}.toml").exists() for shipped in profiles.SHIPPED):
        raise CallerError("line.profile_shipped", f"'{name}' comes with the box; choose another name.")
    if len(asked.transcript) > LONGEST_TRANSCRIPT:
        raise CallerError("line.transcript_long", "The transcript is longer than 256 kB; keep the part with the lines.")
    kind = LineKind(asked.kind) if asked.kind in set(LineKind) else LineKind.E1
    try:
        text = profile_from(asked.transcript, make=make, model=model, profile_id=name, kind=kind)
        profile = _checked(name, text)
    except (CaptureError, profiles.ProfileError) as error:
        raise CallerError("line.bad_transcript", f"No profile can be made of it: {error}", why=str(error)) from error
    if asked.save:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_private(folder / f"{name}.toml", text.encode())
        except OSError as error:
            raise BoxError("line.profile_not_saved", f"The profile was not written: {error.strerror}.") from error
    section = profile.console.sections[0] if profile.console else None
    if section is None:
        raise CallerError("line.bad_transcript", "No command that shows lines stands in it.", why="")
    return {
        "toml": text, "command": section.command, "up": list(section.up), "down": list(section.down),
        "alarms": sorted({str(words.alarm) for words in section.alarms if words.alarm is not None}),
        "fields": sorted(section.fields),
    }  # fmt: skip


def _checked(name: str, text: str) -> profiles.Profile:
    with tempfile.TemporaryDirectory(prefix="callbox-profile-") as folder:
        path = Path(folder) / f"{name}.toml"
        path.write_text(text, encoding="utf-8")
        return profiles.load(path)
