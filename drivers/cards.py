"""A card ready for use: its reader, and its control where it has verbs. The one place that puts the parts together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from drivers.console.actuator import ConsoleActuator
from drivers.console.reader import ConsoleReader
from drivers.console.session import Session, Timing
from drivers.control import GuardedControl
from drivers.e1_gateway.dahdi import DahdiReader
from drivers.e1_gateway.dahdi_actuator import DahdiActuator
from drivers.e1_gateway.snmp import SnmpActuator, SnmpReader
from drivers.lines import LineReader
from drivers.profiles import Profile
from drivers.programs import Ran
from drivers.releases import Releases
from drivers.resources import Console, DahdiTree, SnmpAgent


@dataclass(frozen=True, slots=True)
class Card:
    """What a service holds of a card. `control` must be asked each second, and first of all, to ``release_due()``."""

    reader: LineReader
    control: GuardedControl


def console_card(name: str, console: Console, profile: Profile, notes: Path, timing: Timing | None = None) -> Card:
    """A card with a command line. `name` begins its lines' ids, `notes` is the file of open tests (one per card).

    Opening the port waits for the first reading. Raises :class:`drivers.lines.ReaderError` for a profile without words.
    """
    session = Session(console, profile, timing)
    reader = ConsoleReader(name, session, profile)
    return Card(reader, GuardedControl(ConsoleActuator(name, session, profile, reader), Releases(notes)))


def dahdi_card(
    tree: DahdiTree,
    notes: Path,
    *,
    maint: Callable[[int, int], None] | None = None,
    config: Callable[[str], Ran] | None = None,
) -> Card:
    """The DAHDI spans of this box. `maint` and `config` are for a service without root, see :class:`DahdiActuator`."""
    reader = DahdiReader(tree)
    return Card(reader, GuardedControl(DahdiActuator(reader, tree, maint=maint, config=config), Releases(notes)))


def snmp_card(name: str, agent: SnmpAgent, profile: Profile, notes: Path) -> Card:
    """A gateway that is read by SNMP. `name` begins its lines' ids.

    Raises :class:`drivers.lines.ReaderError` for a profile without columns.
    """
    reader = SnmpReader(name, agent, profile)
    return Card(reader, GuardedControl(SnmpActuator(reader), Releases(notes)))
