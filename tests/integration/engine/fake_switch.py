"""A switch that makes no calls: it answers Originate on the real bus and plays each number's fate as a worker would."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from appliance.bus import Bus
from appliance.commands import (
    Command,
    ConnectSeat,
    Done,
    HandOver,
    Hangup,
    Hold,
    Mute,
    Originate,
    PauseRecording,
    PlayPrompt,
)  # fmt: skip
from appliance.errors import CallboxError, CallerError
from appliance.events import (
    Bridged,
    Controls,
    ConversationEnded,
    DtmfReceived,
    HandedOver,
    Heard,
    LegAnswered,
    LegEnded,
    LegProgress,
    PromptEnded,
    SeatFailed,
    WorkerBeat,
)  # fmt: skip
from appliance.settings import BusSettings
from appliance.types import LegRole

HANDED_OVER = ("seat_id", "agent_id", "number", "trunk_id", "caller_id", "queue_id", "wait_s")


@dataclass(frozen=True)
class Fate:
    """What becomes of one call. `answer` None: never answered, ends with `sip_status`."""

    ring_s: float = 0.02
    answer: str | None = "human"  # the ear's final verdict after the answer
    early: str | None = None
    late: str | None = None  # what the ear says once an agent has the call
    sip_status: int = 486
    q850: int | None = None
    talk_s: float = 0.05  # the customer hangs up so long after the bridge
    patience_s: float = 20.0  # or so long after the answer when there is none
    dies_after_s: float | None = None  # its worker is killed so long after the start
    vanishes_after_s: float | None = None  # ... and nobody is left to tell
    retry_after_s: int | None = None
    keys: str = ""  # pressed once the first prompt sounds
    progress: bool = True  # something comes back before the end
    prompt_s: float = 0.05  # how long each prompt sounds
    heard_after_s: float = 0.0  # the ear's verdict comes so long after the answer
    beep_after_s: float | None = None  # a machine's beep, so long after its verdict


class Line:
    """One call and its worker."""

    def __init__(self, switch: FakeSwitch, command: Originate, fate: Fate) -> None:
        self.switch, self.command, self.fate = switch, command, fate
        self.seq = 0
        self.answered = False
        self.hung_up = asyncio.Event()
        self.hang_up_reason = ""
        self.bridged = asyncio.Event()
        self._prompts: list[asyncio.Task[None]] = []
        self.third: ConnectSeat | None = None
        self.controls: dict[str, bool] = {}
        self.ended = False

    def say(self, what: Callable[..., Any], **fields: Any) -> None:
        self.seq += 1
        self.switch.bus.publish_event(
            what(
                conversation_id=self.command.conversation_id, attempt_id=self.command.attempt_id, seq=self.seq,
                at_unix_s=time.time(), **fields,
            )
        )  # fmt: skip

    async def live(self) -> None:
        fate = self.fate
        beat = asyncio.create_task(self._beat())
        try:
            async with asyncio.timeout(fate.dies_after_s or fate.vanishes_after_s):
                await self._call()
        except TimeoutError:
            if fate.vanishes_after_s is None:
                self.seq = 999_999  # what the parent says of a worker that died
                self.say(ConversationEnded, lost=True)
        finally:
            self.ended = True
            beat.cancel()

    async def _beat(self) -> None:
        while True:
            beat = WorkerBeat(
                conversation_id=self.command.conversation_id, attempt_id=self.command.attempt_id, pid=1, slot=1,
                started_unix_s=time.time(),
            )  # fmt: skip
            await self.switch.bus.publish_live(f"worker.{self.command.conversation_id}", beat)
            await asyncio.sleep(0.5)

    async def _wait(self, event: asyncio.Event, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()
        return event.is_set()

    async def _call(self) -> None:
        fate = self.fate
        if fate.progress:
            self.say(LegProgress, role="trunk", sip_status=183, early_media=True)
        if fate.early is not None:
            self._heard("early", fate.early)
        hung_up = await self._wait(self.hung_up, fate.ring_s)
        if hung_up or fate.answer is None:
            self.say(
                LegEnded, role="trunk", sip_status=487 if hung_up else fate.sip_status, by_us=hung_up,
                reason=self.hang_up_reason, q850=fate.q850, retry_after_s=fate.retry_after_s,
            )  # fmt: skip
        else:
            self.answered = True
            self.say(LegAnswered, role="trunk")
            await self._wait(self.hung_up, fate.heard_after_s)
            self._heard("answered", fate.answer)
            if fate.beep_after_s is not None:
                await asyncio.sleep(fate.beep_after_s)
                self._heard("answered", "machine", reason="beep", final=False, evidence={"beep_end_ms": 900})
            await self._until_over()
            self.say(LegEnded, role="trunk", sip_status=200, answered=True, by_us=self.hung_up.is_set())
        self.say(ConversationEnded)

    async def _until_over(self) -> None:
        over = asyncio.create_task(self._wait(self.hung_up, self.fate.patience_s))
        bridged = asyncio.create_task(self.bridged.wait())
        await asyncio.wait({over, bridged}, return_when=asyncio.FIRST_COMPLETED)
        if self.bridged.is_set():
            if self.fate.late is not None:
                self._heard("answered", self.fate.late, reason="late_talks_on", final=False)
            await self._wait(self.hung_up, self.fate.talk_s)
        for task in (over, bridged):
            task.cancel()

    def _heard(
        self, phase: str, label: str, *, reason: str = "played", final: bool = True,
        evidence: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        self.say(Heard, phase=phase, label=label, kind="speech", reason=reason, confidence=0.9, decided_at_ms=20,
                 final=final, evidence=evidence or {})  # fmt: skip

    async def _play(self, prompt: PlayPrompt) -> None:
        """Sound a prompt; the first one is answered by keys."""
        keys, self.fate = self.fate.keys, replace(self.fate, keys="")
        for key in keys:
            self.say(DtmfReceived, role="trunk", digit=key)
        await asyncio.sleep(self.fate.prompt_s)
        if not self.bridged.is_set() and not self.hung_up.is_set():
            self.say(PromptEnded, prompt_id=prompt.prompt_id, role="trunk")
            if prompt.hangup_after:
                self.hung_up.set()

    def _beside(self, command: Command) -> bool:
        """A third party comes, goes or takes over; mute, hold and pauses of the recording."""
        match command:
            case ConnectSeat(role=LegRole.TRANSFER):
                self.third = command
                self.say(LegAnswered, role="transfer", seat_id=command.seat_id or None)
                self._stands(held=True)
            case Hangup(role=LegRole.TRANSFER):
                self.third = None
                self.say(LegEnded, role="transfer", sip_status=200, by_us=True)
                self._stands()
            case HandOver():
                self.say(LegEnded, role="seat", sip_status=200, reason="passed_on", by_us=True, answered=True)
                fields = {name: getattr(command, name) for name in HANDED_OVER}
                if self.third is not None and not command.queue_id:
                    fields = {**fields, "agent_id": self.third.agent_id, "seat_id": self.third.seat_id,
                              "number": self.third.number}  # fmt: skip
                self.say(HandedOver, joined=self.third is not None, **fields)
                self.third, self.controls = None, {}
                self._stands()
            case Hold():
                self._stands(held=not command.resume and not command.until_bridged)
            case Mute():
                self._stands(muted=command.on)
            case PauseRecording():
                self._stands(recording_paused=not command.resume)
            case _:
                return False
        return True

    def _stands(self, **changes: bool) -> None:
        self.controls |= changes
        third = self.third
        self.say(
            Controls, third="talking" if third else "", third_agent_id=third.agent_id if third else "",
            third_name=(third.number or third.seat_id) if third else "", **self.controls,
        )  # fmt: skip

    async def command_from_engine(self, command: Command) -> Done:
        self.switch.commands.append(command)
        if self.ended:
            raise CallerError("conversation.ended", "This conversation is over.")
        if self._beside(command):
            return Done()
        if isinstance(command, Hangup):
            self.hang_up_reason = command.reason
            self.hung_up.set()
        elif isinstance(command, PlayPrompt):
            self._prompts.append(asyncio.create_task(self._play(command)))
        elif isinstance(command, ConnectSeat):
            if command.seat_id in self.switch.dead_seats:
                self.say(SeatFailed, seat_id=command.seat_id, agent_id=command.agent_id, sip_status=480)
            else:
                self.say(LegAnswered, role="seat", seat_id=command.seat_id)
                self.say(Bridged, seat_id=command.seat_id, agent_id=command.agent_id)
                self.bridged.set()
        return Done(id=command.attempt_id if isinstance(command, Originate) else None)


@dataclass
class FakeSwitch:
    """Serves `switch`; `refuse` makes it say no; `originated` is what it was really told to dial."""

    settings: BusSettings
    plan: Callable[[str], Fate] = field(default=lambda _number: Fate())
    refuse: CallboxError | None = None
    dead_seats: set[str] = field(default_factory=set)
    originated: list[Originate] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    lines: dict[str, Line] = field(default_factory=dict)
    most_at_once: int = 0

    async def start(self) -> None:
        self.bus = Bus(self.settings, name="fake-switch")
        self._tasks: set[asyncio.Task[None]] = set()
        await self.bus.connect()
        await self.bus.serve("switch", self._on_command)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self.bus.close()

    async def _on_command(self, command: Command) -> Done:
        assert isinstance(command, Originate)
        if command.attempt_id in self.lines:
            raise CallerError("switch.duplicate", "This attempt was dialled already.")
        if time.time() - command.issued_at_unix_s > 2.0:
            raise CallerError("switch.expired", "This dial is too old.")
        if self.refuse is not None:
            raise self.refuse
        line = self.lines[command.attempt_id] = Line(self, command, self.plan(command.number))
        self.originated.append(command)
        await self.bus.serve(f"conversation.{command.conversation_id}", line.command_from_engine)
        task = asyncio.create_task(line.live())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.most_at_once = max(self.most_at_once, sum(not one.ended for one in self.lines.values()))
        return Done(id=command.conversation_id)
