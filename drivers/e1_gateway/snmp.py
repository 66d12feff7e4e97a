"""Lines of gateways by SNMP: DS1-MIB (RFC 4805), ISDN-MIB (RFC 2127), FXO tables; by a profile's columns and bit maps.

One walk a reading. What hardly changes (names, which channel stands on which span) is asked at first, after a restart
of the gateway, and when its tables change. A value that cannot be, or a bit that the profile does not know, never
makes a line "up".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from drivers.e1_gateway.snmp_wire import Column, Oid, SnmpSession, Value, oid
from drivers.fxo.ports import fxo_lines
from drivers.last_good import LastGood
from drivers.lines import Alarm, ChannelState, Counters, LineKind, LineStatus, ReaderError, Verb, doubted
from drivers.profiles import Profile, Snmp
from drivers.protocols import Arg
from drivers.resources import SnmpAgent

SLOTS, SIGNALLING_SLOT, INTERVAL_S = 31, 16, 900
_SYS_NAME, _UP_TIME, _SERIAL, _ENGINE_ID = (
    oid("1.3.6.1.2.1.1.5"), oid("1.3.6.1.2.1.1.3"), oid("1.3.6.1.2.1.47.1.1.1.1.11"), oid("1.3.6.1.6.3.10.2.1.1"),
)  # fmt: skip
_FIXED = frozenset(
    {"line_type", "line_coding", "circuit", "clock_source", "loopback_config", "bearer_channel", "stack"}
)
"""Columns that are read seldom; the loop-back shows as an alarm, and its verbs ask for themselves."""
_LAYER_1, _LAYER_2 = (2, 3), 3
_IDLE, _MOST_BUSY = 1, 4
_LOOPS = frozenset({Verb.LOOP_LOCAL, Verb.LOOP_LINE, Verb.LOOP_PAYLOAD, Verb.LOOP_OFF})


class Walker(Protocol):
    """What the reader needs of a session, see :class:`SnmpSession`."""

    def walk(
        self, first: Sequence[Oid], columns: Mapping[str, Oid]
    ) -> tuple[list[Value | None], dict[str, Column]]: ...

    def set_number(self, where: Oid, value: int) -> None: ...

    def close(self) -> None: ...


class SnmpReader:
    """A :class:`drivers.lines.LineReader`. Lines are called ``card:ifIndex``."""

    source = "snmp"

    def __init__(
        self, card: str, agent: SnmpAgent, profile: Profile, *, wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic, session: Walker | None = None,
    ) -> None:  # fmt: skip
        if profile.snmp is None:
            raise ReaderError("line.no_snmp", f"{profile.id} is read by {', '.join(profile.readers)}, not by SNMP.")
        self.agent, self.words = agent, profile.snmp
        self.session: Walker = session or SnmpSession(agent)
        self.engine_id = b""
        """The gateway's own, once read: v3 traps come under it."""
        self._card, self._wall = card, wall
        self._columns = {name: oid(text) for name, text in profile.snmp.columns.items()}
        self._columns |= {f"fxo.{name}": oid(one.column) for name, one in profile.snmp.fxo.items()}
        self._fixed: dict[str, Column] = {}
        self._fixed_for: set[Oid] = set()
        self._up_ticks = 0
        self._who: tuple[Value | None, Value | None] | None = None
        self._last_good = LastGood(monotonic)

    def lines(self) -> tuple[LineStatus, ...]:
        """All E1 spans and FXO ports. Raises :class:`ReaderError`: those of :class:`SnmpSession`, and
        ``snmp.other_card``, ``snmp.no_lines``.
        """
        moving = {name: root for name, root in self._columns.items() if name not in _FIXED}
        heads, found = self.session.walk((_SYS_NAME, _UP_TIME, _SERIAL, _ENGINE_ID), moving)
        name, up_ticks, serial, engine_id = heads
        self._check_who(name, serial)
        self.engine_id = engine_id if isinstance(engine_id, bytes) else b""
        indexes = {index for column in ("line_status", "lapd", "bearer") for index in found.get(column, {})}
        ticks = up_ticks if isinstance(up_ticks, int) else 0
        if indexes and (indexes != self._fixed_for or ticks < self._up_ticks):
            _heads, self._fixed = self.session.walk(
                (), {name: root for name, root in self._columns.items() if name in _FIXED}
            )
            self._fixed_for = indexes
        self._up_ticks = ticks
        taken = self._wall()
        lines = Rows(self._card, self.words, found | self._fixed, taken).lines()
        ports = {name: found[f"fxo.{name}"] for name in self.words.fxo}
        lines += fxo_lines(self._card, self.words.fxo, ports, taken)
        if not lines:
            raise ReaderError(
                "snmp.no_lines", f"{self._card}: the agent lists no line. Is the profile the right one?"
            )
        return self._last_good.judge(lines)

    def close(self) -> None:
        """Let go of the socket. May be called twice."""
        self.session.close()

    def _check_who(self, name: Value | None, serial: Value | None) -> None:
        """Only the card that answered first, or the one that was named, is believed."""
        named = self.agent.name.encode()
        if self._who is None and (not named or name == named):
            self._who = (name, serial)
        if self._who != (name, serial):
            was = named or (self._who or (b"",))[0]
            raise ReaderError(
                "snmp.other_card",
                f"{self._card}: another card answers at {self.agent.host}: {_text(name)}, serial {_text(serial)}, "
                f"and not {_text(was)}. If it was replaced on purpose, save its settings again.",
            )


