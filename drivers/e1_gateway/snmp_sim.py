"""A gateway's SNMP agent on a real UDP port, described by a data file (``agents/*.toml``), that can be told to fail.

Keeps DS1-MIB (RFC 4805), ISDN-MIB (RFC 2127) and the stack of IF-MIB (RFC 2863); v2c and v3 (SHA, AES-128); sends
dsx1LineStatusChange when told to. Faults are those of :class:`drivers.simkit.faults.Fault`.
"""

from __future__ import annotations

import asyncio
import bisect
import random
import threading
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from pysnmp.carrier.asyncio.dgram import udp
from pysnmp.entity import config
from pysnmp.entity.engine import SnmpEngine
from pysnmp.entity.rfc3413 import cmdrsp, context, ntforg
from pysnmp.proto import rfc1902, rfc1905
from pysnmp.smi.error import NotWritableError
from pysnmp.smi.instrum import AbstractMibInstrumController

from drivers.e1_gateway.snmp_wire import oid
from drivers.lines import Alarm
from drivers.profiles import Snmp, find
from drivers.simkit.faults import Fault

DATA = Path(__file__).parent / "agents"
BEARERS = 30
_DS1, _ISDN, _STACK = (1, 3, 6, 1, 2, 1, 10, 18), (1, 3, 6, 1, 2, 1, 10, 20, 1), (1, 3, 6, 1, 2, 1, 31, 1, 2, 1, 3)
_SYSTEM, _SERIAL = (1, 3, 6, 1, 2, 1, 1), (1, 3, 6, 1, 2, 1, 47, 1, 1, 1, 1, 11, 1)
_ENGINE_ID = (1, 3, 6, 1, 6, 3, 10, 2, 1, 1)
_LINE_STATUS, _LAST_CHANGE = (*_DS1, 6, 1, 10), (*_DS1, 6, 1, 16)
_TRAP_OID = (1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0)
_D_CHANNEL, _B_CHANNEL = 1000, 2000  # ifIndex of the D channel of span n; of its B channels
BOOT_S = 4.0
_LIE = 64 | 1

Oid = tuple[int, ...]


