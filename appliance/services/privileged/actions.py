"""Loads and checks the actions of `privd`, and turns a request into the one argument list that it stands for. Pure."""

from __future__ import annotations

import re
import sys
import tomllib
from dataclasses import dataclass
from importlib import resources

from appliance.errors import CallerError, NotAllowedError
from appliance.types import Role

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, kw_only=True)
class Action:
    """One thing that may be done as root."""

    name: str
    description: str
    command: tuple[str, ...]
    arguments: dict[str, str]
    roles: frozenset[Role]
    timeout_s: float
    units: frozenset[str] = frozenset()

    def check_unit(self, unit: str) -> None:
        """Raises NotAllowedError unless this unit of the box may ask; empty: no unit, a shell that root opened."""
        if unit and unit not in self.units:
            raise NotAllowedError("privileged.unit", f"'{self.name}' is not asked for by callbox-{unit}.")

    def argument_list(self, role: Role, given: dict[str, str]) -> list[str]:
        """Return the program and its arguments. Raises NotAllowedError or CallerError `privileged.argument`."""
        if role not in self.roles:
            raise NotAllowedError("privileged.role", f"'{self.name}' is not allowed for the role '{role}'.")
        if set(given) != set(self.arguments):
            raise CallerError(
                "privileged.argument", f"'{self.name}' takes exactly: {', '.join(self.arguments) or 'nothing'}."
            )
        for name, pattern in self.arguments.items():
            if not re.fullmatch(pattern, given[name]):
                raise CallerError("privileged.argument", f"'{self.name}': the value of '{name}' is not allowed.")
        return [_PLACEHOLDER.sub(lambda found: given[found.group(1)], word) for word in self.command]


def _program(command: list[str]) -> tuple[str, ...]:
    """The fixed words; `@python` is this interpreter, which looks only into its own folders for what it runs."""
    return (sys.executable, "-P", *command[1:]) if command[0] == "@python" else tuple(command)


def load_actions() -> dict[str, Action]:
    """Read actions.toml; a broken table is a programming error and raises at start, never at use."""
    table = tomllib.loads((resources.files(__package__) / "actions.toml").read_text("utf-8"))
    actions = {}
    for name, entry in table.items():
        used = {found for word in entry["command"] for found in _PLACEHOLDER.findall(word)}
        if used != set(entry["arguments"]):
            raise ValueError(f"action {name}: placeholders {used} are not its arguments")
        actions[name] = Action(
            name=name, description=entry["description"], command=_program(entry["command"]),
            arguments=dict(entry["arguments"]), roles=frozenset(Role(role) for role in entry["roles"]),
            timeout_s=float(entry["timeout_s"]), units=frozenset(entry["units"]),
        )  # fmt: skip
    return actions
