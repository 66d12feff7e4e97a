"""From the gateway to the dialler: a span that fails takes its trunk out of dialling, and it comes back by itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from appliance.domain import line_alarms
from appliance.events import LiveHardware, TrunkService
from appliance.settings import load_settings, save_settings
from appliance.watch.hardware import Hardware
from appliance.watch.line_conditions import line_conditions
from appliance.watch.line_trunks import TrunkPlan
from appliance.watch.snapshot import Snapshot, read_snapshot
from drivers.e1_gateway.snmp_sim import SnmpGateway
from drivers.lines import Alarm
from tests.integration.engine.fake_switch import Fate
from tests.integration.engine.scene import Scene, scene

pytestmark = pytest.mark.integration

PATIENCE_S = 60.0
PLAN = TrunkPlan("t1", 30, ("gw:3", "gw:4"), ("127.0.0.9:5060",))


def open_channels(s: Scene) -> int:
    assert s.engine is not None
    return s.engine.room.trunks["t1"].open_channels(asyncio.get_running_loop().time())


def test_a_trunk_leaves_dialling_with_its_lines_and_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_alarms, "CLEAR_AFTER_S", 0.5)
    silent: list[str] = []

    async def play() -> None:
        gateway = SnmpGateway().start()
        async with scene(tmp_path, agents=1, numbers=2) as s:
            save_settings(s.home, {"hardware": {"trap_address": "127.0.0.1", "trap_port": 10162, "cards": [
                {"id": "gw", "source": "snmp", "profile": "ds1_mib", "address": f"127.0.0.1:{gateway.port}",
                 "community": "public", "poll_s": 0.5},
            ]}})  # fmt: skip
            gateway.traps_to = ("127.0.0.1", 10162)
            snapshot = Snapshot(s.home.hardware_file)
            words: list[TrunkService] = []
            sections: list[LiveHardware] = []

            async def on_word(_topic: str, word: object) -> None:
                if isinstance(word, TrunkService):
                    words.append(word)

            async def on_section(_topic: str, section: object) -> None:
                if isinstance(section, LiveHardware):
                    sections.append(section)

            await s.bus.subscribe_live("trunk.*", on_word)
            await s.bus.subscribe_live("hardware.lines", on_section)
            hardware = Hardware(
                s.home, load_settings(s.home), snapshot, silent_gateways=lambda: list(silent), trunks=lambda: [PLAN]
            )
            tasks = [asyncio.create_task(hardware.run(s.bus)), asyncio.create_task(snapshot.run(s.bus))]
            try:
                await s.until(lambda: words and words[-1].usable_channels == 30, PATIENCE_S)
                await s.until(lambda: len(hardware.lines.alarms) == 4, PATIENCE_S)

                gateway.spans[3].alarms = {Alarm.LOS}  # one of two: less channels are left
                gateway.trap(3)
                await s.until(lambda: hardware.lines.alarms["gw:3"].standing, PATIENCE_S)
                assert words[-1].usable_channels == 30  # the other span carries the trunk's 30
                gateway.spans[4].alarms = {Alarm.AIS, Alarm.RAI}
                gateway.trap(4)
                await s.until(lambda: open_channels(s) == 0, PATIENCE_S)
                assert words[-1].reason == "lines_down"
                found = {f.key: f for c in line_conditions(hardware.lines) for f in c.check()}
                assert set(found) == {"line.gw:3", "line.gw:4", "trunk.t1"}
                assert found["trunk.t1"].caused_by == "line.gw:3"
                assert found["line.gw:4"].alert == "line.ais"

                await s.seat(1)
                await s.act("start")
                await s.until(lambda: s.agent_state("a1") == "ready", PATIENCE_S)
                assert not s.attempts()
                s.switch.plan = lambda _number: Fate(talk_s=0.1)
                gateway.spans[4].alarms = set()
                await s.until(lambda: open_channels(s) == 30, PATIENCE_S)
                await s.until(lambda: s.state() == "finished", PATIENCE_S)
                assert len(s.attempts()) == 2

                silent.append("127.0.0.9:5060")  # OPTIONS alone
                await s.until(lambda: open_channels(s) == 0, PATIENCE_S)
                assert words[-1].reason == "sip"
                silent.clear()
                await s.until(lambda: open_channels(s) == 30, PATIENCE_S)
                await s.until(lambda: any(section.data["lines"] for section in sections), PATIENCE_S)
                rows = read_snapshot(s.home.hardware_file).sections["lines"].data["lines"]
                assert [row["line_id"] for row in rows] == ["gw:3", "gw:4", "gw:5", "gw:6"]
                assert rows[0]["trunks"] == ["t1"]
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                await asyncio.to_thread(gateway.stop)

    asyncio.run(play())
