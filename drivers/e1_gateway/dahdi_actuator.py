"""Verbs of DAHDI spans: loop-backs through the kernel, framing, coding and CRC-4 through its configuration file.

The kernel is the read-back: the bit that a driver sets when it loops (no bit, no loop), and sysfs' ``lineconfig``.
The clock source is not shown by the kernel in a way that proves a change, so it is not offered.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from drivers.e1_gateway.dahdi import DahdiReader
from drivers.e1_gateway.dahdi_config import CONFIG, changed, configure, judge, span_settings, with_settings
from drivers.e1_gateway.spanstat import maintain
from drivers.lines import Alarm, ReaderError, Verb
from drivers.programs import LocalPrograms, Ran
from drivers.protocols import Arg
from drivers.resources import DahdiTree

COMMANDS = {Verb.LOOP_OFF: 0, Verb.LOOP_LOCAL: 1, Verb.LOOP_LINE: 2, Verb.LOOP_PAYLOAD: 13}
"""DAHDI_MAINT_* of include/dahdi/user.h."""
VALUES = {
    Verb.SET_FRAMING: {"ccs": "CCS", "cas": "CAS"},
    Verb.SET_CODING: {"hdb3": "HDB3", "ami": "AMI"},
    Verb.SET_CRC4: {"on": "CRC4", "off": "no CRC4"},
}
"""What may be asked for, and the kernel's word for it."""
_LOOPED, _NOT_LOOPED = "looped", "not looped"


class DahdiActuator:
    """An :class:`drivers.protocols.Actuator`. `maint` sends (span, command) and `config` writes the file and runs
    ``dahdi_cfg``; both need root, and a service that has none hands in calls to one that has.
    """

    def __init__(
        self,
        reader: DahdiReader,
        tree: DahdiTree,
        *,
        maint: Callable[[int, int], None] | None = None,
        config: Callable[[str], Ran] | None = None,
    ) -> None:
        self._reader = reader
        self._root = tree.root
        self._maint = maint or (lambda span, command: maintain(Path("/dev/dahdi/ctl"), span, command))
        self._file = tree.root / CONFIG.relative_to("/")
        self._config = config or configure(LocalPrograms(), self._file)

    def verbs(self, line_id: str) -> frozenset[Verb]:
        """Those of digital spans; whether this card's driver can loop, only the kernel knows."""
        spans = line_id.startswith("dahdi:") and line_id.removeprefix("dahdi:").isdigit()
        return frozenset((*COMMANDS, *VALUES)) if spans else frozenset()

    def current(self, line_id: str, verb: Verb, args: dict[str, Arg]) -> str:  # noqa: ARG002 - the protocol's shape
        """In the kernel's words."""
        if verb in COMMANDS:
            return _LOOPED if Alarm.LOOP in self._line(line_id)[0] else _NOT_LOOPED
        folder = self._root / f"sys/bus/dahdi_spans/devices/span-{_span(line_id)}"
        try:
            shown = (folder / "lineconfig").read_text(encoding="ascii").strip().split("/")
        except OSError as error:
            raise ReaderError("line.unknown", f"{line_id}: there is no such span ({error.strerror}).") from error
        known = VALUES[verb].values()
        return next((word for word in shown if word in known), "no CRC4" if verb is Verb.SET_CRC4 else "not set")

    def wanted(self, line_id: str, verb: Verb, args: dict[str, Arg]) -> str | None:
        """What :meth:`current` must say afterwards."""
        if verb in COMMANDS:
            return _NOT_LOOPED if verb is Verb.LOOP_OFF else _LOOPED
        value = str(args.get("value", ""))
        if value not in VALUES[verb]:
            raise ReaderError("line.bad_argument", f"{line_id}: values are {', '.join(VALUES[verb])}.")
        return VALUES[verb][value]

    def apply(self, line_id: str, verb: Verb, args: dict[str, Arg]) -> None:
        """Tell the kernel."""
        span = _span(line_id)
        if verb in COMMANDS:
            self._maint(span, COMMANDS[verb])
            return
        try:
            text = self._file.read_text(encoding="utf-8")
        except OSError as error:
            raise ReaderError("dahdi.no_config", f"{self._file} cannot be read: {error.strerror}.") from error
        words, value = span_settings(text, span), str(args["value"])
        match verb:
            case Verb.SET_FRAMING:
                words = changed(words, framing=value)
            case Verb.SET_CODING:
                words = changed(words, coding=value)
            case _:
                words = changed(words, crc4=value == "on")
        judge(span, self._config(with_settings(text, span, words)))

    def undo(self, line_id: str, verb: Verb, args: dict[str, Arg], before: str) -> tuple[Verb, dict[str, Arg]] | None:  # noqa: ARG002
        """A loop is taken off, a setting put back."""
        if verb in COMMANDS:
            return None if verb is Verb.LOOP_OFF else (Verb.LOOP_OFF, {})
        values = {seen: value for value, seen in VALUES[verb].items()}
        return (verb, {"value": values[before]}) if before in values else None

    def in_use(self, line_id: str) -> int | None:
        """Open channels."""
        return self._line(line_id)[1]

    def _line(self, line_id: str) -> tuple[frozenset[Alarm], int | None]:
        for line in self._reader.lines():
            if line.line_id == line_id:
                return line.alarms, line.in_use
        raise ReaderError("line.unknown", f"{line_id}: there is no such span.")


def _span(line_id: str) -> int:
    return int(line_id.removeprefix("dahdi:"))
