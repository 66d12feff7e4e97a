"""DAHDI from a tree with the kernel's names: spans, FXO ports, alarms, and what cannot be read."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from drivers.control import GuardedControl
from drivers.e1_gateway import spanstat
from drivers.e1_gateway.dahdi import DahdiReader
from drivers.e1_gateway.dahdi_actuator import DahdiActuator
from drivers.e1_gateway.dahdi_config import span_settings
from drivers.lines import Alarm, ChannelState, LineKind, LineStatus, ReaderError, Verb
from drivers.programs import Ran
from drivers.releases import Releases
from drivers.resources import DahdiTree
from drivers.simkit.sysfs_tree import SysfsTree

pytestmark = pytest.mark.unit


def read(root: Path) -> dict[str, LineStatus]:
    return {line.line_id: line for line in DahdiReader(DahdiTree(root, control=False), wall=lambda: 5.0).lines()}


@pytest.mark.parametrize("old_names", [True, False])
def test_a_span_and_its_channels(tmp_path: Path, old_names: bool) -> None:
    tree = SysfsTree(tmp_path, old_names=old_names)
    tree.add_e1(1)
    tree.set_channel(1, 3, in_use=True)
    line = read(tmp_path)["dahdi:1"]
    assert (line.kind, line.up, line.in_use, line.source) == (LineKind.E1, True, 1, "dahdi")
    assert line.channels[2] is ChannelState.BUSY
    assert line.channels[15] is ChannelState.SIGNALLING
    assert line.channels.count(ChannelState.IDLE) == 29


@pytest.mark.parametrize(
    ("bits", "alarms"),
    [
        (256 | 8, {Alarm.LOS}),
        (512 | 8, {Alarm.LOF}),
        (1024, {Alarm.LOMF}),
        (16, {Alarm.AIS}),
        (4, {Alarm.RAI}),
        (2, {Alarm.LOOP}),
        (8, {Alarm.LOF}),
        (1, set()),
    ],
)
def test_alarm_bits(tmp_path: Path, bits: int, alarms: set[Alarm]) -> None:
    tree = SysfsTree(tmp_path)
    tree.add_e1(1)
    tree.set_alarms(1, bits)
    line = read(tmp_path)["dahdi:1"]
    assert (line.up, set(line.alarms)) == (False, alarms)
    assert line.channels[0] is ChannelState.ALARM


def test_a_bit_that_is_not_known_is_not_up(tmp_path: Path) -> None:
    tree = SysfsTree(tmp_path)
    tree.add_e1(1)
    tree.set_alarms(1, 1 << 14)
    line = read(tmp_path)["dahdi:1"]
    assert line.up is None
    assert "0x4000" in line.error


def test_lost_battery_of_an_fxo_port_is_a_red_channel(tmp_path: Path) -> None:
    tree = SysfsTree(tmp_path)
    tree.add_fxo(2, 4)
    tree.set_channel(2, 1, alarms="RED")
    tree.set_channel(2, 2, in_use=True)
    lines = read(tmp_path)
    assert len(lines) == 4
    assert (lines["dahdi:2/1"].up, lines["dahdi:2/1"].alarms) == (False, {Alarm.LOS})
    assert (lines["dahdi:2/2"].up, lines["dahdi:2/2"].channels) == (True, (ChannelState.BUSY,))
    assert lines["dahdi:2/3"].kind is LineKind.FXO


def test_a_card_taken_out_and_garbage_in_the_tree(tmp_path: Path) -> None:
    tree = SysfsTree(tmp_path)
    tree.add_e1(1)
    tree.add_e1(2, first_channel=32)
    (tmp_path / "sys/bus/dahdi_spans/devices/span-2/alarms").write_text("garbage", encoding="ascii")
    lines = read(tmp_path)
    assert lines["dahdi:1"].up is True
    assert lines["dahdi:2"].up is None
    assert lines["dahdi:2"].error
    tree.remove(2)
    assert set(read(tmp_path)) == {"dahdi:1"}


@pytest.mark.parametrize(("make", "error_id"), [(False, "dahdi.not_loaded"), (True, "dahdi.no_spans")])
def test_no_driver_and_no_card(tmp_path: Path, make: bool, error_id: str) -> None:
    if make:
        SysfsTree(tmp_path)
    with pytest.raises(ReaderError) as caught:
        read(tmp_path)
    assert caught.value.error_id == error_id


def test_the_ioctl_is_the_kernels() -> None:
    assert (spanstat.SPANSTAT, spanstat.MAINT) == (0xC13ADA0A, 0x4008DA0B)
    layout = "=i20s40siiiiiiiIIIIIiiiiiii40s40s40s40sii6s"
    data = struct.pack(
        layout, 1, b"TE4/0/1\0", b"card\0", 264, 0, 0, 7, 3, 0, 0, 0, 0, 0, 0, 5, 0, 1, 31, 31, 4,
        0, 0, b"", b"", b"", b"", 0, 0, b"E1",
    )  # fmt: skip
    info = spanstat.unpack(data)
    assert (info.name, info.alarms, info.bipolar_violations, info.crc4_errors) == ("TE4/0/1", 264, 7, 3)
    assert (info.errored_seconds, info.timing_source, info.channels) == (5, 1, 31)


def test_a_kernel_that_is_not_there_is_no_answer(tmp_path: Path) -> None:
    assert spanstat.span_info(tmp_path / "ctl", 1) is None
    (tmp_path / "ctl").write_bytes(b"")
    assert spanstat.span_info(tmp_path / "ctl", 1) is None
    with pytest.raises(ReaderError) as caught:
        spanstat.maintain(tmp_path / "ctl", 1, 1)
    assert caught.value.error_id == "line.verb_unknown"  # ENOTTY: no such loop-back


CONF = "# cards\nspan=1,1,0,ccs,hdb3,crc4\nspan=2,2,0,ccs,hdb3\nbchan=1-15,17-31\n"


class Kernel:
    """`dahdi_cfg` as the kernel would take it: sysfs shows what the file says."""

    def __init__(self, root: Path, *, says: str = "", deaf: bool = False) -> None:
        self.root, self.says, self.deaf = root, says, deaf
        self.config = root / "etc/dahdi/system.conf"
        self.config.parent.mkdir(parents=True)
        self.config.write_text(CONF, encoding="utf-8")

    def __call__(self, text: str) -> Ran:
        self.config.write_text(text, encoding="utf-8")
        if not self.deaf:
            _timing, _lbo, framing, coding, *rest = span_settings(text, 1)
            shown = "/".join([coding.upper(), framing.upper(), *(["CRC4"] if "crc4" in rest else [])])
            (self.root / "sys/bus/dahdi_spans/devices/span-1/lineconfig").write_text(shown, encoding="ascii")
        return Ran(0, self.says)


def control(root: Path, kernel: Kernel) -> GuardedControl:
    tree = DahdiTree(root, control=False)
    return GuardedControl(DahdiActuator(DahdiReader(tree), tree, config=kernel), Releases(root / "releases.json"))


def test_loops_are_verbs_of_spans_and_not_of_ports(tmp_path: Path) -> None:
    SysfsTree(tmp_path).add_e1(1)
    told: list[tuple[int, int]] = []
    tree = DahdiTree(tmp_path, control=False)
    actuator = DahdiActuator(DahdiReader(tree), tree, maint=lambda *order: told.append(order))
    assert Verb.LOOP_LINE in actuator.verbs("dahdi:1")
    assert not actuator.verbs("dahdi:1/1")
    assert actuator.current("dahdi:1", Verb.LOOP_LINE, {}) == "not looped"
    actuator.apply("dahdi:1", Verb.LOOP_PAYLOAD, {})
    assert told == [(1, 13)]


@pytest.mark.parametrize(
    ("verb", "value", "line"),
    [
        (Verb.SET_CRC4, "off", "span=1,1,0,ccs,hdb3\n"),
        (Verb.SET_CODING, "ami", "span=1,1,0,ccs,ami,crc4\n"),
        (Verb.SET_FRAMING, "cas", "span=1,1,0,cas,hdb3,crc4\n"),
    ],
)
def test_a_setting_is_one_word_of_one_line_and_read_back(tmp_path: Path, verb: Verb, value: str, line: str) -> None:
    SysfsTree(tmp_path).add_e1(1)
    kernel = Kernel(tmp_path)
    assert control(tmp_path, kernel).do("dahdi:1", verb, value=value).verified
    assert kernel.config.read_text(encoding="utf-8") == CONF.replace("span=1,1,0,ccs,hdb3,crc4\n", line)


def test_a_setting_the_kernel_does_not_show_is_put_back(tmp_path: Path) -> None:
    SysfsTree(tmp_path).add_e1(1)
    kernel = Kernel(tmp_path, deaf=True)
    with pytest.raises(ReaderError, match="did not take"):
        control(tmp_path, kernel).do("dahdi:1", Verb.SET_CRC4, value="off")
    assert kernel.config.read_text(encoding="utf-8") == CONF


def test_dahdi_cfg_is_judged_by_its_words(tmp_path: Path) -> None:
    SysfsTree(tmp_path).add_e1(1)
    kernel = Kernel(tmp_path, says="DAHDI_SPANCONFIG failed on span 1: Invalid argument (22)")
    with pytest.raises(ReaderError, match="SPANCONFIG failed"):
        control(tmp_path, kernel).do("dahdi:1", Verb.SET_CODING, value="ami")


def test_a_span_that_is_not_configured_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match="dahdi_genconf"):
        span_settings(CONF, 3)
