"""What drivers need from each other; small on purpose."""

from __future__ import annotations

from typing import Protocol

from drivers.lines import Verb

Arg = str | int | float | bool


class Transport(Protocol):
    """A byte stream with a file descriptor: a serial port or a socket."""

    name: str

    def open(self) -> None:
        """Take the port. Raises :class:`drivers.lines.ReaderError`."""
        ...

    def close(self) -> None:
        """Give it back. May be called twice."""
        ...

    def fileno(self) -> int:
        """The descriptor to read and write."""
        ...


class Actuator(Protocol):
    """The bare verbs of one kind of equipment; :class:`drivers.control.GuardedControl` makes them safe."""

    def verbs(self, line_id: str) -> frozenset[Verb]:
        """What this line can be told to do."""
        ...

    def current(self, line_id: str, verb: Verb, args: dict[str, Arg]) -> str:
        """Read back what `verb` is about, in the equipment's own words."""
        ...

    def wanted(self, line_id: str, verb: Verb, args: dict[str, Arg]) -> str | None:
        """What :meth:`current` must say when `verb` has been done; ``None`` = nothing to compare."""
        ...

    def apply(self, line_id: str, verb: Verb, args: dict[str, Arg]) -> None:
        """Tell the equipment. Raises :class:`drivers.lines.ReaderError`."""
        ...

    def undo(self, line_id: str, verb: Verb, args: dict[str, Arg], before: str) -> tuple[Verb, dict[str, Arg]] | None:
        """The verb that puts back what was `before`; ``None`` = there is none."""
        ...

    def in_use(self, line_id: str) -> int | None:
        """How many channels carry calls; ``None`` = not known."""
        ...
