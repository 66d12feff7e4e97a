"""Simulated agents: they log in over the bus, talk for a while, hang up, choose a disposition, are ready again.

Each reacts to its own `LiveAgent` view and to nothing else, as the page of a real agent does.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

from appliance.bench.room import AgentSpec, RoomPlan
from appliance.bench.sound_sources import generator_for
from appliance.bus import Bus
from appliance.commands import AgentDispose, AgentHangup, AgentLogin, AgentLogout, AgentPreview, AgentReady, UserCommand
from appliance.errors import BusError, CallboxError
from appliance.events import LiveAgent
from appliance.logs import get_logger
from appliance.settings import Settings
from appliance.types import AgentState, Disposition

_RETRY_S = 1.0
_BACK_FROM_PAUSE_S = 3.0
_READS_RECORD_S = 1.0
_BUS_WAIT_S = 60.0


class SimulatedAgent:
    """One agent. `see` takes each live view; the pending action of an older state is dropped."""

    def __init__(self, bus: Bus, spec: AgentSpec, plan: RoomPlan) -> None:
        self.spec = spec
        self.talked = 0
        self._bus = bus
        self._plan = plan
        self._random = generator_for("agent", plan.seed, spec.agent_id)
        self._state = ""
        self._conversation_id = ""
        self._task: asyncio.Task[None] | None = None
        self._log = get_logger(agent=spec.agent_id)

    def start(self) -> None:
        self._begin(self._log_in())

    def see(self, view: LiveAgent) -> None:
        """Act on a change of state."""
        if view.conversation_id:
            self._conversation_id = view.conversation_id
        if view.state == self._state:
            return
        self._state = view.state
        self._cancel()
        if view.state == AgentState.TALKING:
            self.talked += 1
            self._begin(self._after(self._draw(self._plan.talk_s), AgentHangup(actor_id=self.spec.agent_id)))
        elif view.state == AgentState.WRAP_UP:
            self._begin(self._after(self._draw(self._plan.wrap_up_s), self._dispose()))
        elif view.state == AgentState.PAUSED:
            self._begin(self._after(_BACK_FROM_PAUSE_S, AgentReady(actor_id=self.spec.agent_id)))
        elif view.state == AgentState.READY and self._plan.preview:
            self._begin(self._ask_for_record())
        elif view.state == AgentState.PREVIEWING:
            self._begin(self._after(_READS_RECORD_S, AgentPreview(actor_id=self.spec.agent_id, action="dial")))
        elif view.state == AgentState.OFFLINE:
            self._begin(self._log_in())

    def _draw(self, limits: tuple[float, float]) -> float:
        return float(self._random.uniform(*limits))

    def _dispose(self) -> AgentDispose:
        codes = list(self._plan.dispositions)
        weights = [self._plan.dispositions[code] for code in codes]
        chosen = codes[int(self._random.choice(len(codes), p=[w / sum(weights) for w in weights]))]
        promise = chosen == Disposition.PROMISE_TO_PAY
        next_week = datetime.now(UTC).date() + timedelta(days=7)
        return AgentDispose(
            actor_id=self.spec.agent_id, conversation_id=self._conversation_id, disposition=chosen,
            promise_amount_minor=10_000 if promise else None, promise_date=next_week.isoformat() if promise else None,
        )  # fmt: skip

    async def _log_in(self) -> None:
        command = AgentLogin(actor_id=self.spec.agent_id, seat_id=self.spec.seat_id, ready=True)
        while not await self._ask(command):
            await asyncio.sleep(_RETRY_S)

    async def _ask_for_record(self) -> None:
        """Ask until a record is on the screen (then the state changes and this ends by cancelling)."""
        while True:
            with contextlib.suppress(CallboxError):  # none may be called now, or the engine is away
                await self._bus.request(AgentPreview(actor_id=self.spec.agent_id, action="next"))
            await asyncio.sleep(_RETRY_S)

    async def _after(self, wait_s: float, command: UserCommand) -> None:
        await asyncio.sleep(wait_s)
        while not await self._ask(command):
            await asyncio.sleep(_RETRY_S)

    async def _ask(self, command: UserCommand) -> bool:
        """Send; False when it is worth another try (the engine is away)."""
        try:
            await self._bus.request(command)
        except BusError:
            return False
        except CallboxError as error:
            self._log.info("refused", command=type(command).__name__, error_id=error.error_id)
            return not error.retryable
        return True

    def _begin(self, action: Coroutine[Any, Any, None]) -> None:
        self._task = asyncio.ensure_future(action)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def leave(self) -> None:
        """Log out (best effort: the engine may be gone already)."""
        self._cancel()
        with contextlib.suppress(CallboxError):
            await self._bus.request(AgentLogout(actor_id=self.spec.agent_id), timeout_s=1.0)


class AgentRoom:
    """All simulated agents on one bus connection."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings.bus
        self._bus: Bus | None = None
        self._agents: dict[str, SimulatedAgent] = {}

    async def follow(self, plan: RoomPlan) -> None:
        """Let the planned agents work; those no longer planned leave. Raises BusError when the bus stays away."""
        if plan.agents and self._bus is None:
            self._bus = Bus(self._settings, name="bench-agents")
            await self._bus.connect(timeout_s=_BUS_WAIT_S)
            await self._bus.subscribe_live("agent.*", self._on_live)
        wanted = {spec.agent_id: spec for spec in plan.agents}
        for agent_id in [a for a in self._agents if a not in wanted]:
            await self._agents.pop(agent_id).leave()
        for agent_id, spec in wanted.items():
            if agent_id not in self._agents and self._bus is not None:
                self._agents[agent_id] = SimulatedAgent(self._bus, spec, plan)
                self._agents[agent_id].start()

    async def _on_live(self, topic: str, event: object) -> None:
        del topic
        if isinstance(event, LiveAgent) and event.agent_id in self._agents:
            self._agents[event.agent_id].see(event)

    async def close(self) -> None:
        if self._bus is not None:
            await asyncio.gather(*(agent.leave() for agent in self._agents.values()))
            await self._bus.close()
