"""The SNMP reader on a real UDP agent: v2c and v3, faults, traps, loop-backs."""

from __future__ import annotations

import queue
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.cards import snmp_card
from drivers.e1_gateway.snmp import SnmpReader
from drivers.e1_gateway.snmp_sim import BOOT_S, SnmpGateway, load_agent
from drivers.e1_gateway.snmp_wire import Trap, TrapReceiver, oid
from drivers.last_good import STUCK_S
from drivers.lines import Alarm, ChannelState, ReaderError, Verb
from drivers.profiles import find
from drivers.resources import SnmpAgent
from drivers.simkit.faults import Fault

pytestmark = pytest.mark.sim

PROFILE = find("ds1_mib")
TRAP_OID = oid("1.3.6.1.2.1.10.18.15.0.1")


@pytest.fixture
def gateway() -> Iterator[SnmpGateway]:
    one = SnmpGateway().start()
    yield one
    one.stop()


def agent(gateway: SnmpGateway, *, v3: bool = False) -> SnmpAgent:
    if v3:
        return SnmpAgent(
            "127.0.0.1", gateway.port, user=gateway.user, auth_key=gateway.auth_key, priv_key=gateway.priv_key
        )
    return SnmpAgent("127.0.0.1", gateway.port, community=gateway.community)


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reader(gateway: SnmpGateway, clock: Clock) -> Iterator[SnmpReader]:
    one = SnmpReader("gw", agent(gateway), PROFILE, monotonic=clock)
    yield one
    one.close()


@pytest.mark.parametrize("v3", [False, True])
def test_reads_spans_channels_and_layers(gateway: SnmpGateway, v3: bool) -> None:
    gateway.spans[4].busy = {1, 16}
    gateway.spans[5].layer_2 = False
    gateway.spans[6].alarms = {Alarm.LOS, Alarm.RAI}
    one = SnmpReader("gw", agent(gateway, v3=v3), PROFILE)
    try:
        lines = {line.line_id: line for line in one.lines()}
    finally:
        one.close()
    assert list(lines) == ["gw:3", "gw:4", "gw:5", "gw:6"]
    assert (lines["gw:3"].up, lines["gw:3"].error) == (True, "")
    assert [slot for slot, state in enumerate(lines["gw:4"].channels, 1) if state is ChannelState.BUSY] == [1, 17]
    assert (lines["gw:5"].up, lines["gw:5"].d_channel_l1, lines["gw:5"].d_channel_l2) == (True, True, False)
    assert (lines["gw:6"].up, lines["gw:6"].alarms) == (False, {Alarm.LOS, Alarm.RAI})
    assert one.engine_id == gateway.engine_id


def test_who_is_not_let_in_is_told_why(gateway: SnmpGateway) -> None:
    right = agent(gateway, v3=True)
    wrong = {
        "snmp.wrong_community": SnmpAgent("127.0.0.1", gateway.port, community="wrong"),
        "snmp.wrong_key": replace(right, auth_key="another-key"),
        "snmp.no_address": SnmpAgent("no-such-host.invalid", community="public"),
    }
    for error_id, one in wrong.items():
        reader = SnmpReader("gw", one, PROFILE)
        with pytest.raises(ReaderError) as raised:
            reader.lines()
        reader.close()
        assert raised.value.error_id == error_id
    for one in (replace(right, user="nobody"), replace(right, priv_key="another-key")):
        reader = SnmpReader("gw", one, PROFILE)
        with pytest.raises(ReaderError) as raised:
            reader.lines()
        reader.close()
        assert raised.value.error_id == "snmp.wrong_key"


def test_silence_is_an_error_and_it_is_read_again_after_it(gateway: SnmpGateway, reader: SnmpReader) -> None:
    reader.lines()
    gateway.faults.add(Fault.HANG)
    with pytest.raises(ReaderError) as raised:
        reader.lines()
    assert raised.value.error_id == "snmp.no_answer"
    gateway.faults.clear()
    assert all(line.up for line in reader.lines())


def test_a_reboot_is_silence_and_then_a_fresh_start() -> None:
    own_time = Clock()
    gateway = SnmpGateway(monotonic=own_time).start()
    reader = SnmpReader("gw", agent(gateway), PROFILE)
    try:
        own_time.now_s = 100.0
        gateway.spans[3].busy = {5}
        assert reader.lines()[0].in_use == 1
        gateway.restart()
        with pytest.raises(ReaderError, match="does not answer"):
            reader.lines()
        own_time.now_s += BOOT_S
        lines = reader.lines()
    finally:
        reader.close()
        gateway.stop()
    assert all(line.up for line in lines)
    assert lines[0].in_use == 0
    assert lines[0].counters is not None
    assert lines[0].counters.age_s == 0


@pytest.mark.parametrize("fault", [Fault.NOISE, Fault.LIES])
def test_garbage_and_lies_are_never_up(gateway: SnmpGateway, reader: SnmpReader, fault: Fault) -> None:
    assert all(line.up for line in reader.lines())
    gateway.faults.add(fault)
    for _ in range(5):
        assert not any(line.up for line in reader.lines())
    gateway.faults.clear()
    assert all(line.up for line in reader.lines())


