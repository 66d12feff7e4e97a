"""SNMP on the wire: read columns, set one object, receive traps. pysnmp is used here and in the simulator only.

All figures come back as plain Python: whole numbers, bytes, object identifiers as tuples. Blocking; each session has a
loop of its own, so that a gateway that is silent keeps nobody else waiting.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyasn1.type import univ
from pysnmp.carrier.asyncio.dgram import udp
from pysnmp.entity import config
from pysnmp.entity.rfc3413 import ntfrcv
from pysnmp.error import PySnmpError
from pysnmp.hlapi.v3arch.asyncio import (
    CommunityData,
    ContextData,
    Integer32,
    ObjectIdentity,
    ObjectType,
    OctetString,
    SnmpEngine,
    UdpTransportTarget,
    UsmUserData,
    bulk_cmd,
    set_cmd,
    usmAesCfb128Protocol,
    usmHMACSHAAuthProtocol,
)
from pysnmp.proto import errind
from pysnmp.proto.rfc1905 import EndOfMibView, NoSuchInstance, NoSuchObject

from drivers.lines import ReaderError
from drivers.resources import SnmpAgent

Oid = tuple[int, ...]
Value = int | bytes | Oid
Column = dict[Oid, Value]
"""Index -> value."""

TRAP_PORT = 162
_TIMEOUT_S, _RETRIES, _WALK_S = 1.0, 1, 10.0
_VARBINDS, _ROUNDS = 60, 300
"""Objects in one answer, so that it fits an Ethernet frame; answers in one walk, so that a liar cannot hold us."""
_TOO_BIG = 1
_SNMP_TRAP_OID = (1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0)
_NOTHING = (EndOfMibView, NoSuchInstance, NoSuchObject)
_STRANGER = SnmpAgent("", user="callbox-probe", auth_key="nobody-at-all", priv_key="nobody-at-all")


def oid(text: str) -> Oid:
    """``1.3.6`` as numbers."""
    return tuple(int(part) for part in text.split("."))


class SnmpSession:
    """One agent. Any thread may use it, one at a time."""

    def __init__(self, agent: SnmpAgent) -> None:
        self.agent = agent
        self._loop = asyncio.new_event_loop()
        self._lock = threading.Lock()
        self._engine: SnmpEngine | None = None
        self._silent = False

    def walk(self, first: Sequence[Oid], columns: Mapping[str, Oid]) -> tuple[list[Value | None], dict[str, Column]]:
        """The first object under each of `first`, and all rows of `columns`, in as few questions as may be.

        Raises :class:`ReaderError`: ``snmp.no_answer``, ``snmp.wrong_community``, ``snmp.wrong_key``,
        ``snmp.no_address``, ``snmp.not_understood``.
        """
        found: tuple[list[Value | None], dict[str, Column]] = self._do(lambda: self._walk(first, columns))
        return found

    def set_number(self, where: Oid, value: int) -> None:
        """Write one whole number. Raises :class:`ReaderError`, ``snmp.not_allowed`` when the agent refuses."""
        self._do(lambda: self._set(where, value))

    def close(self) -> None:
        """Let go of the socket. May be called twice."""
        with self._lock:
            if not self._loop.is_closed():
                self._loop.run_until_complete(self._drop())
                self._loop.close()

    def _do(self, work: Callable[[], Any]) -> Any:
        with self._lock:
            if self._loop.is_closed():
                raise ReaderError("driver.not_open", f"{self._where}: used after it was closed.")
            return self._loop.run_until_complete(self._guarded(work))

    @property
    def _where(self) -> str:
        return f"{self.agent.host}:{self.agent.port}"

    async def _guarded(self, work: Callable[[], Any]) -> Any:
        try:
            async with asyncio.timeout(_WALK_S):
                found = await work()
        except (TimeoutError, OSError, PySnmpError) as error:
            await self._drop()
            if isinstance(error, PySnmpError) and "name" in str(error).lower():
                raise ReaderError("snmp.no_address", f"{self._where}: no such address.") from error
            raise ReaderError("snmp.no_answer", f"{self._where}: {error or 'no end of answers'}.") from error
        except ReaderError:
            await self._drop()  # a new engine asks the gateway anew who it is: it may have been replaced
            raise
        self._silent = False
        return found

    async def _drop(self) -> None:
        if self._engine is not None:
            self._engine.close_dispatcher()
            self._engine = None
            await asyncio.sleep(0)  # its socket is closed in the next turn of the loop

    async def _target(self) -> UdpTransportTarget:
        return await UdpTransportTarget.create((self.agent.host, self.agent.port), timeout=_TIMEOUT_S, retries=_RETRIES)

    async def _walk(
        self, first: Sequence[Oid], columns: Mapping[str, Oid]
    ) -> tuple[list[Value | None], dict[str, Column]]:
        self._engine = self._engine or SnmpEngine()
        target = await self._target()
        found: dict[str, Column] = {name: {} for name in columns}
        heads: list[Value | None] = [None] * len(first)
        at = dict(columns)
        most, asked_first = _VARBINDS, list(first)
        for _ in range(_ROUNDS):
            if not at and not asked_first:
                return heads, found
            names = list(at)
            questions = [ObjectType(ObjectIdentity(one)) for one in (*asked_first, *at.values())]
            error, status, _index, rows = await bulk_cmd(
                self._engine, _credentials(self.agent), target, ContextData(), len(asked_first),
                max(1, most // max(1, len(names))), *questions, lookupMib=False,
            )  # fmt: skip
            if error is not None:
                raise await self._refusal(error)
            if int(status) == _TOO_BIG and most > 1:
                most //= 2
                continue
            if int(status):
                raise ReaderError("snmp.not_understood", f"{self._where}: the agent answers with error {status}.")
            answers = [(tuple(name), value) for name, value in rows]
            for number, ((name, value), asked) in enumerate(zip(answers, asked_first, strict=False)):
                heads[number] = plain(value) if name[: len(asked)] == asked else None
            self._take(answers[len(asked_first) :], names, columns, at, found)
            asked_first = []
        raise ReaderError("snmp.not_understood", f"{self._where}: the agent's tables have no end.")

    def _take(
        self, answers: list[tuple[Oid, Any]], names: list[str], columns: Mapping[str, Oid], at: dict[str, Oid],
        found: dict[str, Column],
    ) -> None:  # fmt: skip
        """Put rows where they belong; a column is done where its rows end. `at`: where each goes on."""
        if names and not answers:
            raise ReaderError("snmp.not_understood", f"{self._where}: an answer without objects.")
        done = set()
        for position, (where, value) in enumerate(answers):
            name = names[position % len(names)]
            if name in done:
                continue
            root = columns[name]
            if where[: len(root)] != root or isinstance(value, _NOTHING):
                done.add(name)
                del at[name]
            elif where <= at[name]:
                raise ReaderError("snmp.not_understood", f"{self._where}: the agent's rows go backwards at {where}.")
            else:
                at[name] = where
                known = plain(value)
                if known is not None:
                    found[name][where[len(root) :]] = known

    async def _set(self, where: Oid, value: int) -> None:
        self._engine = self._engine or SnmpEngine()
        error, status, _index, _rows = await set_cmd(
            self._engine, _credentials(self.agent), await self._target(), ContextData(),
            ObjectType(ObjectIdentity(where), Integer32(value)), lookupMib=False,
        )  # fmt: skip
        if error is not None:
            raise await self._refusal(error)
        if int(status):
            reason = status.prettyPrint()
            raise ReaderError(
                "snmp.not_allowed",
                f"{self._where}: the agent refuses to be set ({reason}). Allow it there.",
            )

    async def _refusal(self, error: errind.ErrorIndication) -> ReaderError:
        """What an error of SNMP itself means."""
        if not isinstance(error, errind.RequestTimedOut):
            return ReaderError("snmp.wrong_key", f"{self._where}: refused ({error}). Check user and keys.")
        if not self.agent.is_v3 and not self._silent and await self._answers_strangers():
            return ReaderError(
                "snmp.wrong_community",
                f"{self._where} speaks SNMP and keeps silent to our community. Check the community and who may ask.",
            )
        self._silent = True
        hint = "" if self.agent.is_v3 else " A wrong community looks the same."
        return ReaderError("snmp.no_answer", f"{self._where} does not answer. Check power, cable and address.{hint}")

    async def _answers_strangers(self) -> bool:
        """Any v3 agent tells its engine ID to whoever asks (RFC 3414, 4); only then are users looked at."""
        target = await UdpTransportTarget.create((self.agent.host, self.agent.port), timeout=_TIMEOUT_S, retries=1)
        engine = SnmpEngine()
        try:
            error, *_ = await bulk_cmd(
                engine, _credentials(_STRANGER), target, ContextData(), 0, 1,
                ObjectType(ObjectIdentity((1, 3, 6, 1, 2, 1, 1))), lookupMib=False,
            )  # fmt: skip
        finally:
            engine.close_dispatcher()
        return not isinstance(error, errind.RequestTimedOut)


@dataclass(frozen=True, slots=True)
class Trap:
    """What a gateway told unasked. `values` are the objects it sent."""

    host: str
    kind: Oid
    values: Column


class TrapReceiver:
    """Listens for v2c and v3 notifications of known gateways; `on_trap` is called in the receiver's own thread.

    What a trap says is a hint: the line is read at once, and that counts.
    """

    def __init__(self, address: str, port: int, agents: Sequence[SnmpAgent], on_trap: Callable[[Trap], None]) -> None:
        self._address, self._agents, self._on_trap = (address, port), tuple(agents), on_trap
        self._loop = asyncio.new_event_loop()
        self._engine: SnmpEngine | None = None
        self._known: set[tuple[str, bytes]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="snmp-traps", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens (0 was given: the one that was free)."""
        return self._address[1]

    def start(self) -> None:
        """Listen. Raises :class:`ReaderError` ``snmp.port_taken``."""
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()
        except (OSError, PySnmpError) as error:
            self.close()
            raise ReaderError(
                "snmp.port_taken",
                f"UDP {self._address[0]}:{self._address[1]} for traps: {error}.",
            ) from error

    def close(self) -> None:
        """Stop listening. May be called twice."""
        if not self._thread.is_alive():
            return
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def know(self, agent: SnmpAgent, engine_id: bytes) -> None:
        """Take v3 traps of this gateway: they come under its own engine ID, which is known once it has been read."""
        if agent.is_v3 and engine_id and (agent.user, engine_id) not in self._known:
            self._known.add((agent.user, engine_id))
            self._loop.call_soon_threadsafe(self._add_user, agent, engine_id)

    def _add_user(self, agent: SnmpAgent, engine_id: bytes) -> None:
        config.add_v3_user(
            self._engine, agent.user, config.USM_AUTH_HMAC96_SHA, agent.auth_key, config.USM_PRIV_CFB128_AES,
            agent.priv_key, securityEngineId=OctetString(engine_id),
        )  # fmt: skip

    async def _close(self) -> None:
        if self._engine is not None:
            self._engine.close_dispatcher()
            await asyncio.sleep(0)

    async def _open(self) -> None:
        self._engine = engine = SnmpEngine()
        transport = udp.UdpTransport().open_server_mode(self._address)
        await transport._lport  # a port that is taken is known only here
        self._address = (self._address[0], transport.transport.get_extra_info("sockname")[1])
        config.add_transport(engine, udp.DOMAIN_NAME, transport)
        for number, community in enumerate(sorted({a.community for a in self._agents if not a.is_v3})):
            config.add_v1_system(engine, f"community-{number}", community)
        ntfrcv.NotificationReceiver(engine, self._received)

    def _received(self, engine: SnmpEngine, reference: Any, _id: Any, _name: Any, rows: Any, _context: Any) -> None:
        _domain, (host, *_) = engine.message_dispatcher.get_transport_info(reference)
        values = {tuple(where): plain(value) for where, value in rows}
        kind = values.get(_SNMP_TRAP_OID)
        if isinstance(kind, tuple):
            self._on_trap(Trap(str(host), kind, {k: v for k, v in values.items() if v is not None}))


def _credentials(agent: SnmpAgent) -> CommunityData | UsmUserData:
    if not agent.is_v3:
        return CommunityData(agent.community, mpModel=1)  # noqa: S508 - older gateways speak nothing else
    return UsmUserData(
        agent.user, agent.auth_key, agent.priv_key, authProtocol=usmHMACSHAAuthProtocol,
        privProtocol=usmAesCfb128Protocol,
    )  # fmt: skip


def plain(value: Any) -> Value | None:
    """pysnmp's values as plain Python; ``None`` where there is none, or of a kind that no gateway table has."""
    if isinstance(value, _NOTHING):
        return None
    if isinstance(value, univ.Integer):
        return int(value)
    if isinstance(value, univ.OctetString):
        return bytes(value)
    return tuple(value) if isinstance(value, univ.ObjectIdentifier) else None
