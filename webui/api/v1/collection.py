"""A collection of operations about one noun: reads, and operations that give a command to a service."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from appliance.commands import Done, UserCommand
from appliance.store.read import tables
from appliance.store.read.tables import Rows
from appliance.types import Permission
from webui.access import reach
from webui.api.v1 import cursors
from webui.api.v1.declare import ACTOR, SPAN, Call, Operation, Paged, body_of, places_of, query_of
from webui.api.v1.give import give
from webui.box import store

After = Callable[[Call, Done], Done]


@dataclass
class Api:
    """A collection of operations; a module of nouns makes one."""

    tag: str
    operations: list[Operation] = field(default_factory=list)

    def add(self, method: str, path: str, *needs: Permission, **more: Any) -> None:
        """Declare one operation."""
        self.operations.append(Operation(method, path, tag=self.tag, needs=needs, **more))

    def get(
        self, path: str, answer: Any, fetch: Callable[[Call], Any], *needs: Permission, summary: str, **more: Any
    ) -> None:  # fmt: skip
        """Declare a read; `fetch` gives None for 404."""
        self.add("GET", path, *needs, run=fetch, answer=answer, summary=summary, **more)

    def command(
        self, method: str, path: str, command: type[UserCommand], *needs: Permission, hidden: tuple[str, ...] = (),
        fixed: Mapping[str, Any] | None = None, timeout_s: float = 15.0, after: After | None = None, **more: Any,
    ) -> None:  # fmt: skip
        """Declare an operation that gives a command; `hidden` fields keep their defaults, `fixed` ones these values.

        `after` makes the answer of the command's reply where that holds more than a caller may see.
        """
        places = set(places_of(path))
        left_out = ACTOR | places | set(hidden) | set(fixed or {})
        text = " ".join((command.__doc__ or "").split("\n\n")[0].split())
        defaults: dict[str, Any] = {
            "summary": _summary(text, method) or command.__name__, "description": _paragraphs(command.__doc__ or ""),
            "run": _giver(command, dict(fixed or {}), timeout_s, after),
            "body": body_of(command, left_out, method), "status": 201 if method == "POST" and "id" in hidden else 200,
        }  # fmt: skip
        self.add(method, path, *needs, command=command, **{**defaults, **more})

    def rows(
        self, path: str, table: Rows, *needs: Permission, summary: str, filters: tuple[str, ...] = (),
        agents: Permission | None = None, present: tuple[str, ...] = (), one: bool = True, versioned: str = "",
        **more: Any,
    ) -> None:  # fmt: skip
        """Declare the list of a table and the read of one row; `agents`: whose reach limits whose rows are shown.

        `filters`: columns by equality; `present`: columns that must not be null.
        """
        span = SPAN if table.at else {}
        query = query_of(table.view.__name__, span, view=table.view, filters=filters)

        def fetch(call: Call) -> Paged:
            asked = call.query
            people = reach(agents) if agents is not None else None
            equal = {name: getattr(asked, name) for name in filters if getattr(asked, name) is not None}
            found = tables.page(
                store(), table, equal=equal, present=present, size=asked.limit,
                since=asked.since if span else None, until=asked.until if span else None,
                among=None if people is None else {"agent_id": people}, after=cursors.read(asked.cursor, table.key),
            )  # fmt: skip
            return Paged(found.rows, cursors.write(found.older))

        def fetch_one(call: Call) -> Any:
            found = tables.one(store(), table, call.path[table.key])
            people = reach(agents) if agents is not None and found is not None else None
            return found if people is None or getattr(found, "agent_id", None) in people else None

        self.get(path, list[table.view], fetch, *needs, summary=summary, query=query, **more)  # type: ignore[name-defined]
        if one:
            self.get(f"{path}/{{{table.key}}}", table.view, fetch_one, *needs, summary=f"{summary}: one of them",
                     versioned=versioned, version_key=table.key)  # fmt: skip


def whole(rows: list[Any]) -> Paged:
    """A short list that has no pages."""
    return Paged(rows)


_EITHER = re.compile(r"^Make(?: \([^)]*\))? or change |^Make, or change ")


def _summary(text: str, method: str) -> str:
    """The first sentence; of a command that makes or changes, what this operation does."""
    said = _EITHER.sub("Make " if method == "POST" else "Change ", _first_sentence(text))
    return said[: said.rindex("(")].strip() if said.count("(") > said.count(")") else said


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=[.;:])\s", text, maxsplit=1)[0].rstrip(".;:") if text else ""


def _paragraphs(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n") if part.strip())


def _giver(
    command: type[UserCommand], fixed: dict[str, Any], timeout_s: float, after: After | None
) -> Callable[[Call], Done]:
    def run(call: Call) -> Done:
        done = give(command, {**call.path, **fixed}, call.body, timeout_s)
        return done if after is None else after(call, done)

    return run