class Rows:
    """The columns of one walk as lines. Pure."""

    def __init__(self, card: str, words: Snmp, columns: dict[str, Column], taken_at_unix_s: float) -> None:
        self._card, self._words, self._columns, self._taken = card, words, columns, taken_at_unix_s
        self._known = words.known_bits | words.no_alarm_bit | sum(b for bits in words.alarm_bits.values() for b in bits)

    def lines(self) -> tuple[LineStatus, ...]:
        """The lines whose type is an E1's, or all where the agent keeps no types."""
        types = self._columns.get("line_type", {})
        return tuple(
            self._line(index)
            for index in sorted(self._columns.get("line_status", {}))
            if not types or types.get(index) in self._words.e1_types
        )

    def _line(self, index: Oid) -> LineStatus:
        line_id = f"{self._card}:{'.'.join(map(str, index))}"
        up, alarms, error = self._state(index)
        counters, wrong = self._counters(index)
        layer_1, layer_2 = self._d_channel(index, up)
        channels = self._channels(index, up=up)
        busy = channels.count(ChannelState.BUSY)
        error = error or wrong
        line = LineStatus(
            line_id=line_id, kind=LineKind.E1, name=self._name(index), up=up if up is False or not error else None,
            alarms=alarms, d_channel_l1=layer_1, d_channel_l2=layer_2, channels=channels,
            in_use=busy if ChannelState.IDLE in channels or busy else None, counters=counters, fxo=None, source="snmp",
            taken_at_unix_s=self._taken,
        )  # fmt: skip
        return doubted(line, f"{line_id}: {error}" if error else "")

    def _name(self, index: Oid) -> str:
        return _text(self._columns.get("circuit", {}).get(index)) or f"Line {'.'.join(map(str, index))}"

    def _state(self, index: Oid) -> tuple[bool | None, frozenset[Alarm], str]:
        """Up, alarms, and what is wrong with what was said."""
        bits = self._columns["line_status"][index]
        if not isinstance(bits, int) or bits < 0:
            return None, frozenset(), "its status is no number."
        alarms = frozenset(
            alarm for alarm, masks in self._words.alarm_bits.items() if any(bits & mask for mask in masks)
        )
        clear = bool(bits & self._words.no_alarm_bit)
        if alarms:
            return False, alarms, "it says 'no alarm' beside its alarms; the alarms are believed." if clear else ""
        if unknown := bits & ~self._known:
            return None, alarms, f"status bits {unknown:#x} are in no profile; it is not taken for up."
        if not clear and not bits & self._words.known_bits:
            return None, alarms, "its status is empty: neither an alarm nor the lack of one."
        return True, alarms, ""

    def _counters(self, index: Oid) -> tuple[Counters | None, str]:
        columns = self._columns
        age = columns.get("time_elapsed", {}).get(index)
        if age is None:
            return None, ""
        if not isinstance(age, int) or not 0 <= age <= INTERVAL_S:
            return None, f"its interval is {_text(age)!r} s old."
        read = {name: columns.get(name, {}).get(index) for name in ("es", "ses", "uas", "css", "lcv", "pcv")}
        for name, value in read.items():
            if value is None:
                continue
            seconds = name not in ("lcv", "pcv")
            if not isinstance(value, int) or value < 0 or (seconds and value > age + 1):
                return None, f"{name.upper()} is {_text(value)!r} after {age} s, which cannot be."
        numbers = {name: value if isinstance(value, int) else None for name, value in read.items()}
        return Counters(**numbers, age_s=float(age)), ""

    def _below(self, column: str) -> dict[Oid, dict[Oid, Value]]:
        """Rows of interfaces that stand on spans, span -> interface -> value; with no stack the span's own."""
        lower = {(upper,): (lower,) for upper, lower in (k for k in self._columns.get("stack", {}) if len(k) == 2)}
        spans = self._columns["line_status"]
        found: dict[Oid, dict[Oid, Value]] = {}
        for index, value in self._columns.get(column, {}).items():
            at, steps = index, 0
            while at not in spans and at in lower and steps < len(lower):
                at, steps = lower[at], steps + 1
            if at in spans:
                found.setdefault(at, {})[index] = value
        return found

    def _d_channel(self, index: Oid, up: bool | None) -> tuple[bool | None, bool | None]:
        states = list(self._below("lapd").get(index, {}).values())
        if len(states) != 1 or not isinstance(states[0], int):
            return up, None
        return states[0] in _LAYER_1, states[0] == _LAYER_2

    def _channels(self, index: Oid, *, up: bool | None) -> tuple[ChannelState, ...]:
        bearers = self._below("bearer").get(index, {})
        if not bearers:
            return ()
        states = [ChannelState.UNKNOWN] * SLOTS
        states[SIGNALLING_SLOT - 1] = ChannelState.SIGNALLING
        for bearer, slot in _slots(bearers, self._columns.get("bearer_channel", {})):
            value = bearers[bearer]
            if up is False:
                states[slot - 1] = ChannelState.ALARM
            elif isinstance(value, int) and _IDLE <= value <= _MOST_BUSY:
                states[slot - 1] = ChannelState.IDLE if value == _IDLE else ChannelState.BUSY
        return tuple(states)


