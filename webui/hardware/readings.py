"""What `watch` read last of the hardware: as it came over the bus, else from its file; and how far to believe it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from appliance.events import LiveHardware
from webui.box import box
from webui.error_texts import text_of

SILENT_S = 30.0
"""`watch` tells each section every ten seconds; three times missed, and nothing of it is live any more."""


class _File(msgspec.Struct, frozen=True):
    """The hardware file as `watch` writes it."""

    written_at_unix_s: float = 0.0
    sections: dict[str, LiveHardware] = {}


@dataclass(frozen=True)
class Reading:
    """One section. `error`: why there is no newer one; `silent`: nobody has told it for a while."""

    data: dict[str, Any] = field(default_factory=dict)
    taken_at_unix_s: float = 0.0
    error: str = ""
    silent: bool = True

    @property
    def stale(self) -> bool:
        """Whether it must not be shown as live."""
        return self.silent or bool(self.error)

    @property
    def known(self) -> bool:
        """Whether anything was ever read."""
        return self.taken_at_unix_s > 0

    def rows(self, name: str) -> list[dict[str, Any]]:
        """The list of that name, whatever else stands in the data."""
        found = self.data.get(name)
        return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def reading(section: str) -> Reading:
    """The newest there is of a section; empty and silent when nobody ever told it."""
    told = box().live.hardware(section)
    if told is not None and told[1] <= SILENT_S:
        return _reading(told[0], silent=False)
    file = _file(box().home.hardware_file)
    written = file.sections.get(section)
    if written is None:
        return Reading() if told is None else _reading(told[0], silent=True)
    return _reading(written, silent=time.time() - file.written_at_unix_s > SILENT_S)


def _reading(event: LiveHardware, *, silent: bool) -> Reading:
    return Reading(event.data, event.taken_at_unix_s, event.error, silent)


def _file(path: Path) -> _File:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_File)
    except (OSError, msgspec.MsgspecError):
        return _File()


def said(row: Mapping[str, Any], name: str = "error") -> str:
    """An error that stands in a reading (`name`, and its id beside it), in the reader's language."""
    return text_of(str(row.get(f"{name}_id") or ""), str(row.get(name) or ""))
