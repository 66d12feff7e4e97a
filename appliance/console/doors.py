"""What the console has done for it by rooms that it may not import; `services.console` puts the real ones in.

Each raises CallboxError with words for the technician. All work without web; those that read or restart work without
bus and database too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # importing it would cost the first paint
    from appliance.commands import Command, Done

Say = Callable[[str], None]


@dataclass(frozen=True)
class ServiceLine:
    """One service as supervisor sees it."""

    name: str
    state: str
    since_s: float


class Doors(Protocol):
    """The box behind the console."""

    def services(self) -> list[ServiceLine]: ...

    def restart(self, name: str) -> None: ...

    def health(self) -> dict[str, Any]: ...

    def check(self, say: Say) -> dict[str, Any]:
        """The full check; `say` gets a line for each thing looked at."""
        ...

    def bundle(self, folder: Path, say: Say) -> Path:
        """Write a support bundle into a folder and return its path."""
        ...

    def ask(self, command: Command) -> Done:
        """Have a running service do it."""
        ...

    def trunks(self) -> list[str]: ...

    def test_call(self, number: str, trunk_id: str, say: Say) -> dict[str, Any]:
        """Dial a number and listen; returns {outcome, reason, answered, seconds}."""
        ...

    def line_test(
        self, pair: str, resource: str, say: Say, ask: Callable[[str], str], *, actor_id: str, simulate: bool
    ) -> dict[str, Any]:
        """Measure a pair step by step with an instrument (empty `resource`: the one in the settings).

        Returns the result with `figures` and `verdict`, empty when nothing was measured. Needs no other service.
        """
        ...

    def line_test_report(self, test_id: str, folder: Path) -> Path:
        """Write the signed report of a result into a folder and return its path."""
        ...

    def is_set_up(self) -> bool:
        """Whether there is an administrator; True when the database is away (then only the service code opens)."""
        ...

    def log_in(self, login: str, password: str, code: str) -> str:
        """The id of the administrator; raises CallerError when it is not one."""
        ...

    def logins(self) -> list[str]: ...

    def set_password(self, login: str, password: str, actor_id: str) -> None: ...

    def set_up_link(self) -> str | None:
        """The one-time link while no administrator exists."""
        ...

    def root(self, action: str, actor_id: str, **arguments: str) -> str:
        """A named action of privd; returns what it printed."""
        ...

    def root_actions(self) -> frozenset[str]:
        """The actions that privd offers here; empty when it does not run."""
        ...

    def note(self, actor_id: str, action: str, subject: str) -> None:
        """One line in the audit log, and in the console's log when that is away."""
        ...

    def run(self, command: Sequence[str], say: Say) -> int:
        """Run a registered program and say its lines; returns its exit status."""
        ...
