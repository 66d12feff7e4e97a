"""One line in the audit log for what a person had `watch` do."""

from __future__ import annotations

from typing import Any

from appliance.bus import Bus
from appliance.commands import Audit, UserCommand
from appliance.errors import CallboxError
from appliance.logs import get_logger

_ANSWER_S = 5.0


async def audited(bus: Bus, command: UserCommand, action: str, subject: str, detail: dict[str, Any]) -> None:
    """Have it written. The hardware and its alarms matter more than the log: its absence is told and stops nothing."""
    line = Audit(
        actor_id=command.actor_id, actor_address=command.actor_address, action=action, subject=subject, detail=detail
    )
    try:
        await bus.request(line, timeout_s=_ANSWER_S)
    except CallboxError as error:
        get_logger().error(
            "not audited", action=action, subject=subject, actor=command.actor_id, error=error.message
        )  # fmt: skip
