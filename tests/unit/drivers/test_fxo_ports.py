"""FXO ports of a gateway's SNMP table: what no source knows is never up."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.fxo.ports import fxo_lines
from drivers.lines import Alarm, ChannelState, LineStatus
from drivers.profiles import find

pytestmark = pytest.mark.unit

WORDS = find("audiocodes_fxo").snmp
assert WORDS is not None
FXO = WORDS.fxo
WELL = {
    "connected": 2, "hook": 1, "ring": 1, "polarity_reversed": 1, "milliamps": 0, "volts": -48, "test_failed": 0,
}  # fmt: skip


def read(**said: Any) -> LineStatus:
    (line,) = fxo_lines("gw", FXO, {name: {(2,): value} for name, value in (WELL | said).items()}, 1.0)
    return line


def test_a_port_on_its_hook() -> None:
    line = read()
    assert (line.line_id, line.name, line.up, line.error, line.in_use) == ("gw:fxo2", "FXO 2", True, "", 0)
    assert line.channels == (ChannelState.IDLE,)
    assert line.fxo is not None
    assert (line.fxo.volts, line.fxo.milliamps, line.fxo.polarity_reversed) == (-48.0, 0.0, False)


def test_a_port_with_a_call() -> None:
    line = read(hook=2, milliamps=23, volts=-9, polarity_reversed=2)
    assert (line.up, line.in_use, line.channels) == (True, 1, (ChannelState.BUSY,))
    assert line.fxo is not None
    assert (line.fxo.hook, line.fxo.polarity_reversed) == (True, True)


def test_a_pulled_pair_is_a_line_without_signal() -> None:
    line = read(connected=1, volts=0)
    assert (line.up, line.alarms, line.channels) == (False, {Alarm.LOS}, (ChannelState.ALARM,))


def test_what_the_gateway_does_not_know_is_unknown() -> None:
    line = read(milliamps=-1, polarity_reversed=3)
    assert line.fxo is not None
    assert (line.up, line.fxo.milliamps, line.fxo.polarity_reversed) == (True, None, None)


@pytest.mark.parametrize(
    "said", [{"connected": 3}, {"hook": 0}, {"volts": 500}, {"milliamps": b"\x17"}, {"test_failed": 3}, {"ring": 9}]
)
def test_what_cannot_be_is_not_up(said: dict[str, Any]) -> None:
    line = read(**said)
    assert line.up is None
    assert line.error


@given(st.dictionaries(st.sampled_from(sorted(WELL)), st.integers(-200, 200) | st.binary(max_size=3)))
def test_no_port_is_up_without_the_word_for_it(said: dict[str, Any]) -> None:
    line = read(**said)
    if line.up:
        assert (WELL | said)["connected"] == 2
        assert not line.error
