"""What every command is made of, and the two replies."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """The negative reply; becomes the CallboxError of class `kind` again at the caller."""

    kind: str  # class name in appliance.errors
    error_id: str
    message: str
    retryable: bool = False
    placeholders: dict[str, Any] = {}


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """The plain positive reply; `id` is what was made or touched, `data` what the caller asked for."""

    id: str | None = None
    data: dict[str, Any] = {}


class Command(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Base of all commands (tagged with the class name)."""

    SERVICE: ClassVar[str] = ""


class UserCommand(Command, frozen=True, kw_only=True):
    """A command that a person gave: who, from where (for permissions and audit)."""

    actor_id: str
    actor_address: str = ""


class EditCommand(UserCommand, frozen=True, kw_only=True):
    """A change of what the person looked at before: `version` says how it was then (`store.versions`).

    "": it is changed whatever it is now. Fails with ConflictError `edit.conflict` when somebody changed it meanwhile.
    """

    version: str = ""
