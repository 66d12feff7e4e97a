"""What the real `watch` puts into its sections is what the pages read: same names, same meaning."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from appliance.clock import SystemClock
from appliance.settings import Home, Settings
from appliance.watch.disks import DiskWatch
from appliance.watch.lines import LineWatch
from drivers.lines import Alarm, ChannelState, Counters, LineKind, LineStatus
from drivers.raid.sims import SimBox, SimDisk
from tests.sim.web.fakes import FakeBox
from tests.sim.web.forms import post
from webui.hardware.disk_view import arrays, disks
from webui.hardware.line_view import lines
from webui.hardware.readings import Reading

pytestmark = pytest.mark.sim

SMART = (Path(__file__).parents[2] / "data/smart/ata.json").read_text()
GOOD, GONE, NEW = "SN-AAAA0001", "SN-BBBB0002", "SN-DDDD0004"


def _status(*alarms: Alarm) -> LineStatus:
    return LineStatus(
        line_id="gw1:1", kind=LineKind.E1, name="Gateway 1, port 1", up=not alarms, alarms=frozenset(alarms),
        d_channel_l1=not alarms, d_channel_l2=not alarms, channels=(ChannelState.BUSY,) * 31, in_use=30,
        counters=Counters(3, 0, 0, 0, None, 0, 120.0), fxo=None, source="snmp", taken_at_unix_s=time.time(),
    )  # fmt: skip


def test_lines_as_the_watch_tells_them(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.make()
    cards = [{"id": "gw1", "profile": "ds1_mib", "address": "192.0.2.1"}]
    watch = LineWatch(home, Settings.model_validate({"hardware": {"cards": cards}}))
    (card,) = (state.settings for state in watch.cards.values())

    def shown() -> Reading:
        return Reading(watch.section(), time.time(), silent=False)

    watch.take(card, (_status(),), None)
    (line,) = lines(shown())
    assert (line.state, line.cause, line.calls, line.colour) == ("up", "", 30, "green")
    assert ("es", 3) in line.counters
    for _ in range(3):
        watch.take(card, (_status(Alarm.LOS, Alarm.RAI),), None)
    (line,) = lines(shown())
    assert (line.state, line.cause, line.colour) == ("down", "los", "red")
    assert "rai" in line.followed
    watch.take(card, None, None)
    (line,) = lines(shown())
    assert (line.stale, line.state, line.calls) == (True, "unknown", None)


def test_disks_as_the_watch_tells_them(tmp_path: Path, new_box: FakeBox) -> None:
    home = Home(tmp_path / "home")
    home.make()
    sim = SimBox(tmp_path / "root")
    settings = Settings.model_validate({"hardware": {"bays": "ata1=Left, ata2=Right"}})
    for bay, serial in enumerate((GOOD, GONE), start=1):
        sim.plug(SimDisk(serial, bay, smart=SMART.replace("QEMUSMART1", serial)))
    sim.create(GOOD, GONE)
    watch = DiskWatch(home, settings, sim, SystemClock(), root=sim.root)
    watch.look()
    watch.ask_health()
    found = Reading(watch.section(), time.time(), silent=False)
    assert [(array.name, array.state) for array in arrays(found)] == [("md0", "whole")]
    assert [(disk.bay, disk.serial, disk.role, disk.array) for disk in disks(found)] == [
        ("Left", GOOD, "", "md0"), ("Right", GONE, "", "md0"),
    ]  # fmt: skip
    assert all(disk.remarks and disk.attributes for disk in disks(found))
    sim.pull(GONE)
    sim.plug(SimDisk(NEW, 2))
    watch.look()
    found = Reading(watch.section(), time.time(), silent=False)
    assert [(array.state, array.missing[0]["serial"]) for array in arrays(found)] == [("degraded", GONE)]
    assert [disk.role for disk in disks(found) if disk.serial == GOOD] == ["good"]

    new_box.set_up()
    shown = watch.show()
    new_box.bus.watch.show_disks = lambda: shown
    page = new_box.client("administrator").get("/disks/replace").text
    assert page.index("Do not touch") < page.index("May be taken")
    assert f'name="serial" value="{NEW}"' in page
    form = {"array": "md0", "serial": NEW, "confirmation": "0004"}
    assert post(new_box.client("administrator"), "/disks/replace", form).status_code == 302
