"""Status pages that are lists of names and values -> :class:`Fxo`, by a profile's labels."""

from __future__ import annotations

import re

from drivers.lines import Fxo, ReaderError
from drivers.profiles import Profile

_FLAGS = {"0": False, "1": True}
_MEASURE = re.compile(r"-?\d{1,4}(?:\.\d{1,4})?")


def fxo_from_page(profile: Profile, text: str) -> Fxo:
    """Read a page of one port. Raises :class:`ReaderError` when none of the profile's labels stands there, or when a
    value cannot be; what is not there is ``None``.
    """
    values: dict[str, str] = {}
    for line in text.split("\n"):
        for label, name in profile.labels.items():
            found = re.match(rf" *{re.escape(label)} *[:=\t ] *(\S+) *$", line)
            if found:
                values[name] = found[1]
    if not values:
        raise ReaderError(
            "line.not_understood", f"The page holds none of {', '.join(profile.labels)}: another firmware?"
        )
    return Fxo(
        volts=_measure(values, "volts"),
        milliamps=_measure(values, "milliamps"),
        hook=_flag(values, "hook"),
        ring=_flag(values, "ring"),
        polarity_reversed=_flag(values, "polarity_reversed"),
    )


def _measure(values: dict[str, str], name: str) -> float | None:
    if name not in values:
        return None
    if not _MEASURE.fullmatch(values[name]):
        raise ReaderError("line.not_understood", f"{name} is {values[name][:20]!r}, which is no figure.")
    return float(values[name])


def _flag(values: dict[str, str], name: str) -> bool | None:
    if name not in values:
        return None
    if values[name] not in _FLAGS:
        raise ReaderError("line.not_understood", f"{name} is {values[name][:20]!r}, neither 0 nor 1.")
    return _FLAGS[values[name]]
