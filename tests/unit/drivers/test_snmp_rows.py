"""Tables of a gateway as lines: what cannot be, and what the profile does not know, is never up."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.e1_gateway.snmp import Rows
from drivers.e1_gateway.snmp_wire import Column
from drivers.lines import Alarm, ChannelState, LineStatus
from drivers.profiles import find

pytestmark = pytest.mark.unit

WORDS = find("ds1_mib").snmp
assert WORDS is not None
COUNTERS = ("es", "ses", "uas", "css", "lcv", "pcv")


def table(status: Any = 1, *, age: Any = 300, bearers: int = 0, number_from: int = 1, **more: Any) -> dict[str, Column]:
    columns: dict[str, Column] = {
        "line_status": {(3,): status}, "line_type": {(3,): 5}, "time_elapsed": {(3,): age}, "circuit": {(3,): b"E1 3"},
    }  # fmt: skip
    columns |= {name: {(3,): more.get(name, 0)} for name in COUNTERS}
    columns["lapd"] = {(103,): more.get("lapd", 3)}
    columns["bearer"] = {(200 + n,): 4 if n in more.get("busy", ()) else 1 for n in range(bearers)}
    columns["bearer_channel"] = {(200 + n,): n + number_from for n in range(bearers)}
    columns["stack"] = {(103, 3): 1} | {(200 + n, 3): 1 for n in range(bearers)}
    return columns


def read(columns: dict[str, Column]) -> LineStatus:
    (line,) = Rows("gw", WORDS, columns, 1.0).lines()
    return line


def test_a_healthy_span() -> None:
    line = read(table(bearers=30, busy=(0, 20)))
    assert (line.line_id, line.name, line.up, line.error) == ("gw:3", "E1 3", True, "")
    assert (line.d_channel_l1, line.d_channel_l2) == (True, True)
    assert line.in_use == 2
    assert line.channels[0] is ChannelState.BUSY
    assert line.channels[15] is ChannelState.SIGNALLING
    assert line.channels[21] is ChannelState.BUSY  # B channel 21 rides in time slot 22
    assert ChannelState.UNKNOWN not in line.channels
    assert line.counters is not None
    assert line.counters.age_s == 300


def test_gateways_that_number_by_time_slot() -> None:
    columns = table(bearers=31, busy=(20,))
    del columns["bearer"][(215,)]
    line = read(columns)
    assert line.channels[20] is ChannelState.BUSY


@pytest.mark.parametrize(
    ("bits", "alarm"),
    [(64, Alarm.LOS), (32, Alarm.LOF), (8, Alarm.AIS), (2, Alarm.RAI), (512, Alarm.LOMF), (256, Alarm.T16AIS),
     (128, Alarm.LOOP)],
)  # fmt: skip
def test_each_alarm_bit(bits: int, alarm: Alarm) -> None:
    line = read(table(bits, bearers=30))
    assert (line.up, line.alarms, line.error) == (False, frozenset({alarm}), "")
    assert set(line.channels) == {ChannelState.ALARM, ChannelState.SIGNALLING}


def test_what_we_send_is_no_alarm_of_the_line() -> None:
    assert read(table(4)).up is True


@pytest.mark.parametrize("status", [0, 4096, 1 | 8192, 1 << 20, -1, b"\x01", (1, 3), None])
def test_a_status_that_is_not_known_is_not_up(status: Any) -> None:
    columns = table(status)
    line = read(columns)
    assert line.up is None
    assert line.error


def test_no_alarm_beside_an_alarm_is_down() -> None:
    line = read(table(65))
    assert line.up is False
    assert line.alarms == {Alarm.LOS}
    assert "believed" in line.error


@pytest.mark.parametrize(
    "wrong", [{"age": 901}, {"age": -1}, {"age": b"x"}, {"es": 400}, {"uas": -3}, {"lcv": b"\xff"}, {"css": (1,)}]
)
def test_counters_that_cannot_be_spoil_the_reading(wrong: dict[str, Any]) -> None:
    line = read(table(**wrong))
    assert line.counters is None
    assert line.up is None
    assert line.error.startswith("gw:3: ")


def test_a_span_of_another_kind_is_no_line_of_ours() -> None:
    columns = table()
    columns["line_type"] = {(3,): 2}  # T1
    assert Rows("gw", WORDS, columns, 1.0).lines() == ()


def test_a_stack_in_a_ring_ends() -> None:
    columns = table(bearers=2)
    columns["stack"] = {(200, 201): 1, (201, 200): 1, (103, 3): 1}
    assert read(columns).channels == ()


VALUES = st.one_of(st.integers(-5, 1 << 33), st.binary(max_size=12), st.tuples(st.integers(0, 9)))


@given(status=VALUES, age=VALUES, lapd=VALUES, es=VALUES)
def test_no_garbage_is_up(status: Any, age: Any, lapd: Any, es: Any) -> None:
    line = read(table(status, age=age, lapd=lapd, es=es, bearers=3))
    if line.up:
        assert isinstance(status, int)
        assert status & 1 or status & WORDS.known_bits
        assert not line.error