def test_a_stuck_card_is_stale_after_a_minute(gateway: SnmpGateway, reader: SnmpReader, clock: Clock) -> None:
    gateway.faults.add(Fault.STUCK)
    assert all(line.up for line in reader.lines())
    clock.now_s += STUCK_S + 1
    lines = reader.lines()
    assert all(line.stale and line.up is None and "stood still" in line.error for line in lines)


def test_another_card_is_not_believed(gateway: SnmpGateway, reader: SnmpReader) -> None:
    reader.lines()
    gateway.faults.add(Fault.OTHER_CARD)
    with pytest.raises(ReaderError) as raised:
        reader.lines()
    assert raised.value.error_id == "snmp.other_card"
    named = SnmpReader("gw", replace(agent(gateway), name="gateway-1"), PROFILE)
    with pytest.raises(ReaderError):
        named.lines()
    gateway.faults.clear()
    assert named.lines()
    named.close()


@pytest.mark.parametrize("version", ["v2c", "v3"])
def test_a_trap_names_the_gateway_and_the_line(gateway: SnmpGateway, version: str) -> None:
    heard: queue.Queue[Trap] = queue.Queue()
    one = agent(gateway, v3=version == "v3")
    receiver = TrapReceiver("127.0.0.1", 0, [one], heard.put)
    receiver.start()
    try:
        receiver.know(one, gateway.engine_id)
        gateway.traps_to, gateway.trap_version = ("127.0.0.1", receiver.port), version
        gateway.spans[5].alarms = {Alarm.AIS}
        gateway.trap(5)
        trap = heard.get(timeout=60)
    finally:
        receiver.close()
    assert (trap.host, trap.kind) == ("127.0.0.1", TRAP_OID)
    assert trap.values[oid("1.3.6.1.2.1.10.18.6.1.10.5")] == 8


def test_a_trap_of_a_stranger_and_garbage_are_dropped(gateway: SnmpGateway) -> None:
    heard: queue.Queue[Trap] = queue.Queue()
    receiver = TrapReceiver("127.0.0.1", 0, [SnmpAgent("127.0.0.1", community="another")], heard.put)
    receiver.start()
    try:
        gateway.traps_to = ("127.0.0.1", receiver.port)
        gateway.trap(3)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as noise:
            for data in (b"", b"\x30\x82\xff\xff", b"\x00" * 1400):
                noise.sendto(data, ("127.0.0.1", receiver.port))
        right = SnmpGateway(community="another", traps_to=("127.0.0.1", receiver.port), seed=1).start()
        right.trap(4)
        assert heard.get(timeout=60).values[oid("1.3.6.1.2.1.10.18.6.1.10.4")] == 1
        right.stop()
        assert heard.empty()
    finally:
        receiver.close()


def test_a_loop_is_set_read_back_and_taken_off(gateway: SnmpGateway, tmp_path: Path) -> None:
    card = snmp_card("gw", agent(gateway), PROFILE, tmp_path / "tests.json")
    try:
        assert card.control.verbs("gw:3") == {Verb.LOOP_OFF, Verb.LOOP_LINE, Verb.LOOP_LOCAL, Verb.LOOP_PAYLOAD}
        gateway.spans[3].busy = {1}
        with pytest.raises(ReaderError) as raised:
            card.control.do("gw:3", Verb.LOOP_LINE, seconds=5)
        assert raised.value.error_id == "line.in_use"
        change = card.control.do("gw:3", Verb.LOOP_LINE, seconds=5, force=True)
        assert (change.before, change.after, change.verified) == ("loop_off", "loop_line", True)
        assert card.reader.lines()[0].alarms == {Alarm.LOOP}
        change = card.control.do("gw:3", Verb.LOOP_OFF)
        assert change.after == "loop_off"
        assert card.reader.lines()[0].up is True
        gateway.faults.add(Fault.DEAF)
        gateway.spans[3].busy = set()
        with pytest.raises(ReaderError) as raised:
            card.control.do("gw:3", Verb.LOOP_LOCAL, seconds=5)
        assert raised.value.error_id == "line.change_not_taken"
    finally:
        card.reader.close()


def test_fxo_ports_are_read_like_spans() -> None:
    gateway = SnmpGateway(load_agent("audiocodes_fxo"), seed=7).start()
    try:
        gateway.ports[1] |= {"hook": True, "milliamps": 21, "volts": -8}
        gateway.ports[2] |= {"connected": False, "volts": 0}
        card = snmp_card("fxo", agent(gateway), find("audiocodes_fxo"), Path("/nonexistent"))
        lines = {line.line_id: line for line in card.reader.lines()}
        assert [(name, line.up, line.in_use) for name, line in lines.items()] == [
            ("fxo:fxo0", True, 0), ("fxo:fxo1", True, 1), ("fxo:fxo2", False, 0), ("fxo:fxo3", True, 0),
        ]  # fmt: skip
        assert lines["fxo:fxo1"].fxo is not None
        assert lines["fxo:fxo1"].fxo.milliamps == 21
        assert not card.control.verbs("fxo:fxo1")
        gateway.faults.add(Fault.NOISE)
        for line in card.reader.lines():  # a port that was down is not up again by noise either
            assert line.up is None
            assert line.stale
        gateway.faults.clear()
        gateway.ports[2]["connected"] = True
        assert all(line.up and not line.stale for line in card.reader.lines())
        card.reader.close()
    finally:
        gateway.stop()
