"""Breadth-first search over everything that may happen to a machine, from a start through all states it can reach."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Generic, TypeVar

State = TypeVar("State")


@dataclass(frozen=True)
class Seen(Generic[State]):
    """One state that was reached, and how: what happened to which state before."""

    state: State
    after: str = ""
    before: Hashable = None


class Space(Generic[State]):
    """All states that were found, by their canonical form."""

    def __init__(self, seen: dict[Hashable, Seen[State]]) -> None:
        self.seen = seen

    def way_to(self, key: Hashable) -> str:
        """Return what happened until a state was reached: for the message of a test that fails."""
        words: list[str] = []
        while key is not None:
            words.insert(0, self.seen[key].after)
            key = self.seen[key].before
        return " > ".join(words)


def explore(
    start: State,
    moves: Callable[[State], Iterable[tuple[str, Callable[[], State]]]],
    canonical: Callable[[State], Hashable],
    check: Callable[[State, str, State], None],
    states_max: int = 20_000,
) -> Space[State]:
    """Take every move from every state. `check(before, move, after)` raises AssertionError where a rule is broken."""
    first = canonical(start)
    seen: dict[Hashable, Seen[State]] = {first: Seen(start, "start")}
    space, todo = Space(seen), deque([first])
    while todo:
        key = todo.popleft()
        before = seen[key].state
        for name, move in moves(before):
            try:
                after = move()
                check(before, name, after)
            except Exception as error:
                raise AssertionError(f"{error!r} at: {space.way_to(key)} > {name}") from error
            found = canonical(after)
            if found not in seen:
                seen[found] = Seen(after, name, key)
                todo.append(found)
                assert len(seen) <= states_max, "the space has no end: something that counts is in the canonical form"
    return space


def plain(value: Any, now: datetime, *, without: frozenset[str], moving: frozenset[str] = frozenset()) -> Hashable:
    """Return the canonical form of a machine's data: all its fields but those `without` a say in what comes next.

    Instants named in `moving` count by their distance from `now` (past is past), all others only by being there, as do
    counters and texts that grow.
    """

    def form(one: Any, name: str) -> Hashable:
        kind = type(one)
        if kind in _SIMPLE:
            return bool(one) if name == "last_seq" else one
        if kind is datetime:
            return max(-1.0, round((one - now).total_seconds(), 3)) if name in moving else True
        if (parts := _parts(kind, without)) is not None:
            return tuple([form(getattr(one, part), part) for part in parts])
        if kind is dict:
            return bool(one)
        return one if isinstance(one, Hashable) else str(one)

    return form(value, "")


_SIMPLE = frozenset({str, int, float, bool, type(None)})


@lru_cache
def _parts(kind: type[Any], without: frozenset[str]) -> tuple[str, ...] | None:
    """The fields of a dataclass that count; None for any other type."""
    return tuple(part.name for part in fields(kind) if part.name not in without) if is_dataclass(kind) else None
