"""Lines of DAHDI cards in the box, from sysfs and, where it may be asked, the SPANSTAT ioctl.

Watched only: this release places calls through gateways that speak SIP, so these lines are never offered as a trunk.
A digital span is one line; of an analog span each port towards the exchange is one. Such a port *is* FXO and has FXS
signalling (``FXSKS``): the names are those of what it talks to. Lost battery is a RED channel.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

from drivers.counting import Window
from drivers.e1_gateway.spanstat import SpanAlarm, span_info
from drivers.lines import Alarm, ChannelState, Counters, Fxo, LineKind, LineStatus, ReaderError, doubted
from drivers.resources import DahdiTree

SLOTS = 31
_SIGNALLING_SLOT = 16
_SPAN = re.compile(r"span-(\d+)")
_CHANNEL = re.compile(r"dahdi!chan(?:nel)?s?!(\d+)!(\d+)")  # chan in DAHDI 2.11, channels in current sources
_ALARMS = {
    SpanAlarm.LOS: Alarm.LOS,
    SpanAlarm.LFA: Alarm.LOF,
    SpanAlarm.LMFA: Alarm.LOMF,
    SpanAlarm.BLUE: Alarm.AIS,
    SpanAlarm.YELLOW: Alarm.RAI,
    SpanAlarm.LOOPBACK: Alarm.LOOP,
}
_KNOWN = sum(SpanAlarm)


class DahdiReader:
    """A :class:`drivers.lines.LineReader` over the kernel, or over a copy of its tree."""

    source = "dahdi"

    def __init__(self, tree: DahdiTree | None = None, *, wall: Callable[[], float] = time.time) -> None:
        self._tree = tree or DahdiTree()
        self._wall = wall
        self._windows: dict[int, Window] = {}

    def lines(self) -> tuple[LineStatus, ...]:
        """All spans and FXO ports. Raises :class:`ReaderError` (``dahdi.not_loaded``, ``dahdi.no_spans``)."""
        folder = self._tree.root / "sys/bus/dahdi_spans/devices"
        if not folder.is_dir():
            raise ReaderError(
                "dahdi.not_loaded",
                "DAHDI is not loaded: no card, or its driver failed. See the kernel log.",
            )
        spans = sorted((int(found[1]), path) for path in folder.iterdir() if (found := _SPAN.fullmatch(path.name)))
        if not spans:
            raise ReaderError("dahdi.no_spans", "DAHDI is loaded and has no spans: is the card seated and assigned?")
        lines: list[LineStatus] = []
        for number, path in spans:
            try:
                digital = _word(path / "is_digital") == "1"
                lines += [self._digital(number, path)] if digital else self._analog(number, path)
            except FileNotFoundError:
                continue  # the span went while it was read; the next reading has no such line
            except (OSError, ValueError) as error:
                unread = self._status(f"dahdi:{number}", LineKind.E1, path.name, None)
                lines.append(doubted(unread, f"{path}: {error}"))
        return tuple(lines)

    def close(self) -> None:
        """Nothing is held open."""

    def _digital(self, number: int, path: Path) -> LineStatus:
        bits = int(_word(path / "alarms"), 16)
        info = span_info(self._tree.root / "dev/dahdi/ctl", number) if self._tree.control else None
        counters = None
        if info is not None:
            bits |= info.alarms
            sums, age_s = self._windows.setdefault(number, Window()).add(
                {"es": info.errored_seconds, "lcv": info.bipolar_violations, "pcv": info.crc4_errors}, self._wall()
            )
            counters = Counters(sums["es"], None, None, None, sums["lcv"], sums["pcv"], age_s)
        up, error = _up(bits, number)
        channels = _slots(path, up=up)
        line = LineStatus(
            line_id=f"dahdi:{number}",
            kind=LineKind.E1,
            name=_word(path / "name"),
            up=up,
            alarms=_alarms(bits),
            d_channel_l1=up,
            d_channel_l2=None,
            channels=channels,
            in_use=channels.count(ChannelState.BUSY),
            counters=counters,
            fxo=None,
            source=self.source,
            taken_at_unix_s=self._wall(),
        )
        return doubted(line, error)

    def _analog(self, number: int, path: Path) -> list[LineStatus]:
        lines = []
        for position, channel in _channels(path):
            if not _word(channel / "sig").startswith("FXS"):
                continue  # a station port, or not configured
            busy, alarms = _word(channel / "in_use") == "1", _word(channel / "alarms").split()
            up = not alarms
            state = ChannelState.ALARM if alarms else ChannelState.BUSY if busy else ChannelState.IDLE
            status = self._status(
                f"dahdi:{number}/{position}",
                LineKind.FXO,
                _word(channel / "name"),
                up,
                alarms=frozenset({Alarm.LOS}) if "RED" in alarms else frozenset(),
                channels=(state,),
            )
            lines.append(doubted(status, "" if up or "RED" in alarms else f"the kernel reports {' '.join(alarms)}"))
        return lines

    def _status(
        self,
        line_id: str,
        kind: LineKind,
        name: str,
        up: bool | None,
        *,
        alarms: frozenset[Alarm] = frozenset(),
        channels: tuple[ChannelState, ...] = (),
    ) -> LineStatus:
        return LineStatus(
            line_id=line_id,
            kind=kind,
            name=name,
            up=up,
            alarms=alarms,
            d_channel_l1=None,
            d_channel_l2=None,
            channels=channels,
            in_use=channels.count(ChannelState.BUSY) if channels else None,
            counters=None,
            fxo=Fxo(None, None, None, None, None) if kind is LineKind.FXO else None,
            source=self.source,
            taken_at_unix_s=self._wall(),
        )


def _up(bits: int, number: int) -> tuple[bool | None, str]:
    if unknown := bits & ~_KNOWN:
        return (False if bits & _KNOWN else None), f"dahdi:{number}: alarm bits {unknown:#x} are not known."
    return bits == 0, ""


def _alarms(bits: int) -> frozenset[Alarm]:
    found = {alarm for bit, alarm in _ALARMS.items() if bits & bit}
    if bits & SpanAlarm.RED and not found & {Alarm.LOS, Alarm.LOF, Alarm.LOMF, Alarm.AIS}:
        found.add(Alarm.LOF)  # an older driver that says only "red"
    return frozenset(found)


def _channels(span: Path) -> list[tuple[int, Path]]:
    return sorted((int(found[2]), path) for path in span.iterdir() if (found := _CHANNEL.fullmatch(path.name)))


def _slots(span: Path, *, up: bool | None) -> tuple[ChannelState, ...]:
    states = [ChannelState.UNKNOWN] * SLOTS
    states[_SIGNALLING_SLOT - 1] = ChannelState.SIGNALLING
    for position, channel in _channels(span):
        if not 1 <= position <= SLOTS:
            raise ValueError(f"channel {position} is no time slot of an E1")
        signalling = "HDLC" in _word(channel / "sig")
        if signalling:
            states[position - 1] = ChannelState.SIGNALLING
        elif position != _SIGNALLING_SLOT:
            busy = _word(channel / "in_use") == "1"
            free = ChannelState.BUSY if busy else ChannelState.IDLE
            states[position - 1] = free if up else ChannelState.ALARM
    return tuple(states)


def _word(path: Path) -> str:
    return path.read_text(encoding="ascii", errors="replace").strip()
