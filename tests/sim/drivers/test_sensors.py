"""Sensors on their simulators: files as the kernel shows them, a NUT server on TCP, programs that answer from files."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.lines import ReaderError
from drivers.programs import LocalPrograms
from drivers.sensors.bmc import parse_sdr
from drivers.sensors.clock import parse_tracking, read_clock
from drivers.sensors.hwmon import Kind, read_hwmon
from drivers.sensors.links import read_links
from drivers.sensors.pressure import parse_pressure, read_resources
from drivers.sensors.sims import NutFault, NutServer, SensorTree, SimPrograms
from drivers.sensors.ups import NutClient, parse_status

pytestmark = pytest.mark.sim

SYNCED = "A9FEA97B,10.0.0.123,4,1700000000.1,0.000002,-0.000001,0.00001,-3.1,0.001,0.02,0.0005,0.0003,64.2,Normal\n"
NOT_SYNCED = "00000000,,0,0.000000000,0.0,0.0,0.0,0.0,0.0,0.0,1.0,1.0,0.0,Not synchronised\n"
LOCAL = "7F7F0101,,10,1700000000.1,0.0,0.0,0.0,-3.1,0.0,0.0,0.0,0.0,64.2,Normal\n"


def test_temperatures_and_fans_with_the_limits_of_their_chip(tmp_path: Path) -> None:
    tree = SensorTree(tmp_path)
    tree.sensor("coretemp", "temp1", 45500, label="Core 0", max=80000, crit=100000)
    tree.sensor("nct6775", "fan2", 1180, min=300)
    tree.sensor("nct6775", "temp7", 20000, max=0)
    found = {sensor.key: sensor for sensor in read_hwmon(tmp_path)}
    core, fan = found["coretemp/Core 0"], found["nct6775/fan2"]
    assert (core.kind, core.value, core.high, core.critical) == (Kind.TEMPERATURE, 45.5, 80.0, 100.0)
    assert (fan.kind, fan.value, fan.low) == (Kind.FAN, 1180.0, 300.0)
    assert found["nct6775/temp7"].high is None
    tree.sensor("coretemp", "temp1", None)
    assert "coretemp/Core 0" not in {sensor.key for sensor in read_hwmon(tmp_path)}


def test_links_are_hardware_ports_and_off_is_not_down(tmp_path: Path) -> None:
    tree = SensorTree(tmp_path)
    tree.link("eth0", up=True)
    tree.link("eth1", up=False, speed=-1)
    tree.link("eth2", up=None)
    (tmp_path / "sys/class/net/lo").mkdir()
    assert [(link.name, link.up, link.speed_mbps) for link in read_links(tmp_path)] == [
        ("eth0", True, 1000), ("eth1", False, None), ("eth2", None, 1000),
    ]  # fmt: skip


def test_memory_and_pressure(tmp_path: Path) -> None:
    tree = SensorTree(tmp_path)
    tree.memory(total_mb=4000, free_mb=100, waiting=0.25)
    found = read_resources(tmp_path)
    assert (found.memory_total_mb, found.memory_free_mb, found.disk) == (4000, 100, None)
    assert found.memory is not None
    assert found.memory.full_60 == 0.25
    assert parse_pressure("") is None


def test_a_ups_on_mains_then_on_a_battery_that_runs_out() -> None:
    with NutServer({"battery.runtime": "1800", "ups.mfr": "APC", "ups.model": 'Smart \\"X\\"'}) as server:
        client = NutClient("127.0.0.1", server.port)
        unit = client.read()[0]
        assert (unit.name, unit.model, unit.on_battery, unit.charge, unit.runtime_s) == (
            "office", 'APC Smart "X"', False, 1.0, 1800,
        )  # fmt: skip
        server.variables["ups.status"] = "OB DISCHRG LB RB"
        unit = client.read()[0]
        assert (unit.on_battery, unit.battery_low, unit.replace_battery) == (True, True, True)
        server.fault = NutFault.STALE
        unit = client.read()[0]
        assert (unit.on_battery, unit.error) == (None, "DATA-STALE")


@pytest.mark.parametrize("fault", [NutFault.HALF, NutFault.NOISE, NutFault.ENDLESS, NutFault.HANG])
def test_a_server_that_fails_is_an_error_never_mains(fault: NutFault) -> None:
    with NutServer() as server:
        server.fault = fault
        with pytest.raises(ReaderError):
            NutClient("127.0.0.1", server.port, timeout_s=0.5).read()


def test_no_server_is_an_error() -> None:
    with NutServer() as server:
        port = server.port
    with pytest.raises(ReaderError) as away:
        NutClient("127.0.0.1", port, timeout_s=0.5).read()
    assert away.value.error_id == "ups.away"


def test_chrony_synchronised_lost_local_and_away(tmp_path: Path) -> None:
    sim = SimPrograms(tmp_path)
    programs = LocalPrograms(str(tmp_path))
    sim.say("chronyc", SYNCED)
    status = read_clock(programs)
    assert (status.synchronised, status.source, status.stratum) == (True, "10.0.0.123", 4)
    assert status.error_bound_s == pytest.approx(0.000552)
    sim.say("chronyc", NOT_SYNCED)
    assert not read_clock(programs).synchronised
    sim.say("chronyc", LOCAL)  # the box's own clock posing as a source
    assert not read_clock(programs).synchronised
    sim.say("chronyc", "506 Cannot talk to daemon\n", status=1)
    with pytest.raises(ReaderError) as away:
        read_clock(programs)
    assert away.value.error_id == "clock.away"


def test_a_program_that_hangs_or_is_missing_is_said(tmp_path: Path) -> None:
    sim = SimPrograms(tmp_path)
    sim.hang("chronyc")
    with pytest.raises(ReaderError) as hangs:
        LocalPrograms(str(tmp_path)).run(("chronyc",), 0.3)
    assert hangs.value.error_id == "program.timeout"
    with pytest.raises(ReaderError) as missing:
        LocalPrograms().run(("no-such-program-here",), 1.0)
    assert missing.value.error_id == "program.missing"


def test_bmc_lines() -> None:
    found = parse_sdr("CPU Temp,45,degrees C,ok\nFAN1,300,RPM,cr\nPSU,no reading,,ns\nrubbish\n")
    assert [(s.name, s.value, s.ok, s.critical) for s in found] == [
        ("CPU Temp", 45.0, True, False), ("FAN1", 300.0, False, True),
    ]  # fmt: skip


@given(st.text(max_size=120))
def test_no_text_breaks_a_parser_or_makes_a_clock_right(text: str) -> None:
    with contextlib.suppress(ReaderError):
        assert not parse_tracking(text).synchronised
    parse_sdr(text)
    parse_pressure(text)


@given(st.dictionaries(st.sampled_from(["ups.status", "battery.charge", "battery.runtime"]), st.text(max_size=12)))
def test_no_variables_break_the_status_of_a_ups(variables: dict[str, str]) -> None:
    unit = parse_status("u", variables)
    assert unit.on_battery is not False or "OL" in variables["ups.status"]
