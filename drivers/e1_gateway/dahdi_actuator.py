"""Loop-backs of DAHDI spans. The bit that a driver sets when it loops is the read-back: no bit, no loop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from drivers.e1_gateway.dahdi import DahdiReader
from drivers.e1_gateway.spanstat import maintain
from drivers.lines import Alarm, ReaderError, Verb
from drivers.protocols import Arg

COMMANDS = {Verb.LOOP_OFF: 0, Verb.LOOP_LOCAL: 1, Verb.LOOP_LINE: 2, Verb.LOOP_PAYLOAD: 13}
"""DAHDI_MAINT_* of include/dahdi/user.h."""
_LOOPED, _NOT_LOOPED = "looped", "not looped"


class DahdiActuator:
    """An :class:`drivers.protocols.Actuator`. `maint` sends (span, command) and needs root; a service that has none
    hands in a call to one that has.
    """

    def __init__(self, reader: DahdiReader, maint: Callable[[int, int], None] | None = None) -> None:
        self._reader = reader
        self._maint = maint or (lambda span, command: maintain(Path("/dev/dahdi/ctl"), span, command))

    def verbs(self, line_id: str) -> frozenset[Verb]:
        """Loop-backs of digital spans; whether this card's driver can, only the kernel knows."""
        return frozenset(COMMANDS) if line_id.startswith("dahdi:") and "/" not in line_id else frozenset()

    def current(self, line_id: str, verb: Verb, args: dict[str, Arg]) -> str:  # noqa: ARG002 - the protocol's shape
        """``looped`` or ``not looped``."""
        return _LOOPED if Alarm.LOOP in self._line(line_id)[0] else _NOT_LOOPED

    def wanted(self, line_id: str, verb: Verb, args: dict[str, Arg]) -> str | None:  # noqa: ARG002 - as above
        """What :meth:`current` must say afterwards."""
        return _NOT_LOOPED if verb is Verb.LOOP_OFF else _LOOPED

    def apply(self, line_id: str, verb: Verb, args: dict[str, Arg]) -> None:  # noqa: ARG002 - as above
        """Tell the kernel."""
        self._maint(int(line_id.removeprefix("dahdi:")), COMMANDS[verb])

    def undo(self, line_id: str, verb: Verb, args: dict[str, Arg], before: str) -> tuple[Verb, dict[str, Arg]] | None:  # noqa: ARG002
        """A loop is taken off."""
        return None if verb is Verb.LOOP_OFF else (Verb.LOOP_OFF, {})

    def in_use(self, line_id: str) -> int | None:
        """Open channels."""
        return self._line(line_id)[1]

    def _line(self, line_id: str) -> tuple[frozenset[Alarm], int | None]:
        for line in self._reader.lines():
            if line.line_id == line_id:
                return line.alarms, line.in_use
        raise ReaderError("line.unknown", f"{line_id}: there is no such span.")
