"""Callers for the engine's tests: each plays the worker of an inbound call on the real bus."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any

from appliance.bus import Bus
from appliance.commands import AnswerInbound, Command, ConnectSeat, Done, Hangup, Hold, PlayPrompt
from appliance.errors import CallerError
from appliance.events import (
    Bridged,
    ConversationEnded,
    DtmfReceived,
    InboundOffered,
    LegAnswered,
    LegEnded,
    PromptEnded,
    SeatFailed,
    WorkerBeat,
)  # fmt: skip
from appliance.ids import new_id

QUEUE_NUMBER = "+861088886666"


class Caller:
    """One caller; `commands` is what the engine told his worker, `heard` the prompts."""

    def __init__(self, bus: Bus, caller: str, called: str = QUEUE_NUMBER) -> None:
        self.call_id = new_id()
        self.caller, self.called = caller, called
        self.commands: list[Command] = []
        self.answered = self.ended = False
        self.bridged_to = ""
        self.dead_seats: set[str] = set()
        self._bus = bus
        self._seq = 0
        self._beat: asyncio.Task[None] | None = None

    @property
    def heard(self) -> list[str]:
        return [p for c in self.commands if isinstance(c, PlayPrompt) for p in (c.prompt_id, *c.then)]

    @property
    def has_music(self) -> bool:
        return any(isinstance(c, Hold) and c.until_bridged for c in self.commands)

    def _say(self, what: Callable[..., Any], **fields: Any) -> None:
        self._seq += 1
        self._bus.publish_event(
            what(conversation_id=self.call_id, attempt_id=self.call_id, seq=self._seq, at_unix_s=time.time(), **fields)
        )

    async def ring(self) -> Caller:
        await self._bus.serve(f"conversation.{self.call_id}", self._on_command)
        self._beat = asyncio.create_task(self._beats())
        self._say(InboundOffered, trunk_id="t1", caller=self.caller, called=self.called)
        return self

    async def _beats(self) -> None:
        beat = WorkerBeat(conversation_id=self.call_id, attempt_id=self.call_id, pid=1, slot=1, started_unix_s=0.0)
        while True:
            await self._bus.publish_live(f"worker.{self.call_id}", beat)
            await asyncio.sleep(0.5)

    async def _on_command(self, command: Command) -> Done:
        if self.ended:
            raise CallerError("conversation.ended", "This conversation is over.")
        self.commands.append(command)
        match command:
            case AnswerInbound() if not self.answered:
                self.answered = True
                self._say(LegAnswered, role="trunk")
            case PlayPrompt():
                self._say(PromptEnded, prompt_id=command.prompt_id, role="trunk")
                if command.hangup_after:
                    await self.hang_up(by_us=True)
            case ConnectSeat():
                if self.bridged_to:
                    raise CallerError("conversation.seat_busy", "Another seat is being connected to this call.")
                if command.seat_id in self.dead_seats:
                    self._say(SeatFailed, seat_id=command.seat_id, agent_id=command.agent_id, sip_status=480)
                else:
                    self.bridged_to = command.agent_id
                    self._say(Bridged, seat_id=command.seat_id, agent_id=command.agent_id)
            case Hangup():
                await self.hang_up(by_us=True)
        return Done()

    def press(self, digit: str) -> None:
        self._say(DtmfReceived, role="trunk", digit=digit)

    async def hang_up(self, *, by_us: bool = False) -> None:
        if not self.ended:
            self.ended = True
            await self.stop()
            self._say(LegEnded, role="trunk", sip_status=200, by_us=by_us, answered=self.answered)
            self._say(ConversationEnded)

    async def stop(self) -> None:
        """Beat no more."""
        if self._beat is not None:
            self._beat.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._beat
            self._beat = None
