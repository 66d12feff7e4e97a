"""What a line is, whoever reads it: the one data model and the two interfaces all gateway drivers share.

A *line* is one E1 span or one FXO port. Readers (DAHDI, SNMP, serial console, SIP OPTIONS) fill a :class:`LineStatus`;
controls change the line and say whether the change could be read back. Nothing here does any I/O.
Alarm names are those of ITU-T G.775 and G.732; counters those of RFC 4805 (DS1-MIB).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol


class LineKind(StrEnum):
    """What hangs on the port."""

    E1 = "e1"
    FXO = "fxo"


class Alarm(StrEnum):
    """What can be wrong with a line, worst first."""

    LOS = "los"
    """No signal (on FXO: no battery)."""
    LOF = "lof"
    """Signal without frame alignment."""
    AIS = "ais"
    """All ones: the fault is further up the line."""
    RAI = "rai"
    """The far end does not hear us (yellow)."""
    LOMF = "lomf"
    """No CRC-4 multiframe alignment."""
    T16AIS = "t16ais"
    """All ones in time slot 16."""
    LOOP = "loop"
    """The line is looped: no calls."""


class ChannelState(StrEnum):
    """What one channel (time slot, or the FXO port itself) is doing."""

    IDLE = "idle"
    BUSY = "busy"
    BLOCKED = "blocked"
    SIGNALLING = "signalling"
    ALARM = "alarm"
    UNKNOWN = "unknown"


class Verb(StrEnum):
    """What can be done to a line. A driver offers only what its profile has."""

    SET_FRAMING = "set_framing"
    SET_CODING = "set_coding"
    SET_CRC4 = "set_crc4"
    SET_CLOCK = "set_clock"
    SET_D_CHANNEL = "set_d_channel"
    """Which side of the D channel we are: user or network."""
    SET_GAIN = "set_gain"
    SET_IMPEDANCE = "set_impedance"
    SET_HUNT_GROUP = "set_hunt_group"
    """To which group of lines outgoing calls find this one."""
    BLOCK_CHANNEL = "block_channel"
    UNBLOCK_CHANNEL = "unblock_channel"
    RESTART = "restart"
    LOOP_LOCAL = "loop_local"
    LOOP_LINE = "loop_line"
    LOOP_PAYLOAD = "loop_payload"
    LOOP_OFF = "loop_off"
    BERT_START = "bert_start"
    BERT_READ = "bert_read"
    BERT_STOP = "bert_stop"
    LOCATE_ON = "locate_on"
    LOCATE_OFF = "locate_off"
    FXO_OFF_HOOK = "fxo_off_hook"
    FXO_ON_HOOK = "fxo_on_hook"
    FXO_DIAL = "fxo_dial"
    FXO_FLASH = "fxo_flash"


@dataclass(frozen=True, slots=True)
class Counters:
    """Errors of the current 15 minutes; ``None`` where the source does not say."""

    es: int | None
    """Errored seconds."""
    ses: int | None
    """Severely errored seconds."""
    uas: int | None
    """Unavailable seconds."""
    css: int | None
    """Controlled slip seconds."""
    lcv: int | None
    """Line code violations."""
    pcv: int | None
    """Path code violations (CRC-4 errors)."""
    age_s: float
    """How long the interval has been running, seconds (0..900)."""


@dataclass(frozen=True, slots=True)
class Fxo:
    """An analogue port; ``None`` where the source does not say."""

    volts: float | None
    milliamps: float | None
    hook: bool | None
    """``True`` = off hook (loop closed)."""
    ring: bool | None
    polarity_reversed: bool | None


@dataclass(frozen=True, slots=True)
class LineStatus:
    """One line as one source saw it at one moment. Data only."""

    line_id: str
    kind: LineKind
    name: str
    up: bool | None
    """``None`` = the source does not say; never guessed."""
    alarms: frozenset[Alarm]
    d_channel_l1: bool | None
    d_channel_l2: bool | None
    channels: tuple[ChannelState, ...]
    """31 for E1 (time slots 1..31), 1 for FXO, ``()`` when unknown."""
    in_use: int | None
    counters: Counters | None
    fxo: Fxo | None
    source: str
    """``dahdi``, ``snmp``, ``console``, ``options``."""
    taken_at_unix_s: float
    stale: bool = False
    """``True`` = the last good value, not a live one."""
    error: str = ""
    """Empty when read; else what happened and what to do."""
    error_id: str = ""
    """Of the error, for its words in other languages."""


def stale(last: LineStatus, error: str, error_id: str) -> LineStatus:
    """The last good value as what it is now: old, with the reason, and not known to be up."""
    return replace(last, up=None, stale=True, error=error, error_id=error_id)


def doubted(line: LineStatus, error: str, error_id: str = "line.not_understood") -> LineStatus:
    """A reading that cannot be right, or is not understood; nothing when `error` is empty."""
    return replace(line, error=error, error_id=error_id) if error else line


@dataclass(frozen=True, slots=True)
class Change:
    """What a control verb did."""

    before: str
    after: str
    verified: bool
    """``True`` = read back from the equipment and as asked."""


class ReaderError(Exception):
    """A reader could not read. ``message`` says what happened and what to do."""

    def __init__(self, error_id: str, message: str) -> None:
        super().__init__(message)
        self.error_id = error_id
        self.message = message


class LineReader(Protocol):
    """Reads lines; one instance per card, gateway or port."""

    source: str

    def lines(self) -> tuple[LineStatus, ...]:
        """Read all lines now (blocking). Raises :class:`ReaderError`."""
        ...

    def close(self) -> None:
        """Let go of the port. May be called twice."""
        ...


class LineControl(Protocol):
    """Changes lines; every change is read back."""

    def verbs(self, line_id: str) -> frozenset[Verb]:
        """What this line can be told to do."""
        ...

    def do(self, line_id: str, verb: Verb, **args: str | int | float | bool) -> Change:
        """Do it, read it back, undo it when it did not take. Raises :class:`ReaderError`."""
        ...
