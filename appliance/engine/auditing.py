"""Lines of the audit log that the engine asks for: the office writes them, a moment later if it is away now."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from appliance import commands as cmd
from appliance.bus import Bus
from appliance.errors import CallboxError
from appliance.logs import get_logger

_WAITS_S = (5.0, 10.0, 20.0)


class Auditor:
    """`spawn` runs what takes longer than the command that is audited."""

    def __init__(self, bus: Bus, spawn: Callable[[Coroutine[Any, Any, None]], object]) -> None:
        self._bus, self._spawn = bus, spawn
        self._log = get_logger()

    def note(self, command: cmd.UserCommand, action: str, subject: str, **detail: Any) -> None:
        """Who gave the command has done this."""
        entry = cmd.Audit(
            actor_id=command.actor_id, actor_address=command.actor_address, action=action, subject=subject,
            detail=detail,
        )  # fmt: skip
        self._spawn(self._write(entry))

    async def _write(self, entry: cmd.Audit) -> None:
        for wait_s in _WAITS_S:
            try:
                await self._bus.request(entry, timeout_s=wait_s)
                return
            except CallboxError as error:
                self._log.warning("not in the audit log yet", subject=entry.subject, error_id=error.error_id)
        self._log.error("not in the audit log", subject=entry.subject, action=entry.action, actor=entry.actor_id)