class AgentData(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One make's agent."""

    profile: str
    name: str
    description: str
    serial: str
    object_id: str
    spans: tuple[int, ...] = ()
    """ifIndex of each."""
    ports: tuple[int, ...] = ()
    """Index of each FXO port."""
    line_type: int = 5
    line_coding: int = 3
    clock_source: int = 1
    trap: str = ""
    bearers: int = BEARERS
    """B channels that are listed for each span."""


def load_agent(profile: str = "ds1_mib") -> AgentData:
    """The data file of a profile."""
    return msgspec.convert(tomllib.loads((DATA / f"{profile}.toml").read_text("utf-8")), AgentData)


class Span:
    """What one span says; may be changed at any time."""

    def __init__(self) -> None:
        self.alarms: set[Alarm] = set()
        self.busy: set[int] = set()
        """B channels 1..30 with a call."""
        self.layer_2 = True
        self.loop = 1
        """dsx1LoopbackConfig."""
        self.errors: dict[str, int] = dict.fromkeys(("es", "ses", "uas", "css", "pcv", "lcv"), 0)


def _idle_port() -> dict[str, bool | int | None]:
    """What a healthy FXO port on its hook says."""
    return {"connected": True, "hook": False, "ring": False, "polarity_reversed": False, "milliamps": 0, "volts": -48,
            "test_failed": False}  # fmt: skip


class SnmpGateway:
    """The agent, in a thread of its own. `spans` (by ifIndex), `ports` (FXO) and `faults` may be changed any time."""

    def __init__(
        self, data: AgentData | None = None, *, address: str = "127.0.0.1", port: int = 0, community: str = "public",
        user: str = "callbox", auth_key: str = "auth-key-1", priv_key: str = "priv-key-1",
        traps_to: tuple[str, int] | None = None, seed: int = 0, monotonic: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self.data = data or load_agent()
        self.spans = {index: Span() for index in self.data.spans}
        self.ports = {index: _idle_port() for index in self.data.ports}
        """FXO ports; ``None`` = the gateway does not know."""
        self.faults: set[Fault] = set()
        self.community, self.user, self.auth_key, self.priv_key = community, user, auth_key, priv_key
        self.traps_to, self.trap_version = traps_to, "v2c"
        self.port = port
        self._address, self._dice, self._monotonic = address, random.Random(seed), monotonic
        self.engine_id = bytes.fromhex("80007ed904") + f"{self.data.serial}:{seed}".encode()  # RFC 3411, text
        self._words = _words(self.data.profile)
        self._bits = {alarm: bits[0] for alarm, bits in self._words.alarm_bits.items()}
        self._began_s = self._silent_until_s = monotonic()
        self._stuck_at_s: float | None = None
        self.asked = 0
        """Questions that came in."""
        self._loop: Any = None
        self._engine: Any = None

    # ---- life --------------------------------------------------------------------------------------------------

    def start(self) -> SnmpGateway:
        """Listen; `port` says where."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="snmp-gateway", daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()
        return self

    def stop(self) -> None:
        """Go. May be called twice."""
        if self._loop is not None and self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def restart(self) -> None:
        """A reboot: silent for four seconds, then counters and time of the box begin again."""
        self._began_s = self._silent_until_s = self._monotonic() + BOOT_S
        for span in self.spans.values():
            span.errors = dict.fromkeys(span.errors, 0)
            span.busy, span.loop = set(), 1

    def trap(self, index: int) -> None:
        """Tell the manager that the span's status changed (dsx1LineStatusChange)."""
        asyncio.run_coroutine_threadsafe(self._send_trap(index), self._loop).result()

    async def _open(self) -> None:
        self._engine = engine = SnmpEngine(rfc1902.OctetString(self.engine_id))
        transport = _Socket(self).open_server_mode((self._address, self.port))
        await transport._lport  # the port is known only then
        self.port = transport.transport.get_extra_info("sockname")[1]
        config.add_transport(engine, udp.DOMAIN_NAME, transport)
        config.add_v1_system(engine, "community", self.community)
        config.add_v3_user(
            engine, self.user, config.USM_AUTH_HMAC96_SHA, self.auth_key, config.USM_PRIV_CFB128_AES, self.priv_key
        )
        everything = (1, 3, 6)
        config.add_vacm_user(engine, 2, "community", "noAuthNoPriv", everything, everything, everything)
        config.add_vacm_user(engine, 3, self.user, "authPriv", everything, everything, everything)
        objects = context.SnmpContext(engine)
        objects.unregister_context_name(b"")
        objects.register_context_name(b"", _Objects(self))
        for responder in (cmdrsp.GetCommandResponder, cmdrsp.NextCommandResponder, cmdrsp.BulkCommandResponder,
                          cmdrsp.SetCommandResponder):  # fmt: skip
            responder(engine, objects)

    async def _close(self) -> None:
        self._engine.close_dispatcher()
        await asyncio.sleep(0)

    async def _send_trap(self, index: int) -> None:
        if self.traps_to is None:
            return
        engine, v3 = self._engine, self.trap_version == "v3"
        for name in ("manager", "params"):
            _forget(engine, name)
        config.add_target_parameters(
            engine, "params", self.user if v3 else "community", "authPriv" if v3 else "noAuthNoPriv", 3 if v3 else 1
        )
        config.add_target_address(engine, "manager", udp.DOMAIN_NAME, self.traps_to, "params")
        objects = dict(self.objects())
        sent: list[tuple[Oid, Any]] = [((*_SYSTEM, 3, 0), rfc1902.TimeTicks(self.uptime_ticks))]
        sent.append((_TRAP_OID, rfc1902.ObjectIdentifier(self.data.trap)))
        sent += [(where, objects[where]) for where in ((*_LINE_STATUS, index), (*_LAST_CHANGE, index))]
        ntforg.NotificationOriginator().send_pdu(engine, "manager", None, b"", _trap_pdu(sent))

    # ---- what it says ------------------------------------------------------------------------------------------

    @property
    def silent(self) -> bool:
        """Takes everything, says nothing."""
        return Fault.HANG in self.faults or self._monotonic() < self._silent_until_s

    @property
    def uptime_ticks(self) -> int:
        """Hundredths of a second since it began."""
        return max(0, int((self._now_s() - self._began_s) * 100))

    def _now_s(self) -> float:
        if Fault.STUCK not in self.faults:
            self._stuck_at_s = None
            return self._monotonic()
        self._stuck_at_s = self._stuck_at_s or self._monotonic()
        return self._stuck_at_s

    def objects(self) -> list[tuple[Oid, Any]]:
        """All objects in order."""
        if Fault.REBOOT in self.faults:
            self.faults.discard(Fault.REBOOT)
            self.restart()
        other = Fault.OTHER_CARD in self.faults
        data = self.data
        found: list[tuple[Oid, Any]] = [
            ((*_SYSTEM, 1, 0), rfc1902.OctetString(data.description)),
            ((*_SYSTEM, 2, 0), rfc1902.ObjectIdentifier(data.object_id)),
            ((*_SYSTEM, 3, 0), rfc1902.TimeTicks(self.uptime_ticks)),
            ((*_SYSTEM, 5, 0), rfc1902.OctetString("other" if other else data.name)),
            ((*_ENGINE_ID, 0), rfc1902.OctetString(self.engine_id)),
            (_SERIAL, rfc1902.OctetString("SIM9999" if other else data.serial)),
        ]
        for index, span in self.spans.items():
            found += self._span(index, span)
        for index in self.ports:
            found += self._port(index)
        return sorted(found, key=lambda row: row[0])

    def _span(self, index: int, span: Span) -> list[tuple[Oid, Any]]:
        errors = span.errors
        status = sum(self._bits[alarm] for alarm in span.alarms) or 1
        if Fault.LIES in self.faults:
            status, errors = _LIE, dict.fromkeys(errors, 100_000)
        elapsed = int(self._now_s() - self._began_s) % 900
        settings = {3: elapsed, 5: self.data.line_type, 6: self.data.line_coding, 9: span.loop, 10: status,
                    12: self.data.clock_source}  # fmt: skip
        counts = {2: errors["es"], 3: errors["ses"], 5: errors["uas"], 6: errors["css"], 7: errors["pcv"],
                  11: errors["lcv"]}  # fmt: skip
        number = self._garbled if Fault.NOISE in self.faults else rfc1902.Integer32
        signal = not span.alarms
        lapd = _D_CHANNEL + index
        rows: list[tuple[Oid, Any]] = [((*_DS1, 6, 1, column, index), number(v)) for column, v in settings.items()]
        rows += [((*_DS1, 7, 1, column, index), number(v)) for column, v in counts.items()]
        rows += [
            ((*_DS1, 6, 1, 8, index), rfc1902.OctetString(f"E1 {index}")),
            ((*_LAST_CHANGE, index), rfc1902.TimeTicks(self.uptime_ticks)),
            ((*_ISDN, 3, 4, 1, 2, lapd), number(3 if signal and span.layer_2 else 2 if signal else 1)),
            ((*_STACK, lapd, index), rfc1902.Integer32(1)),
        ]
        for channel in range(1, self.data.bearers + 1):
            bearer = _B_CHANNEL + 100 * index + channel
            rows += [
                ((*_ISDN, 2, 1, 1, 2, bearer), number(4 if channel in span.busy else 1)),
                ((*_ISDN, 2, 1, 1, 3, bearer), rfc1902.Integer32(channel)),
                ((*_STACK, bearer, index), rfc1902.Integer32(1)),
            ]
        return rows

    def _port(self, index: int) -> list[tuple[Oid, Any]]:
        number = self._garbled if Fault.NOISE in self.faults else rfc1902.Integer32
        rows = []
        for name, column in self._words.fxo.items():
            value = self.ports[index][name]
            if value is None:
                said = column.unknown[0]
            elif column.figure:
                said = int(value)
            else:
                said = (column.yes if value else column.no)[0]
            if Fault.LIES in self.faults:
                said = 1000
            rows.append(((*oid(column.column), index), number(said)))
        return rows

    def _garbled(self, _value: int) -> Any:
        return rfc1902.OctetString(self._dice.randbytes(self._dice.randrange(12)))

    def set(self, where: Oid, value: Any) -> bool:
        """A manager sets an object; only the loop-back can be set."""
        *column, index = where
        if tuple(column) != (*_DS1, 6, 1, 9) or index not in self.spans:
            return False
        if Fault.DEAF not in self.faults:
            self.spans[index].loop = int(value)
            set_alarm = self.spans[index].alarms.discard if int(value) == 1 else self.spans[index].alarms.add
            set_alarm(Alarm.LOOP)
        return True


class _Socket(udp.UdpTransport):  # type: ignore[misc]  # pysnmp has no types
    """Drops what comes while the gateway is silent."""

    def __init__(self, gateway: SnmpGateway) -> None:
        super().__init__()
        self._gateway = gateway

    def datagram_received(self, datagram: bytes, transport_address: Any) -> None:
        if not self._gateway.silent:
            self._gateway.asked += 1
            super().datagram_received(datagram, transport_address)


class _Objects(AbstractMibInstrumController):  # type: ignore[misc]
    """The gateway's objects as pysnmp asks for them. One listing serves all rows of one answer."""

    def __init__(self, gateway: SnmpGateway) -> None:
        self._gateway = gateway
        self._rows: list[tuple[Oid, Any]] = []
        self._names: list[Oid] = []
        self._taken_for = -1

    def _take(self) -> None:
        if self._taken_for != self._gateway.asked:  # a GETBULK asks row after row
            self._rows = self._gateway.objects()
            self._names = [where for where, _value in self._rows]
            self._taken_for = self._gateway.asked

    def read_variables(self, *asked: tuple[Any, Any], **_context: Any) -> list[tuple[Any, Any]]:
        self._take()
        known = dict(self._rows)
        return [(where, known.get(tuple(where), rfc1905.noSuchInstance)) for where, _value in asked]

    def read_next_variables(self, *asked: tuple[Any, Any], **_context: Any) -> list[tuple[Any, Any]]:
        self._take()
        found = []
        for where, _value in asked:
            at = bisect.bisect_right(self._names, tuple(where))
            row = self._rows[at] if at < len(self._rows) else None
            found.append((rfc1902.ObjectName(row[0]), row[1]) if row else (where, rfc1905.endOfMibView))
        return found

    def write_variables(self, *asked: tuple[Any, Any], **_context: Any) -> list[tuple[Any, Any]]:
        for number, (where, value) in enumerate(asked):
            if not self._gateway.set(tuple(where), value):
                raise NotWritableError(name=where, idx=number)
        return list(asked)


def _words(profile: str) -> Snmp:
    words = find(profile).snmp
    if words is None:
        raise KeyError(f"{profile} has no SNMP section")
    return words


def _trap_pdu(rows: list[tuple[Oid, Any]]) -> Any:
    from pysnmp.proto.api import v2c

    pdu = v2c.SNMPv2TrapPDU()
    v2c.apiTrapPDU.set_defaults(pdu)
    v2c.apiTrapPDU.set_varbinds(pdu, rows)
    return pdu


def _forget(engine: Any, name: str) -> None:
    from pysnmp.smi.error import SmiError

    remove = config.delete_target_address if name == "manager" else config.delete_target_parameters
    try:
        remove(engine, name)
    except SmiError:
        return  # the first trap: there is nothing yet
