"""Test calls for the web: one at a time, each known for a while by its conversation's id."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from appliance import commands as cmd
from appliance.commands import Command, Done, UserCommand
from appliance.errors import CallboxError, CallerError, NotFoundError, ValidationErrors
from appliance.ids import new_id
from appliance.logs import get_logger
from appliance.types import Permission

Dial = Callable[[str, str, Callable[[str], None], str], dict[str, Any]]
"""(number, trunk id, say, conversation id) -> {outcome, reason, answered, seconds}; as services.test_call.dial."""
_NUMBER = re.compile(r"\+[0-9]{3,15}")
_KEPT = 20

Noted = Callable[[UserCommand, str, str, dict[str, Any]], Awaitable[None]]


@dataclass
class TestCall:
    """One call and what is known of it; its thread writes, others read."""

    __test__ = False  # no test of pytest's

    number: str
    trunk_id: str
    running: bool = True
    steps: list[str] = field(default_factory=list)
    result: dict[str, Any] = field(default_factory=dict)
    error_id: str = ""
    error: str = ""
    began_s: float = field(default_factory=time.monotonic)

    def as_data(self) -> dict[str, Any]:
        """As `ShowTestCall` replies."""
        return {
            "number": self.number, "trunk_id": self.trunk_id, "running": self.running, "steps": list(self.steps),
            "error_id": self.error_id, "error": self.error, "outcome": "", "reason": "", "answered": False,
            "seconds": time.monotonic() - self.began_s, **self.result,
        }  # fmt: skip


class TestCalls:
    """The handlers of test calls."""

    __test__ = False

    def __init__(self, dial: Dial, require: Callable[[str, Permission], None], noted: Noted) -> None:
        self._dial, self._require, self._noted = dial, require, noted
        self._calls: dict[str, TestCall] = {}

    def handlers(self) -> dict[type[Command], Callable[[Any], Awaitable[Done]]]:
        """Command -> what answers it."""
        return {cmd.BeginTestCall: self.begin, cmd.ShowTestCall: self.show}

    async def begin(self, command: cmd.BeginTestCall) -> Done:
        """Start a call. Raises ValidationErrors, `call.running`."""
        self._require(command.actor_id, Permission.TRUNKS_WRITE)
        number = re.sub(r"[\s().-]", "", command.number)
        if not _NUMBER.fullmatch(number):
            raise ValidationErrors([("number", "call.bad_number", "Write it with + and the country code.")])
        if any(call.running for call in self._calls.values()):
            raise CallerError("call.running", "A test call is under way; wait for its end.", retryable=True)
        call_id, call = new_id(), TestCall(number, command.trunk_id)
        self._calls[call_id] = call
        for old in list(self._calls)[:-_KEPT]:
            del self._calls[old]
        await self._noted(command, "trunk.test_call", f"trunk:{command.trunk_id}", {"conversation": call_id})
        threading.Thread(target=self._run, args=(call_id, call), name="test-call", daemon=True).start()
        return Done(id=call_id)

    async def show(self, command: cmd.ShowTestCall) -> Done:
        """How far it is."""
        await asyncio.to_thread(self._require, command.actor_id, Permission.TRUNKS_WRITE)
        call = self._calls.get(command.id)
        if call is None:
            raise NotFoundError("call.unknown", "This test call is not known any more.")
        return Done(id=command.id, data=call.as_data())

    def _run(self, call_id: str, call: TestCall) -> None:
        try:
            call.result = self._dial(call.number, call.trunk_id, call.steps.append, call_id)
        except CallboxError as error:
            call.error_id, call.error = error.error_id, error.message
            get_logger().warning("test call failed", trunk=call.trunk_id, error_id=error.error_id, error=error.message)
        finally:
            call.running = False
