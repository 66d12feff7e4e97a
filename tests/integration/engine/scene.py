"""The scene of the engine's tests: a real bus and store, the fake switch, agents who work by themselves."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import tomlkit
from sqlalchemy import func, select

from appliance import commands as cmd
from appliance.bus import Bus
from appliance.domain.campaign import ALL_DAY
from appliance.engine.runner import Engine
from appliance.errors import CallboxError
from appliance.events import LiveAgent, LiveAlert, LiveCampaign
from appliance.settings import Home, Settings, load_settings
from appliance.store import models
from appliance.store.db import Store, open_store
from tests.databases import new_store
from tests.integration.engine.fake_switch import FakeSwitch

CAMPAIGN = "c1"
CONFIG: dict[str, Any] = {
    "calling_hours": ALL_DAY, "wrap_up_s": 5, "attempts_total_max": 1, "rule_profile": "neutral",
}  # fmt: skip


@contextmanager
def nats_server(folder: Path, settings: Settings) -> Iterator[None]:
    process = subprocess.Popen([
        "nats-server", "-a", settings.bus.host, "-p", str(settings.bus.port), "-js", "-sd", str(folder / "js"),
        "--user", settings.bus.user, "--pass", settings.bus.password.get_secret_value(),
        "-l", str(folder / "nats.log"),
    ])  # fmt: skip
    try:
        yield
    finally:
        process.kill()
        process.wait(5)


def make_box(folder: Path, *, agents: int, numbers: int, mode: str = "progressive", channels: int = 30,
             dialling: dict[str, Any] | None = None, config: dict[str, Any] | None = None) -> Home:  # fmt: skip
    """Write a home with users a1.., seats s1.., trunk t1 and a campaign of `numbers` leads."""
    home = Home(folder / "home")
    home.make()
    changes = {"dialling": {"originate_per_s": 50.0, "abandon_after_s": 0.5, **(dialling or {})}}
    home.settings_file.write_text(tomlkit.dumps(changes))
    store = new_store(home, load_settings(home))
    now = datetime.now(UTC)
    with store.write() as session:
        people = [("boss", "supervisor"), *((f"a{n}", "agent") for n in range(1, agents + 1))]
        for user_id, role in people:
            session.add(models.User(
                id=user_id, login=user_id, display_name=user_id.upper(), role=role, password_hash="", created_at=now,
            ))  # fmt: skip
        for n in range(1, agents + 1):
            session.add(models.Seat(id=f"s{n}"))
        session.add(models.Trunk(id="t1", config={}, channels=channels))
        session.add(models.Campaign(
            id=CAMPAIGN, name="First", mode=mode, state="draft", config={**CONFIG, **(config or {})}, created_at=now,
        ))  # fmt: skip
        session.flush()
        for n in range(numbers):
            number = f"+861380000{n:04d}"
            session.add(models.Contact(id=f"k{n}", number=number, created_at=now))
            session.flush()
            session.add(models.Lead(
                id=f"l{n}", campaign_id=CAMPAIGN, contact_id=f"k{n}", number=number, name=f"Person {n}",
                state="waiting", next_attempt_at=now,
            ))  # fmt: skip
    store.close()
    return home


@dataclass
class Scene:
    """Handles of one running scene."""

    home: Home
    settings: Settings
    store: Store
    bus: Bus
    switch: FakeSwitch
    engine: Engine | None = None
    agents: dict[str, LiveAgent] = field(default_factory=dict)
    campaign: LiveCampaign | None = None
    alerts: list[LiveAlert] = field(default_factory=list)
    works: bool = True  # agents dispose and go on by themselves
    _busy: set[asyncio.Task[None]] = field(default_factory=set)

    async def ask(self, command: cmd.Command) -> cmd.Done:
        return await self.bus.request(command, timeout_s=5)

    async def seat(self, *numbers: int, ready: bool = True) -> None:
        for n in numbers:
            await self.ask(cmd.AgentLogin(actor_id=f"a{n}", seat_id=f"s{n}", ready=ready))

    async def act(self, action: str) -> cmd.Done:
        return await self.ask(cmd.CampaignAction(actor_id="boss", campaign_id=CAMPAIGN, action=action))

    async def start_engine(self) -> None:
        self.engine = Engine(self.settings, self.store)
        await self.engine.start()

    async def until(self, condition: Callable[[], Any], timeout_s: float = 20.0) -> None:
        async with asyncio.timeout(timeout_s):
            while not condition():
                await asyncio.sleep(0.02)

    def rows(self, model: type[Any]) -> list[Any]:
        with self.store.read() as session:
            return list(session.scalars(select(model)))

    def attempts(self) -> list[models.Attempt]:
        return self.rows(models.Attempt)

    def open_attempts(self) -> int:
        with self.store.read() as session:
            query = select(func.count()).where(models.Attempt.ended_at.is_(None))
            return session.scalar(query) or 0

    def state(self) -> str:
        with self.store.read() as session:
            return session.get_one(models.Campaign, CAMPAIGN).state

    def agent_state(self, agent_id: str) -> str:
        return self.agents[agent_id].state if agent_id in self.agents else ""

    async def on_agent(self, _topic: str, live: Any) -> None:
        self.agents[live.agent_id] = live
        if self.works and live.state == "wrap_up":
            task = asyncio.create_task(self._dispose(live))
            self._busy.add(task)
            task.add_done_callback(self._busy.discard)

    async def _dispose(self, live: LiveAgent) -> None:
        try:
            await self.ask(cmd.AgentDispose(
                actor_id=live.agent_id, conversation_id=live.conversation_id or "", disposition="informed",
            ))  # fmt: skip
        except CallboxError as error:  # the engine was killed meanwhile; its next view asks again
            print("not disposed:", error)

    async def on_campaign(self, _topic: str, live: Any) -> None:
        self.campaign = live

    async def on_alert(self, _topic: str, alert: Any) -> None:
        self.alerts.append(alert)


@asynccontextmanager
async def scene(
    folder: Path, *, in_process: bool = True, home: Home | None = None, **box: Any
) -> AsyncIterator[Scene]:
    """A box of `make_box`, or the one of a home that is there."""
    home = home or make_box(folder, **box)
    settings = load_settings(home)
    with nats_server(folder, settings):
        switch = FakeSwitch(settings.bus)
        await switch.start()
        bus = Bus(settings.bus, name="test")
        await bus.connect()
        store = open_store(home, settings)
        one = Scene(home, settings, store, bus, switch)
        await bus.subscribe_live("agent.*", one.on_agent)
        await bus.subscribe_live("campaign.*", one.on_campaign)
        await bus.subscribe_live("alert", one.on_alert)
        try:
            if in_process:
                await one.start_engine()
            yield one
        finally:
            if one.engine is not None:
                await one.engine.stop()
            await bus.close()
            await switch.stop()
            store.close()


def engine_process(home: Home) -> subprocess.Popen[bytes]:
    """Start the engine as the box does, to be killed."""
    return subprocess.Popen(
        [sys.executable, "-m", "appliance.services", "engine"], env={"CALLBOX_HOME": str(home.root), "PATH": "/usr/bin"}
    )