class SnmpActuator:
    """Loop-backs by dsx1LoopbackConfig; the bare verbs of :class:`drivers.control.GuardedControl`."""

    def __init__(self, reader: SnmpReader) -> None:
        self._reader, self._words = reader, reader.words

    def verbs(self, line_id: str) -> frozenset[Verb]:
        """Those loop-backs the profile has a value for."""
        return (
            frozenset(self._words.loopback) & _LOOPS
            if line_id and "loopback_config" in self._words.columns
            else frozenset()
        )

    def current(self, line_id: str, _verb: Verb, _args: dict[str, Arg]) -> str:
        """What is set now, as a word."""
        where = self._where(line_id)
        *column, _index = where
        _heads, found = self._reader.session.walk((), {"loop": tuple(column)})
        value = found["loop"].get(where[len(column) :])
        words = {number: name for name, number in self._words.loopback.items()}
        if not isinstance(value, int):
            raise ReaderError("line.not_understood", f"{line_id}: the agent does not say whether the line is looped.")
        return str(words.get(value, f"loop {value}"))

    def wanted(self, _line_id: str, verb: Verb, _args: dict[str, Arg]) -> str | None:
        """The verb's own word."""
        return str(verb)

    def apply(self, line_id: str, verb: Verb, _args: dict[str, Arg]) -> None:
        """Set it. Raises :class:`ReaderError`."""
        self._reader.session.set_number(self._where(line_id), self._words.loopback[verb])

    def undo(
        self, _line_id: str, verb: Verb, _args: dict[str, Arg], _before: str
    ) -> tuple[Verb, dict[str, Arg]] | None:
        """A loop is taken off again."""
        return None if verb is Verb.LOOP_OFF else (Verb.LOOP_OFF, {})

    def in_use(self, line_id: str) -> int | None:
        """Calls on the line, asked now."""
        return next((line.in_use for line in self._reader.lines() if line.line_id == line_id and not line.stale), None)

    def _where(self, line_id: str) -> Oid:
        try:
            index = oid(line_id.rpartition(":")[2])
        except ValueError:
            raise ReaderError("line.unknown", f"{line_id}: no line of this gateway.") from None
        return (*oid(self._words.columns["loopback_config"]), *index)


def _slots(bearers: dict[Oid, Value], numbers: Column) -> list[tuple[Oid, int]]:
    """Bearer -> time slot. RFC 2127 counts B channels 1..30; some gateways give the slot (1..15, 17..31) itself."""
    named = [(bearer, number) for bearer in bearers if isinstance(number := numbers.get(bearer), int)]
    by_slot = any(number == SLOTS for _bearer, number in named)
    slots = [
        (bearer, number if by_slot or number < SIGNALLING_SLOT else number + 1)
        for bearer, number in named
        if number > 0
    ]
    return [(bearer, slot) for bearer, slot in slots if slot <= SLOTS]


def _text(value: Value | None) -> str:
    if isinstance(value, bytes):
        return "".join(c if c.isprintable() else "?" for c in value.decode("utf-8", "replace"))[:64]
    return "" if value is None else str(value)
