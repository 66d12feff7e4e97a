"""The watch on simulated hardware: what is wrong is found once, said in words, cleared when it is over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance.clock import ManualClock
from appliance.errors import BoxError, CallerError
from appliance.settings import Home, Settings
from appliance.watch.clock import GRACE_S, ClockKnown, ClockWatch
from appliance.watch.conditions.base import Condition
from appliance.watch.disk_conditions import disk_conditions
from appliance.watch.disks import DiskWatch
from appliance.watch.sensor_conditions import sensor_conditions
from appliance.watch.sensors import SensorWatch
from appliance.watch.snapshot import Snapshot, read_snapshot
from drivers.programs import LocalPrograms
from drivers.raid.sims import SimBox, SimDisk
from drivers.sensors.sims import NutFault, NutServer, SensorTree, SimPrograms

pytestmark = pytest.mark.sim

START = datetime(2026, 3, 1, 2, 30, tzinfo=UTC)
A, B, NEW = "SN-AAAA0001", "SN-BBBB0002", "SN-DDDD0004"
SMART = (Path(__file__).parents[2] / "data/smart/ata.json").read_text().replace("QEMUSMART1", "%s")


def found(conditions: Sequence[Condition]) -> dict[str, str]:
    """Key -> id of its words, over all conditions; every finding has words."""
    findings = [finding for condition in conditions for finding in condition.check()]
    assert all(finding.title and finding.text for finding in findings)
    keys = [finding.key for finding in findings]
    assert len(keys) == len(set(keys))
    for condition in conditions:
        assert all(finding.key.startswith(condition.keys) for finding in condition.check())
    return {finding.key: finding.alert for finding in findings}


class Scene:
    """A box with a mirror, watched."""

    def __init__(self, folder: Path, **hardware: object) -> None:
        self.home = Home(folder / "home")
        self.home.make()
        self.sim = SimBox(folder / "root")
        self.settings = Settings.model_validate({"hardware": {"bays": "ata1=Left, ata2=Right", **hardware}})
        self.clock = ManualClock(START)
        for bay, serial in enumerate((A, B), start=1):
            self.sim.plug(SimDisk(serial, bay, smart=SMART.replace("%s", serial)))
        self.sim.create(A, B)
        self.watch = self.start()

    def start(self) -> DiskWatch:
        """The watch as after a restart: only the home is remembered."""
        self.watch = DiskWatch(self.home, self.settings, self.sim, self.clock, root=self.sim.root)
        return self.watch

    def look(self) -> dict[str, str]:
        self.watch.look()
        self.watch.ask_health()
        return found(disk_conditions(self.watch, self.settings))


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_before_the_first_look_nothing_is_said_to_be_well(scene: Scene) -> None:
    for condition in disk_conditions(scene.watch, scene.settings):
        if condition.id != "replacement":
            with pytest.raises(BoxError):
                condition.check()


def test_a_pulled_disk_is_named_also_after_a_restart(scene: Scene) -> None:
    assert scene.look() == {}
    scene.sim.pull(B)
    assert scene.look() == {"raid.degraded.md0": "raid.disk_missing"}
    scene.start()
    scene.look()
    finding = disk_conditions(scene.watch, scene.settings)[0].check()[0]
    assert (finding.data["serial"], finding.data["bay"]) == (B, "Right")
    assert B in finding.title


def test_a_replacement_goes_on_over_a_restart_and_ends(scene: Scene) -> None:
    scene.look()
    scene.sim.pull(B)
    scene.sim.plug(SimDisk(NEW, 2, smart=SMART.replace("%s", NEW)))
    with pytest.raises(CallerError, match="last four"):
        scene.watch.begin("md0", NEW, "0001", "u1")
    scene.watch.begin("md0", NEW, "0004", "u1")
    with pytest.raises(CallerError, match="already"):
        scene.watch.begin("md0", NEW, "0004", "u1")
    scene.watch.go_on()
    scene.start()
    seen = set()
    for _ in range(40):
        if not scene.watch.go_on():
            break
        scene.look()
        shown = scene.watch.replacement()
        assert shown is not None
        seen.add(shown["step"])
        scene.sim.copy(30)
    assert {"add", "wait", "copy_boot", "done"} <= seen
    assert scene.watch.memory.replacement is None
    assert scene.look() == {}
    assert scene.watch.memory.members["md0"] == sorted([A, NEW])


def test_a_replacement_that_is_stuck_is_an_alert_and_may_be_given_up(scene: Scene) -> None:
    scene.look()
    scene.sim.pull(B)
    scene.sim.plug(SimDisk(NEW, 2, smart=SMART.replace("%s", NEW)))
    scene.watch.begin("md0", NEW, "0004", "u1")
    scene.sim.fails["disk-table-copy"] = "Problem opening /dev/x for writing!"
    for _ in range(3):
        scene.watch.go_on()
    assert scene.look()["disk.replacement"] == "disk.replacement"
    scene.watch.give_up()
    assert "disk.replacement" not in scene.look()


def test_a_disk_that_fails_is_to_be_replaced_now(scene: Scene) -> None:
    disk = scene.sim.disks["sdb"]
    disk.smart_status = 8
    assert scene.look() == {f"disk.replace.{B}": "disk.replace_now.failing"}
    disk.smart_status = 0
    assert scene.look() == {}


def test_a_disk_that_gives_no_health_keeps_its_last_figures_marked_old(scene: Scene) -> None:
    scene.look()
    scene.sim.hangs.add("disk-smart")
    assert set(scene.look().values()) == {"disk.silent"}
    shown = scene.watch.section()["disks"][0]["health"]
    assert shown["error"]
    assert shown["report"]["serial"] == A


def test_another_disk_in_the_same_place_does_not_inherit_health(scene: Scene) -> None:
    scene.look()
    scene.sim.pull(B)
    scene.sim.plug(SimDisk(NEW, 2, smart=SMART.replace("%s", NEW)))
    scene.look()
    assert set(scene.watch.health) == {A, NEW}


def test_upkeep_starts_one_test_at_a_time_at_night(scene: Scene) -> None:
    scene.look()
    for _ in range(6):
        scene.watch.keep_up()
    begun = [name for name, _ in scene.sim.done if name in ("disk-self-test", "raid-check")]
    assert begun == ["disk-self-test"] * 4 + ["raid-check"]
    scene.sim.pull(B)
    scene.clock.advance(40 * 86400)
    scene.look()
    scene.watch.keep_up()
    assert len([name for name, _ in scene.sim.done if name == "disk-self-test"]) == 4


def test_a_damaged_history_is_begun_anew(scene: Scene) -> None:
    scene.look()
    scene.home.disk_history.write_text('{"disks": 7')
    scene.start()
    assert scene.look() == {}


def test_sensors_are_found_wrong_and_right_again(tmp_path: Path) -> None:
    tree = SensorTree(tmp_path)
    with NutServer({"battery.runtime": "600"}) as server:
        settings = Settings.model_validate({"hardware": {"nut_address": f"127.0.0.1:{server.port}"}})
        watch = SensorWatch(settings, SimBox(tmp_path / "box"), root=tmp_path)
        conditions = sensor_conditions(watch, settings)

        def look() -> dict[str, str]:
            watch.look()
            return found(conditions)

        tree.sensor("coretemp", "temp1", 45000, max=80000)
        tree.sensor("nct6775", "fan1", 1000)
        tree.sensor("nct6775", "fan2", 0)  # a header without a fan
        tree.link("eth0", up=True)
        tree.link("eth1", up=False)  # never had a cable
        tree.memory(total_mb=4000, free_mb=2000)
        tree.pressure("io", 0.0)
        assert look() == {}
        tree.sensor("coretemp", "temp1", 81000)
        tree.sensor("nct6775", "fan1", 0)
        tree.link("eth0", up=False)
        tree.memory(total_mb=4000, free_mb=50)
        tree.pressure("io", 0.7)
        server.variables["ups.status"] = "OB"
        assert look() == {
            "sensor.hot.coretemp/temp1": "sensor.hot", "sensor.fan.nct6775/fan1": "sensor.fan",
            "link.eth0": "link.down", "memory.low": "memory.low", "disk.slow": "disk.slow",
            "ups.mains.office": "ups.on_battery",
        }  # fmt: skip
        server.fault = NutFault.NOISE
        assert look()["ups.away"] == "ups.away"
        server.fault = NutFault.NONE
        server.variables["ups.status"] = "OL"
        tree.sensor("coretemp", "temp1", 78000)  # no flutter at the edge
        tree.sensor("nct6775", "fan1", 900)
        tree.link("eth0", up=True)
        tree.memory(total_mb=4000, free_mb=2000)
        tree.pressure("io", 0.0)
        assert look() == {"sensor.hot.coretemp/temp1": "sensor.hot"}
        tree.sensor("coretemp", "temp1", 70000)
        assert look() == {}


TRACKING = "A9FEA97B,10.0.0.1,4,1700000000.1,0.000002,0.0,0.0,-3.1,0.0,0.0,0.0005,%s,64.2,%s\n"


def test_the_clock_is_lost_slowly_and_found_at_once(tmp_path: Path) -> None:
    sim = SimPrograms(tmp_path)
    clock = ManualClock(START)
    watch = ClockWatch(Settings(), LocalPrograms(str(tmp_path)), clock)
    condition = ClockKnown(watch)

    def look() -> str:
        watch.look()
        trust = watch.trust()
        assert trust is not None
        assert trust.trusted == (not condition.check())
        return trust.reason

    sim.say("chronyc", TRACKING % ("0.001", "Normal"))
    assert look() == ""
    sim.say("chronyc", "506 Cannot talk to daemon", status=1)
    assert look() == ""  # it is being restarted
    clock.advance(GRACE_S + 1)
    assert look() == "no_answer"
    sim.say("chronyc", TRACKING % ("90.0", "Normal"))
    assert look() == "too_wrong"
    sim.say("chronyc", TRACKING % ("0.001", "Not synchronised"))
    assert look() == "not_synchronised"
    sim.say("chronyc", TRACKING % ("0.001", "Normal"))
    assert look() == ""


def test_the_snapshot_keeps_the_last_good_reading_and_says_that_it_is_old(tmp_path: Path) -> None:
    clock = ManualClock(START)
    snapshot = Snapshot(tmp_path / "hardware.json", clock)
    snapshot.put("disks", {"n": 1})
    snapshot.put("clock", {})
    assert [event.section for event in snapshot.due()] == ["clock", "disks"]
    snapshot.put("disks", {"n": 1})
    assert snapshot.due() == []
    clock.advance(1)
    snapshot.fail("disks", "the cable is out")
    assert [event.error for event in snapshot.due()] == ["the cable is out"]
    clock.advance(10)
    assert len(snapshot.due()) == 2
    snapshot.write()
    file = read_snapshot(tmp_path / "hardware.json")
    assert file.sections["disks"].data == {"n": 1}
    now = clock.now().timestamp()
    assert file.stale("disks", now, 30)
    assert not file.stale("clock", now, 30)
    assert file.stale("clock", now + 60, 30)
    (tmp_path / "hardware.json").write_text("{")
    assert read_snapshot(tmp_path / "hardware.json").stale("clock", now, 30)
