"""All operations: those of the nouns, then every other command of the box by its name."""

from __future__ import annotations

from appliance import commands as cmd
from appliance.commands import COMMANDS, UserCommand
from webui.api.v1.collection import Api
from webui.api.v1.declare import Operation
from webui.api.v1.nouns import box, calls, campaigns, care, people, quality, room

NOT_OFFERED: dict[type[UserCommand], str] = {
    cmd.Audit: "the box writes a line for each deed itself",
    cmd.FetchBackup: "answers with a path on the box; GET /backups/{name}/file gives the file",
    cmd.OpenRecording: "answers with a key; GET /recordings/{id}/audio gives the sound",
    cmd.ResetBox: "a person says this before the box, not a program",
    cmd.Decommission: "a person says this before the box, not a program",
    cmd.EnrolTotp: "the second factor is the person's own, not a program's",
    cmd.ConfirmTotp: "the second factor is the person's own, not a program's",
}
"""Commands that no key can give, and why."""


def _others(placed: set[type[UserCommand] | None]) -> Api:
    """What has no place of its own: open only to a key that may do everything; the service checks as it always does."""
    found = Api("Other commands")
    for command in COMMANDS:
        if issubclass(command, UserCommand) and command not in placed and command not in NOT_OFFERED:
            found.command("POST", f"/commands/{command.__name__}", command, every=True, timeout_s=30.0)
    return found


def _all() -> tuple[Operation, ...]:
    nouns = [
        *campaigns.collections(), *people.collections(), *calls.collections(), *room.collections(),
        *box.collections(), *quality.collections(), *care.collections(),
    ]  # fmt: skip
    placed = {operation.command for noun in nouns for operation in noun.operations}
    return tuple(operation for noun in [*nouns, _others(placed)] for operation in noun.operations)


OPERATIONS = _all()
_READS = [one.path for one in OPERATIONS if one.method == "GET" and one.path.endswith("}")]
READABLE = frozenset(path.rpartition("/{")[0] for path in _READS)
"""Addresses below which one thing can be read by its id."""
