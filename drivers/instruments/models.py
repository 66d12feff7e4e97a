"""Instruments as data: TOML profiles in ``models/``, checked when they are loaded; technicians may add a folder.

A profile holds only what a source shows. A tester without commands (``e1_generic``) is a form to fill in: the driver
offers what has a command and nothing else.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import msgspec

from drivers.instruments.quantities import Quantity

SHIPPED = Path(__file__).parent / "models"
_LONGEST_COMMAND = 120


class InstrumentProfileError(ValueError):
    """A profile cannot be used; the message names the file, the place and what to do."""


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one quantity is asked for."""

    command: str
    scale: float = 1.0
    """The answer times this is the quantity in its unit (amperes to mA: 1000)."""
    field: int = 0
    """Which of the comma-separated parts of the answer it is."""


class InstrumentProfile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of instrument."""

    id: str
    make: str
    model: str
    kind: str
    """``meter`` or ``e1_tester``."""
    identity: str
    """Pattern that the answer to ``*IDN?`` must contain."""
    sources: tuple[str, ...] = ()
    note: str = ""
    start: tuple[str, ...] = ()
    """Commands after opening; none may move relays on the input."""
    stop: tuple[str, ...] = ()
    errors: str = "SYST:ERR?"
    """Asked after each command until it says 0 (SCPI-99, 21.8)."""
    timeout_s: float = 8.0
    baud: int = 9600
    queries: dict[Quantity, Query] = {}


def load(path: Path) -> InstrumentProfile:
    """Read and check one profile. Raises :class:`InstrumentProfileError`."""
    try:
        found = msgspec.convert(tomllib.loads(path.read_text("utf-8")), InstrumentProfile)
        re.compile(found.identity)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError, re.error) as error:
        raise InstrumentProfileError(f"{path.name}: {error}") from error
    commands = [*found.start, *found.stop, found.errors, *(query.command for query in found.queries.values())]
    for command in commands:
        if not command.isascii() or not command.isprintable() or not 0 < len(command) <= _LONGEST_COMMAND:
            raise InstrumentProfileError(f"{path.name}: {command!r} is no command of 1 to {_LONGEST_COMMAND} letters.")
    for quantity, query in found.queries.items():
        if "?" not in query.command:
            raise InstrumentProfileError(f"{path.name}: {quantity}: {query.command!r} asks nothing (no '?').")
        if query.scale == 0 or not 0 <= query.field < 32:
            raise InstrumentProfileError(f"{path.name}: {quantity}: scale must not be 0, field is 0 to 31.")
    if found.kind not in ("meter", "e1_tester"):
        raise InstrumentProfileError(f"{path.name}: kind is meter or e1_tester, not {found.kind!r}.")
    if not 0.1 <= found.timeout_s <= 60:
        raise InstrumentProfileError(f"{path.name}: timeout_s is 0.1 to 60.")
    return found


def load_all(*folders: Path) -> dict[str, InstrumentProfile]:
    """The shipped profiles and those of `folders`, by id. Raises :class:`InstrumentProfileError`."""
    found: dict[str, InstrumentProfile] = {}
    for folder in (SHIPPED, *folders):
        for path in sorted(folder.glob("*.toml")):
            profile = load(path)
            if profile.id in found:
                raise InstrumentProfileError(f"{path.name}: the id {profile.id!r} is taken.")
            found[profile.id] = profile
    return found


def find(profile_id: str, *folders: Path) -> InstrumentProfile:
    """One profile by id. Raises :class:`InstrumentProfileError` that names those there are."""
    known = load_all(*folders)
    if profile_id not in known:
        raise InstrumentProfileError(f"There is no profile {profile_id!r}. Known: {', '.join(known)}.")
    return known[profile_id]
