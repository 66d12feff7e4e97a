"""The service `watch` with a real database: raise, clear, restart, other services' alerts, a database that is away."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from appliance import commands
from appliance.alerting import told
from appliance.bus import Bus
from appliance.clock import SystemClock
from appliance.commands import AcknowledgeAlert, SnoozeAlert
from appliance.errors import CallerError, NotFoundError, StoreError
from appliance.events import LiveAlert
from appliance.settings import Home, Settings
from appliance.store.db import Store
from appliance.store.read import alerts as reads
from appliance.types import LOCAL_ACTOR, Severity
from appliance.watch.conditions import Finding
from appliance.watch.manager import Manager
from appliance.watch.sinks.boards import AlertsFile
from appliance.watch.sinks.post import Post, Route
from tests.databases import new_store
from tests.sim.watch.test_sinks import Flaky

pytestmark = pytest.mark.sim


class Screens:
    """The bus, as far as the manager uses it."""

    def __init__(self) -> None:
        self.shown: list[LiveAlert] = []
        self.audited: list[commands.Audit] = []

    async def request(self, command: commands.Audit, *, timeout_s: float) -> commands.Done:
        assert timeout_s > 0
        self.audited.append(command)
        return commands.Done()

    async def publish_live(self, _topic: str, event: msgspec.Struct) -> None:
        assert isinstance(event, LiveAlert)
        self.shown.append(event)


class Weather:
    """A condition that the test decides."""

    id = "disk-space"
    interval_s = 0.01
    keys = ("weather.",)

    def __init__(self) -> None:
        self.now: list[Finding] = []

    def check(self) -> list[Finding]:
        return self.now


def rain(text: str = "disk.low", **more: Any) -> Finding:
    return Finding(key="weather.rain", severity=Severity.CRITICAL, alert=text,
                   data={"free_gb": 1, "reserve_mb": 64, **more})  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path)
    made.make()
    return made


@pytest.fixture
def store(home: Home) -> Iterator[Store]:
    made = new_store(home, Settings())
    yield made
    made.close()


def manager_of(store: Store, screens: Screens, home: Home, sink: Flaky | None = None) -> Manager:
    post = Post([Route(sink, 0)], home.outbox, lambda *_: None) if sink else None
    return Manager(
        store, cast("Bus", screens), post=post, boards=(AlertsFile(home.alerts_file),),
        escalate_after=timedelta(minutes=15),
    )  # fmt: skip


def test_a_condition_raises_once_and_clears_once(store: Store, home: Home) -> None:
    screens, weather, sink = Screens(), Weather(), Flaky("email", 0)
    manager = manager_of(store, screens, home, sink)

    async def scene() -> None:
        for found in ([rain()], [rain()], [rain(free_gb=0)], [], []):
            await manager.take(weather, found)

    asyncio.run(scene())
    assert [alert.raised for alert in screens.shown] == [True, True, False]  # the second: new figures
    assert len(sink.kept.wait(2)) == 2
    assert sink.kept.got[0] == sink.kept.got[1]  # one uid from raise to clear
    (row,) = reads.history(store)
    assert row.data["alert"] == "disk.low"
    assert row.data["free_gb"] == 0
    assert reads.standing(store) == []
    assert manager.post is not None
    manager.post.close()


def test_a_restart_neither_repeats_nor_forgets(store: Store, home: Home) -> None:
    screens, weather, sink = Screens(), Weather(), Flaky("email", 0)

    async def scene(found: list[Finding], *, sent: int) -> None:
        manager = manager_of(store, screens, home, sink)
        await manager.take(weather, found)
        await asyncio.to_thread(sink.kept.wait, sent)  # before the post closes: it would go out at the next start only
        assert manager.post is not None
        await asyncio.to_thread(manager.post.close)

    asyncio.run(scene([rain()], sent=1))
    asyncio.run(scene([rain()], sent=1))
    assert len(screens.shown) == 1
    asyncio.run(scene([], sent=2))
    assert [alert.raised for alert in screens.shown] == [True, False]
    assert len(sink.kept.got) == 2


def test_another_services_alert_and_its_cause(store: Store, home: Home) -> None:
    manager = manager_of(store, Screens(), home)
    now = SystemClock().now()

    async def scene() -> None:
        await manager.take(Weather(), [rain()])
        wet = told("job.failed", {"kind": "umbrella", "error": "torn."}, key="job.umbrella.failed",
                   severity=Severity.WARNING, raised=True, at=now, caused_by="weather.rain")  # fmt: skip
        await manager.on_alert("alert", wet)
        await manager.on_alert("alert", msgspec.structs.replace(wet, key="echo", source="watch"))

    asyncio.run(scene())
    assert {alert.key for alert in reads.standing(store)} == {"weather.rain", "job.umbrella.failed"}
    assert reads.standing_count(store) == 1  # what another explains rings no bell
    shown = msgspec.json.decode(home.alerts_file.read_bytes())
    assert {alert["key"]: alert["caused_by"] for alert in shown["standing"]} == {
        "weather.rain": "", "job.umbrella.failed": "weather.rain",
    }  # fmt: skip


def test_hands_on_alerts(store: Store, home: Home) -> None:
    screens = Screens()
    manager = manager_of(store, screens, home)

    async def scene() -> None:
        await manager.take(Weather(), [rain()])
        await manager.handle(SnoozeAlert(actor_id=LOCAL_ACTOR, key="weather.rain", minutes=30))
        assert reads.standing_count(store) == 0
        await manager.handle(AcknowledgeAlert(actor_id=LOCAL_ACTOR, key="weather.rain"))
        with pytest.raises(CallerError):
            await manager.handle(SnoozeAlert(actor_id=LOCAL_ACTOR, key="weather.rain", minutes=0))
        with pytest.raises(NotFoundError):
            await manager.handle(AcknowledgeAlert(actor_id=LOCAL_ACTOR, key="weather.sun"))
        with pytest.raises(NotFoundError):
            await manager.handle(commands.TestSink(actor_id=LOCAL_ACTOR, sink="email"))

    asyncio.run(scene())
    (row,) = reads.standing(store)
    assert row.acknowledged_by == LOCAL_ACTOR
    assert [(line.action, line.subject, line.detail) for line in screens.audited] == [
        ("alert.snoozed", "alert:weather.rain", {"minutes": 30}),
        ("alert.acknowledged", "alert:weather.rain", {}),
    ]


def test_without_a_database_alerts_still_leave_and_are_written_later(
    store: Store, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink, weather = Flaky("email", 0), Weather()
    manager = manager_of(store, Screens(), home, sink)

    def away(*_: object) -> None:
        raise StoreError("store.busy", "away", retryable=True)

    async def scene() -> None:
        with monkeypatch.context() as broken:
            broken.setattr(store, "write", away)
            await manager.take(weather, [rain()])
            await manager.take(weather, [])
            await manager.take(weather, [rain(free_gb=0)])
        assert reads.standing(store) == []
        await manager.take(weather, [rain(free_gb=3)])

    asyncio.run(scene())
    assert len(sink.kept.wait(3)) == 3
    (row,) = reads.standing(store)
    assert row.data["free_gb"] == 3
    assert manager.post is not None
    manager.post.close()
