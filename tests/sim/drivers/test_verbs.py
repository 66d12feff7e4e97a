"""Every verb there is, on the simulated E1 and FXO cards: read back, limited, released."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drivers import profiles
from drivers.cards import console_card
from drivers.console.session import Timing
from drivers.control import GuardedControl
from drivers.lines import Alarm, ChannelState, LineStatus, ReaderError, Verb
from drivers.releases import Releases
from drivers.resources import Console, SerialPort
from drivers.simkit.card import ConsoleCard, load_card
from drivers.simkit.faults import Fault

pytestmark = pytest.mark.sim


class Rig:
    """A simulated card with reader and control."""

    def __init__(self, folder: Path, profile_id: str) -> None:
        profile = profiles.find(profile_id)
        self.now_s = 1_000.0
        self.card = ConsoleCard(folder, load_card(profile_id))
        self.card.start()
        access = Console(SerialPort(str(self.card.path)), password="secret", lock_dir=folder)
        patient = Timing(login_s=60.0, command_s=60.0, wake_s=20.0)
        made = console_card("c", access, profile, folder / "releases.json", patient)
        self.reader = made.reader
        self.control = GuardedControl(
            made.control.actuator, Releases(folder / "releases.json"), wall=lambda: self.now_s
        )

    def line(self, number: int) -> LineStatus:
        return next(line for line in self.reader.lines() if line.line_id == f"c:{number}")


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Callable[[str], Rig]]:
    made: list[Rig] = []

    def make(profile_id: str) -> Rig:
        made.append(Rig(tmp_path, profile_id))
        return made[-1]

    yield make
    for one in made:
        one.reader.close()
        one.card.stop()


def test_all_alarms_of_an_e1_are_told_apart(rig: Callable[[str], Rig]) -> None:
    e1 = rig("sim_e1")
    for alarm in Alarm:
        e1.card.alarms["3"] = {alarm}
        line = e1.line(3)
        assert line.alarms == {alarm}
        assert line.up is False
    e1.card.alarms["3"] = set()
    assert e1.line(3).up is True


def test_a_channel_is_blocked_and_unblocked(rig: Callable[[str], Rig]) -> None:
    e1 = rig("sim_e1")
    assert e1.control.do("c:2", Verb.BLOCK_CHANNEL, channel=7).after == "7"
    assert e1.line(2).channels[6] is ChannelState.BLOCKED
    assert e1.line(1).channels[6] is ChannelState.IDLE
    assert e1.control.do("c:2", Verb.UNBLOCK_CHANNEL, channel=7).after == "free"
    with pytest.raises(ReaderError, match="1 to 31"):
        e1.control.do("c:2", Verb.BLOCK_CHANNEL, channel=32)


@pytest.mark.parametrize("verb", [Verb.LOOP_LOCAL, Verb.LOOP_LINE, Verb.LOOP_PAYLOAD])
def test_a_looped_line_takes_no_calls_until_it_is_released(rig: Callable[[str], Rig], verb: Verb) -> None:
    e1 = rig("sim_e1")
    assert e1.control.do("c:1", verb, seconds=20).verified
    assert (e1.line(1).alarms, e1.line(1).up) == ({Alarm.LOOP}, False)
    e1.now_s += 20
    assert e1.control.release_due() == ("c:1",)
    assert e1.line(1).up is True


def test_a_bit_error_test_runs_reads_and_ends(rig: Callable[[str], Rig]) -> None:
    e1 = rig("sim_e1")
    e1.control.do("c:4", Verb.BERT_START, seconds=60)
    e1.card.values["4"]["bert_errors"] = "3"
    assert e1.control.do("c:4", Verb.BERT_READ).after == "errors=3 bits=2048000"
    e1.now_s += 61
    assert e1.control.release_due() == ("c:4",)
    assert e1.card.values["4"]["bert"] == "stopped"


def test_a_port_is_located_and_restarted(rig: Callable[[str], Rig]) -> None:
    e1 = rig("sim_e1")
    e1.card.busy["1"] = {4}
    assert e1.control.do("c:1", Verb.LOCATE_ON).after == "on"  # a light harms no call
    assert e1.control.do("c:1", Verb.LOCATE_OFF).after == "off"
    with pytest.raises(ReaderError, match="carry calls"):
        e1.control.do("c:1", Verb.RESTART)
    assert e1.control.do("c:1", Verb.RESTART, force=True).after == "ready"


def test_an_fxo_port_is_measured_taken_off_hook_dialled_and_hung_up(rig: Callable[[str], Rig]) -> None:
    fxo = rig("sim_fxo")
    idle = fxo.line(5).fxo
    assert idle is not None
    assert (idle.volts, idle.hook, idle.polarity_reversed) == (-48.0, False, False)
    fxo.control.do("c:5", Verb.FXO_OFF_HOOK, seconds=30)
    looped = fxo.line(5).fxo
    assert looped is not None
    assert (looped.milliamps, looped.hook) == (24.0, True)
    assert fxo.control.do("c:5", Verb.FXO_DIAL, digits="10086#").after == "dialled 10086#"
    assert fxo.control.do("c:5", Verb.FXO_FLASH).after == "flash"
    fxo.now_s += 30
    assert fxo.control.release_due() == ("c:5",)
    assert fxo.line(5).in_use == 0


def test_a_port_with_a_call_is_not_dialled_on(rig: Callable[[str], Rig]) -> None:
    fxo = rig("sim_fxo")
    fxo.card.values["2"]["hook"] = "off"
    with pytest.raises(ReaderError, match="carry calls"):
        fxo.control.do("c:2", Verb.FXO_DIAL, digits="1")


@pytest.mark.parametrize(
    ("profile_id", "verb", "value"),
    [
        ("sim_e1", Verb.SET_D_CHANNEL, "network"),
        ("sim_e1", Verb.SET_HUNT_GROUP, "B"),
        ("sim_e1", Verb.SET_CLOCK, "internal"),
        ("sim_fxo", Verb.SET_GAIN, "-3"),
        ("sim_fxo", Verb.SET_IMPEDANCE, "complex"),
    ],
)
def test_settings_are_read_back(rig: Callable[[str], Rig], profile_id: str, verb: Verb, value: str) -> None:
    card = rig(profile_id)
    change = card.control.do("c:1", verb, value=value)
    assert (change.after, change.verified) == (value, True)
    assert card.line(1).up is True


def test_lost_battery_is_an_alarm(rig: Callable[[str], Rig]) -> None:
    fxo = rig("sim_fxo")
    fxo.card.alarms["8"] = {Alarm.LOS}
    assert (fxo.line(8).up, fxo.line(8).alarms) == (False, {Alarm.LOS})
    fxo.card.faults = {Fault.NEW_WORDS}
    assert fxo.line(1).up is None
