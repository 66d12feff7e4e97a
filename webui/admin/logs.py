"""The end of a service's log, with words and a level to look for."""

from __future__ import annotations

import re
from pathlib import Path

from appliance.masking import Masker
from appliance.store.read import users
from webui.admin.system_words import LEVELS
from webui.box import box, store

_TAIL_BYTES, _LINES = 512 * 1024, 300
_LEVEL = re.compile(r"\blevel=(\w+)")


def known() -> dict[str, Path]:
    """Services that have a log, and where it is."""
    return {path.stem: path for path in sorted(box().home.logs.glob("*.log"))}


def lines(service: str, words: str = "", level: str = "") -> list[str] | None:
    """The newest lines last; personal data is masked before anything is looked for. None: there is no such log."""
    path = known().get(service)
    if path is None:
        return None
    with path.open("rb") as handle:
        handle.seek(0, 2)
        handle.seek(max(0, handle.tell() - _TAIL_BYTES))
        text = handle.read().decode("utf-8", "replace")
    masker = Masker(users.names(store()).values())
    masked = [masker.mask(line) for line in text.splitlines()[-20 * _LINES :]]
    wanted, said = LEVELS.get(level, ()), words.casefold()
    return [
        line for line in masked
        if (not said or said in line.casefold())
        and (not wanted or ((found := _LEVEL.search(line)) is not None and found[1] in wanted))
    ][-_LINES:]  # fmt: skip
