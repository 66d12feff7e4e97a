"""The API's operations, each declared once: where it is, who may, what goes in and comes out, what it does.

Routes, checks and the OpenAPI document are made of these declarations. An operation that gives a command to a service
has its body made of the command's struct: without who asks (the token says so), without what the address says, with
an `upload_id` in place of a path on the box.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from datetime import datetime
from typing import Annotated, Any

import msgspec

from appliance.commands import Done, EditCommand, UserCommand
from appliance.types import Permission

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
LIMIT_MAX = 500
ACTOR = frozenset({"actor_id", "actor_address", "version", "session_token"})
_PLACE = re.compile(r"{(\w+)}")


def places_of(path: str) -> tuple[str, ...]:
    """Names in an address."""
    return tuple(_PLACE.findall(path))


@dataclass(frozen=True)
class Call:
    """One request, checked: values of the address, of the query, of the body (both as the declared structs)."""

    path: Mapping[str, str]
    query: Any = None
    body: Any = None


@dataclass(frozen=True)
class Paged:
    """One page of a list; `next_cursor` asks for the next one, null at the end."""

    items: list[Any]
    next_cursor: str | None = None


@dataclass(frozen=True)
class Operation:
    """`needs`: any one of these permissions (none: any user, or everybody when `public`); `every`: all of them.

    `answer`: what comes out (a type, `list[View]` for a page, None for bytes of `content_type`); `versioned`: a kind of
    `store.read.versions` whose version is the ETag, its key being the value of `version_key` in the address.
    """

    method: str
    path: str
    run: Callable[[Call], Any]
    summary: str
    tag: str
    needs: tuple[Permission, ...] = ()
    every: bool = False
    public: bool = False
    query: type[msgspec.Struct] | None = None
    body: type[msgspec.Struct] | None = None
    answer: Any = Done
    description: str = ""
    content_type: str = "application/json"
    takes_file: bool = False
    status: int = 200
    versioned: str = ""
    version_key: str = "id"
    command: type[UserCommand] | None = None

    @property
    def name(self) -> str:
        """The operationId, and the name of the route."""
        return re.sub(r"\W+", "_", f"{self.method.lower()}{self.path}").strip("_")

    @property
    def places(self) -> tuple[str, ...]:
        """Names in the address."""
        return places_of(self.path)

    @property
    def rule(self) -> str:
        """The address as Flask writes it."""
        return _PLACE.sub(r"<\1>", self.path)

    @property
    def is_edit(self) -> bool:
        """Whether it changes something that may have a version (If-Match)."""
        edits = self.command is not None and issubclass(self.command, EditCommand)
        return edits and self.method in ("PUT", "PATCH")


def body_of(
    command: type[UserCommand], left_out: frozenset[str] | set[str], method: str
) -> type[msgspec.Struct] | None:
    """The struct of what a caller may say; None when there is nothing to say."""
    declared: list[Any] = []
    for one in msgspec.structs.fields(command):
        if one.name != "path" or "path" in left_out:
            continue
        declared.append(("upload_id", str) if one.required else ("upload_id", str, ""))
        left_out = left_out | {"path", "file_name"}
    for one in msgspec.structs.fields(command):
        if one.name in left_out:
            continue
        if one.required:
            declared.append((one.name, one.type))
        elif one.default_factory is not msgspec.NODEFAULT:
            declared.append((one.name, one.type, msgspec.field(default_factory=one.default_factory)))
        else:
            declared.append((one.name, one.type, one.default))
    if not declared:
        return None
    name = f"{command.__name__}{method.title()}"  # one command may be given in two places
    return msgspec.defstruct(name, declared, kw_only=True, forbid_unknown_fields=True, frozen=True)


Limit = Annotated[int, msgspec.Meta(ge=1, le=LIMIT_MAX, description="Rows of a page.")]
Cursor = Annotated[str, msgspec.Meta(max_length=200, description="`next_cursor` of the page before.")]


def query_of(
    name: str, more: Mapping[str, tuple[Any, ...]], *, view: type[Any] | None = None, filters: tuple[str, ...] = (),
    page: bool = True,
) -> type[msgspec.Struct]:  # fmt: skip
    """The struct of a query: `filters` (columns of `view`), `more` fields as (type, default), those of a `page`."""
    types = {one.name: one.type for one in dataclass_fields(view)} if view else {}
    declared: list[Any] = [
        (wanted, bool | None if types.get(wanted) in ("bool", bool) else str | None, None) for wanted in filters
    ]
    declared += [(key, *what) for key, what in more.items()]
    if page:
        declared += [("limit", Limit, 50), ("cursor", Cursor | None, None)]
    return msgspec.defstruct(f"{name}Query", declared, kw_only=True, forbid_unknown_fields=True, frozen=True)


SPAN: dict[str, Any] = {"since": (datetime | None, None), "until": (datetime | None, None)}
"""Query fields of a list with instants: since (included) and until (not)."""

TEXT: tuple[Any, Any] = (str | None, None)
"""A query field that may be left out."""
