"""Instruments on a pty and on TCP, well and with faults; pyvisa-sim for the logic alone."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.base import State, StateError
from drivers.instruments import simulator
from drivers.instruments.instrument import Instrument
from drivers.instruments.models import SHIPPED, find
from drivers.instruments.quantities import Quantity
from drivers.instruments.simulator import LanInstrument, ScpiBrain, SerialInstrument
from drivers.lines import ReaderError
from drivers.simkit.faults import Fault

pytestmark = pytest.mark.sim

Simulated = LanInstrument | SerialInstrument


@pytest.fixture(params=["serial", "lan"])
def device(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Simulated]:
    brain = simulator.meter_brain()
    made: Simulated = SerialInstrument(tmp_path, brain) if request.param == "serial" else LanInstrument(brain)
    made.start()
    yield made
    made.stop()


def meter(device: Simulated, tmp_path: Path, *, timeout_s: float = 20.0) -> Instrument:
    return Instrument(device.resource, find("scpi_meter"), timeout_s=timeout_s, lock_dir=tmp_path)


def test_a_healthy_pair(device: Simulated, tmp_path: Path) -> None:
    scene = device.brain.scene
    with meter(device, tmp_path) as instrument:
        assert instrument.identity.startswith("Callbox Sim,DMM")
        assert instrument.measure(Quantity.ON_HOOK_V).value == pytest.approx(-48.1)
        scene.play(Quantity.RING_V)
        ring = instrument.measure_ring(40.0, 60.0, time.monotonic)
        assert [reading.value for reading in ring] == [pytest.approx(82.1), pytest.approx(25.0)]
        scene.play(Quantity.LOOP_MA)
        instrument.permit(Quantity.LOOP_MA)
        assert instrument.measure(Quantity.LOOP_MA).value == pytest.approx(24.6)
        scene.insulation_ohm = math.inf
        instrument.permit(Quantity.INSULATION_OHM)
        assert instrument.measure(Quantity.INSULATION_OHM).over_range
    asked = device.brain.asked
    measured = [n for n, command in enumerate(asked) if command.startswith("MEAS")]
    assert measured
    assert all(asked[n + 1] == "SYST:ERR?" for n in measured)


@pytest.mark.parametrize("quantity", [Quantity.LOOP_MA, Quantity.INSULATION_OHM])
def test_a_yes_holds_for_one_dangerous_measurement(device: Simulated, tmp_path: Path, quantity: Quantity) -> None:
    with meter(device, tmp_path) as instrument:
        with pytest.raises(ReaderError, match="not said yes"):
            instrument.measure(quantity)
        instrument.permit(quantity)
        instrument.measure(quantity)
        with pytest.raises(ReaderError, match="not said yes"):
            instrument.measure(quantity)
    assert sum(command.startswith("MEAS") for command in device.brain.asked) == 1


@pytest.mark.parametrize(
    ("fault", "error_id"),
    [
        (Fault.HANG, "instrument.silent"),
        (Fault.NOISE, "instrument.garbled"),
        (Fault.NEW_WORDS, "instrument.refused"),
    ],
)
def test_faults_are_told_and_pass(device: Simulated, tmp_path: Path, fault: Fault, error_id: str) -> None:
    """The next measurement after a fault is right again: no late answer is taken for it."""
    slow = fault in (Fault.HANG, Fault.NEW_WORDS)  # both wait for the time-out
    instrument = meter(device, tmp_path, timeout_s=1.0 if slow else 20.0).open()
    device.brain.faults = {fault}
    with pytest.raises(ReaderError) as told:
        instrument.measure(Quantity.ON_HOOK_V)
    assert told.value.error_id == error_id
    device.brain.faults = set()
    instrument.close()
    with meter(device, tmp_path) as again:
        assert again.measure(Quantity.ON_HOOK_V).value == pytest.approx(-48.1)


def test_gone_in_the_middle_of_an_answer(device: Simulated, tmp_path: Path) -> None:
    instrument = meter(device, tmp_path, timeout_s=2.0).open()
    device.brain.faults = {Fault.REBOOT}
    with pytest.raises(ReaderError) as told:
        instrument.measure(Quantity.ON_HOOK_V)
    assert told.value.error_id in ("instrument.away", "instrument.silent", "instrument.garbled")
    assert instrument.state is State.CLOSED


def test_another_instrument_answers(device: Simulated, tmp_path: Path) -> None:
    device.brain.faults = {Fault.OTHER_CARD}
    instrument = Instrument(device.resource, find("sim_e1_tester"), timeout_s=20.0, lock_dir=tmp_path)
    with pytest.raises(ReaderError, match="SCOPE-1") as told:
        instrument.open()
    assert told.value.error_id == "instrument.other"
    assert device.brain.asked == ["*IDN?"]
    with pytest.raises(StateError):
        instrument.measure(Quantity.BER)


def test_one_owner(device: Simulated, tmp_path: Path) -> None:
    with meter(device, tmp_path), pytest.raises(ReaderError) as told:
        meter(device, tmp_path).open()
    assert told.value.error_id == "line.port_taken"


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(ReaderError) as told:
        Instrument(f"ASRL{tmp_path}/nothing::INSTR", find("scpi_meter"), timeout_s=1.0, lock_dir=tmp_path).open()
    assert told.value.error_id == "instrument.away"
    with pytest.raises(ReaderError) as told:
        Instrument("USB::x::INSTR", find("scpi_meter"), timeout_s=1.0, lock_dir=tmp_path).open()
    assert told.value.error_id == "instrument.away"
    with pytest.raises(ReaderError, match="names no instrument"):
        Instrument("GPIB0::1::INSTR; rm", find("scpi_meter"), lock_dir=tmp_path).open()


def test_no_bell(device: Simulated, tmp_path: Path) -> None:
    with meter(device, tmp_path) as instrument:
        assert len(instrument.measure_ring(40.0, 0.0, time.monotonic)) == 1


def test_e1_tester(tmp_path: Path) -> None:
    brain: ScpiBrain = simulator.tester_brain()
    device = LanInstrument(brain)
    device.start()
    brain.scene.slips = 3
    with Instrument(device.resource, find("sim_e1_tester"), timeout_s=20.0, lock_dir=tmp_path) as tester:
        found = {quantity: tester.measure(quantity).value for quantity in sorted(tester.offers)}
    device.stop()
    assert found == {Quantity.BER: 0.0, Quantity.SLIPS: 3.0, Quantity.OFFSET_PPM: pytest.approx(1.4)}


@pytest.mark.parametrize(
    "resource",
    ["ASRL1::INSTR", "TCPIP0::192.0.2.10::inst0::INSTR", "TCPIP0::192.0.2.10::5025::SOCKET",
     "USB0::0x05E6::0x6500::04400001::INSTR"],
)  # fmt: skip
def test_every_kind_of_resource(resource: str, tmp_path: Path) -> None:
    backend = f"{SHIPPED.parent / 'sim' / 'dmm.yaml'}@sim"
    with Instrument(resource, find("scpi_meter"), backend=backend, lock_dir=tmp_path) as instrument:
        assert instrument.measure(Quantity.ON_HOOK_V).value == pytest.approx(-48.123)
        assert instrument.measure(Quantity.RING_V).value == pytest.approx(82.1)
        instrument.permit(Quantity.INSULATION_OHM)
        assert instrument.measure(Quantity.INSULATION_OHM).over_range
