"""The service `watch` with its hardware side: what it writes down, tells, answers and refuses; with the real privd."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from appliance.bus import Bus
from appliance.commands import CheckArray, ReplaceDisk, RunDiskTest, ShowDisks
from appliance.errors import BusError, NotAllowedError, NotFoundError
from appliance.events import ClockTrust, LiveHardware, StorageState
from appliance.settings import Home, load_settings, save_settings
from appliance.types import LOCAL_ACTOR
from appliance.watch.root import RootActions
from appliance.watch.snapshot import read_snapshot
from drivers.lines import ReaderError
from tests.integration.engine.scene import make_box, nats_server

pytestmark = pytest.mark.integration

_DEADLINE_S = 60.0


async def until(look: Callable[[], Any]) -> Any:
    """Poll until it is true; fails after a minute."""
    begun = time.monotonic()
    while not (found := look()):
        assert time.monotonic() - begun < _DEADLINE_S
        await asyncio.sleep(0.05)
    return found


class Box:
    """A home with `privd` and `watch` running, and what was heard on the bus."""

    def __init__(self, home: Home, bus: Bus) -> None:
        self.home, self.bus = home, bus
        self.heard: dict[type, Any] = {}
        self.sections: set[str] = set()

    async def note(self, _topic: str, event: Any) -> None:
        self.heard[type(event)] = event
        if isinstance(event, LiveHardware):
            self.sections.add(event.section)


@asynccontextmanager
async def box(folder: Path) -> AsyncIterator[Box]:
    home = make_box(folder, agents=1, numbers=0)
    save_settings(home, {"hardware": {"clock_policy": "trusted"}})
    settings = load_settings(home)
    with nats_server(folder, settings):
        processes = [
            subprocess.Popen(
                [sys.executable, "-P", "-m", "appliance.services", name],
                env={**os.environ, "CALLBOX_HOME": str(home.root)},
            )
            for name in ("privd", "watch")
        ]
        bus = Bus(settings.bus, name="test")
        try:
            await bus.connect()
            one = Box(home, bus)
            for topic in ("hardware.*", "clock", "storage"):
                await bus.subscribe_live(topic, one.note)
            yield one
        finally:
            await bus.close()
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(20)


async def asked(bus: Bus, command: Any) -> Any:
    """Ask the watch, which may still be starting."""
    begun = time.monotonic()
    while True:
        try:
            return await bus.request(command, timeout_s=20)
        except BusError as error:
            if error.error_id != "bus.no_service" or time.monotonic() - begun > _DEADLINE_S:
                raise
            await asyncio.sleep(0.1)


def test_hardware_is_told_written_down_and_its_commands_are_guarded(tmp_path: Path) -> None:
    async def play() -> None:
        async with box(tmp_path) as b:
            await until(lambda: {"disks", "sensors", "clock"} <= b.sections)
            await until(lambda: {ClockTrust, StorageState} <= set(b.heard))
            assert b.heard[ClockTrust].trusted
            assert not b.heard[StorageState].degraded
            file = read_snapshot(b.home.hardware_file)
            assert not any(file.stale(name, time.time(), 60) for name in ("disks", "sensors", "clock"))

            shown = await asked(b.bus, ShowDisks(actor_id=LOCAL_ACTOR))
            assert {"disks", "arrays", "pictures", "replacement"} <= set(shown.data)
            with pytest.raises(NotAllowedError):
                await asked(b.bus, ShowDisks(actor_id="a1"))
            with pytest.raises(NotAllowedError):  # a supervisor sees, and changes nothing
                await asked(b.bus, ReplaceDisk(actor_id="boss", array="md0", serial="X", confirmation="0000"))
            with pytest.raises(NotFoundError):
                await asked(b.bus, RunDiskTest(actor_id=LOCAL_ACTOR, serial="no such disk"))
            with pytest.raises(NotFoundError):
                await asked(b.bus, CheckArray(actor_id=LOCAL_ACTOR, array="md7"))

    asyncio.run(play())


def test_the_root_helper_does_named_things_only(tmp_path: Path) -> None:
    async def play() -> None:
        async with box(tmp_path) as b:
            actions = RootActions(b.home.run / "privd.sock")
            await until(lambda: actions.available)
            for device in ("../sda", "wwn-0x12; reboot", "sda", ""):
                with pytest.raises(ReaderError) as refused:
                    actions.do("disk-signatures", device=device)
                assert refused.value.error_id == "privileged.argument"
            with pytest.raises(ReaderError) as unknown:
                actions.do("disk-erase")
            assert unknown.value.error_id == "privileged.unknown"
            # a disk that is not there: the real program says so, and nothing is taken for blank
            ran = actions.do("disk-signatures", device="ata-NO_SUCH_DISK_0000")
            assert ran.status != 0

    asyncio.run(play())


def test_without_the_root_helper_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(ReaderError) as away:
        RootActions(tmp_path / "privd.sock").do("disk-settle")
    assert away.value.error_id == "privd.away"
