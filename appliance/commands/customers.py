"""Commands to the office (served by jobs): people by hand, their own fields, two who are one."""

from __future__ import annotations

from typing import Any, ClassVar

from appliance.commands.base import EditCommand, UserCommand


class SaveContact(EditCommand, frozen=True, kw_only=True):
    """Make (no id) or change a person; reply id. Fails with ValidationErrors by field.

    `numbers` [{number (any spelling), type}] in the order in which they are tried; a first number belongs to one person
    (`person.number_taken`). `custom` {key of a field: as typed}; a field that is not named stays as it is.
    """

    SERVICE: ClassVar[str] = "office"
    contact_id: str | None = None
    name: str = ""
    numbers: list[dict[str, str]] = []
    custom: dict[str, Any] = {}


class SaveContactField(EditCommand, frozen=True, kw_only=True):
    """Make (`new`) or change a field of people; `config` as domain.survey.FormField. Its kind stays. Reply id."""

    SERVICE: ClassVar[str] = "office"
    new: bool = False
    config: dict[str, Any]
    on_pop: bool = True
    retired: bool = False


class OrderContactFields(UserCommand, frozen=True, kw_only=True):
    """Show the fields in this order; those that are not named come after."""

    SERVICE: ClassVar[str] = "office"
    ids: list[str]


class MergeContacts(UserCommand, frozen=True, kw_only=True):
    """Make one person of two; reply id = merge, which can be undone for days (data.undo_until, ISO).

    The versions are those of SaveContact that were looked at ("": whatever they are now).
    `take` names what is taken of the one who goes: `name` and keys of fields; everything else stays as the kept one
    has it, or comes from the other where the kept one has nothing. Numbers, calls and places in campaigns move.
    """

    SERVICE: ClassVar[str] = "office"
    kept_id: str
    gone_id: str
    kept_version: str = ""
    gone_version: str = ""
    take: list[str] = []


class UndoMerge(UserCommand, frozen=True, kw_only=True):
    """Make two of them again; what happened since stays with the kept one. Reply id: the one who comes back."""

    SERVICE: ClassVar[str] = "office"
    merge_id: str
