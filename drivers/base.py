"""What all drivers share: the life cycle closed -> open -> closed, its guard, and the errors of it.

A *resource* (see :mod:`drivers.resources`) says where a thing is; a *driver* is what can be done with it. A driver is
opened before use and closed with ``close()`` (twice is fine, never in ``__del__``); calling it in between raises an
error that names the thing, the method and the state.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from enum import StrEnum
from types import TracebackType
from typing import Concatenate, ParamSpec, Self, TypeVar, cast

from drivers.lines import ReaderError

P = ParamSpec("P")
R = TypeVar("R")
D = TypeVar("D", bound="Driver")


class State(StrEnum):
    """Where in its life a driver is."""

    CLOSED = "closed"
    OPEN = "open"


class StateError(ReaderError):
    """A driver was used while it was not open: a mistake in the program, not in the hardware."""


class Driver:
    """The life cycle. A concrete driver implements ``on_open`` and ``on_close`` and guards its methods."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.state = State.CLOSED

    def open(self) -> Self:
        """Open the resource; open already is fine. Raises :class:`ReaderError` and stays closed."""
        if self.state is State.CLOSED:
            self.on_open()
            self.state = State.OPEN
        return self

    def close(self) -> None:
        """Let go of the resource. May be called twice."""
        if self.state is State.OPEN:
            self.state = State.CLOSED
            self.on_close()

    def on_open(self) -> None:
        """Take the resource."""

    def on_close(self) -> None:
        """Give the resource back; never raises for a resource that has gone."""

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def needs_open(method: Callable[Concatenate[D, P], R]) -> Callable[Concatenate[D, P], R]:
    """Guard a method: the driver must be open."""

    @functools.wraps(method)
    def guarded(self: D, *args: P.args, **kwargs: P.kwargs) -> R:
        if self.state is not State.OPEN:
            raise StateError("driver.not_open", f"{self.name}: {method.__name__} was called while {self.state}.")
        return method(self, *args, **kwargs)

    return cast("Callable[Concatenate[D, P], R]", guarded)
