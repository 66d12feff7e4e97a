"""An AgentX subagent (RFC 2741) under Debian's snmpd: answers read-only for subtrees whose objects it is handed.

Only what a read-only subagent needs: Open, Register, Get, GetNext, GetBulk, Ping, and a refusal of sets. A master that
goes away is waited for.
"""

from __future__ import annotations

import bisect
import socket
import struct
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from appliance.logs import get_logger

Oid = tuple[int, ...]
_VERSION, _NETWORK_ORDER, _OTHER_CONTEXT = 1, 0x10, 0x08
_INTERNET = (1, 3, 6, 1)
_RETRY_S, _TIMEOUT_S, _LONGEST = 5.0, 5.0, 1 << 20
_NOT_WRITABLE = 17


class Pdu(IntEnum):
    """Kinds of message (RFC 2741, 6.1)."""

    OPEN = 1
    CLOSE = 2
    REGISTER = 3
    GET = 5
    GET_NEXT = 6
    GET_BULK = 7
    TEST_SET = 8
    COMMIT_SET = 9
    UNDO_SET = 10
    CLEANUP_SET = 11
    PING = 13
    RESPONSE = 18


class Kind(IntEnum):
    """Kinds of value (RFC 2741, 5.4)."""

    INTEGER = 2
    TEXT = 4
    GAUGE = 66
    NO_SUCH_OBJECT = 128
    NO_SUCH_INSTANCE = 129
    END_OF_VIEW = 130


@dataclass(frozen=True, slots=True)
class Object:
    """One value: a whole number or a text."""

    kind: Kind
    value: int | str = 0


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `body` is what follows the header."""

    kind: int
    session: int
    transaction: int
    packet: int
    body: bytes
    flags: int = _NETWORK_ORDER


class ProtocolError(ValueError):
    """What came is no AgentX."""


# ---- encoding --------------------------------------------------------------------------------------------


def pack(message: Message) -> bytes:
    """A message as bytes, in network order."""
    return struct.pack(
        ">BBBBIIII", _VERSION, message.kind, _NETWORK_ORDER, 0, message.session, message.transaction, message.packet,
        len(message.body),
    ) + message.body  # fmt: skip


def pack_oid(oid: Oid, *, include: bool = False) -> bytes:
    """An object identifier (5.1); those below 1.3.6.1 are shortened."""
    prefix, rest = 0, oid
    if len(oid) > len(_INTERNET) and oid[: len(_INTERNET)] == _INTERNET and 0 < oid[len(_INTERNET)] < 256:
        prefix, rest = oid[len(_INTERNET)], oid[len(_INTERNET) + 1 :]
    return struct.pack(f">BBBB{len(rest)}I", len(rest), prefix, include, 0, *rest)


def pack_text(text: str) -> bytes:
    """An octet string (5.3), padded to four bytes."""
    data = text.encode("utf-8")
    return struct.pack(">I", len(data)) + data + b"\0" * (-len(data) % 4)


def pack_object(oid: Oid, found: Object) -> bytes:
    """One VarBind (5.4)."""
    head = struct.pack(">HH", found.kind, 0) + pack_oid(oid)
    if found.kind is Kind.TEXT:
        return head + pack_text(str(found.value))
    if found.kind in (Kind.INTEGER, Kind.GAUGE):
        return head + struct.pack(">I", int(found.value) & 0xFFFFFFFF)
    return head


class Reader:
    """Takes a body apart. Raises ProtocolError where it ends too soon."""

    def __init__(self, data: bytes, order: str) -> None:
        self._data, self._order, self._at = data, order, 0

    @property
    def left(self) -> bool:
        """Whether there is more."""
        return self._at < len(self._data)

    def take(self, form: str) -> tuple[int, ...]:
        """Numbers by a `struct` form."""
        try:
            found: tuple[int, ...] = struct.unpack_from(self._order + form, self._data, self._at)
        except struct.error as error:
            raise ProtocolError("the message ends too soon") from error
        self._at += struct.calcsize(self._order + form)
        return found

    def oid(self) -> tuple[Oid, bool]:
        """An object identifier, and whether a search may find it itself."""
        count, prefix, include, _reserved = self.take("BBBB")
        rest = self.take(f"{count}I")
        return ((*_INTERNET, prefix, *rest) if prefix else rest), bool(include)

    def text(self) -> bytes:
        """An octet string."""
        (length,) = self.take("I")
        data = self._data[self._at : self._at + length]
        if len(data) < length:
            raise ProtocolError("the message ends too soon")
        self._at += length + -length % 4
        return data


# ---- answering -------------------------------------------------------------------------------------------


class Tree:
    """Objects in order, for one answer."""

    def __init__(self, objects: Mapping[Oid, Object]) -> None:
        self._objects = objects
        self._names = sorted(objects)

    def get(self, oid: Oid) -> tuple[Oid, Object]:
        """That object, or that there is none."""
        return oid, self._objects.get(oid, Object(Kind.NO_SUCH_INSTANCE))

    def after(self, oid: Oid, end: Oid, *, include: bool) -> tuple[Oid, Object]:
        """The next object before `end` (empty: without end), or that the view ends."""
        place = bisect.bisect_left(self._names, oid) if include else bisect.bisect_right(self._names, oid)
        if place < len(self._names) and (not end or self._names[place] < end):
            return self._names[place], self._objects[self._names[place]]
        return oid, Object(Kind.END_OF_VIEW)


def answer(message: Message, tree: Tree) -> bytes | None:
    """The body of the response; None where none is due. Raises ProtocolError."""
    reader = Reader(message.body, ">" if message.flags & _NETWORK_ORDER else "<")
    if message.flags & _OTHER_CONTEXT:
        reader.text()
    match message.kind:
        case Pdu.GET | Pdu.GET_NEXT:
            found = []
            for start, include, end in _ranges(reader):
                found.append(tree.get(start) if message.kind == Pdu.GET else tree.after(start, end, include=include))
            return _response(found)
        case Pdu.GET_BULK:
            return _response(_bulk(reader, tree))
        case Pdu.TEST_SET:
            return struct.pack(">IHH", 0, _NOT_WRITABLE, 1)
        case Pdu.COMMIT_SET | Pdu.UNDO_SET | Pdu.PING:
            return struct.pack(">IHH", 0, 0, 0)
        case _:
            return None


def _ranges(reader: Reader) -> list[tuple[Oid, bool, Oid]]:
    found = []
    while reader.left:
        start, include = reader.oid()
        end, _include = reader.oid()
        found.append((start, include, end))
    return found


def _bulk(reader: Reader, tree: Tree) -> list[tuple[Oid, Object]]:
    once, times = reader.take("HH")
    ranges = _ranges(reader)
    found = [tree.after(start, end, include=include) for start, include, end in ranges[:once]]
    at = ranges[once:]
    for _ in range(min(times, 100)):
        row = [(tree.after(start, end, include=include), end) for start, include, end in at]
        found += [one for one, _end in row]
        if all(one.kind is Kind.END_OF_VIEW for (_oid, one), _end in row):
            break
        at = [(oid, False, end) for (oid, _one), end in row]
    return found


def _response(found: Sequence[tuple[Oid, Object]]) -> bytes:
    return struct.pack(">IHH", 0, 0, 0) + b"".join(pack_object(oid, one) for oid, one in found)


# ---- the session -----------------------------------------------------------------------------------------


class Subagent:
    """Keeps a session with the master in a thread of its own. `objects` is asked for each question."""

    def __init__(self, path: str, roots: Sequence[Oid], objects: Callable[[], Mapping[Oid, Object]]) -> None:
        self._path, self._roots, self._objects = path, tuple(roots), objects
        self._stop = threading.Event()
        self._log = get_logger()
        self._thread = threading.Thread(target=self._run, name="agentx", daemon=True)
        self.connected = False

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(_TIMEOUT_S * 2)

    def _run(self) -> None:
        told = False
        while not self._stop.is_set():
            try:
                with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as master:
                    master.settimeout(_TIMEOUT_S)
                    master.connect(self._path)
                    session = self._open(master)
                    self.connected, told = True, False
                    self._log.info("snmp master", path=self._path)
                    self._serve(master, session)
            except (OSError, ProtocolError) as error:
                if not told and not self._stop.is_set():
                    self._log.warning("no snmp master", path=self._path, error=str(error))
                told = True
            self.connected = False
            self._stop.wait(_RETRY_S)

    def _open(self, master: socket.socket) -> int:
        opening = struct.pack(">BBBB", int(_TIMEOUT_S), 0, 0, 0) + pack_oid(()) + pack_text("callbox")
        session = self._ask(master, Message(Pdu.OPEN, 0, 0, 1, opening)).session
        for number, root in enumerate(self._roots, start=2):
            register = struct.pack(">BBBB", 0, 127, 0, 0) + pack_oid(root)
            self._ask(master, Message(Pdu.REGISTER, session, 0, number, register))
        return session

    def _ask(self, master: socket.socket, message: Message) -> Message:
        master.sendall(pack(message))
        reply = _receive(master, self._stop)
        order = ">" if reply.flags & _NETWORK_ORDER else "<"
        _up_time, error, _index = Reader(reply.body, order).take("IHH")
        if reply.kind != Pdu.RESPONSE or error:
            raise ProtocolError(f"the master refuses ({error})")
        return reply

    def _serve(self, master: socket.socket, session: int) -> None:
        while not self._stop.is_set():
            message = _receive(master, self._stop)
            if message.kind == Pdu.CLOSE:
                raise ProtocolError("the master closed the session")
            body = answer(message, Tree(self._objects()))
            if body is not None:
                master.sendall(pack(Message(Pdu.RESPONSE, session, message.transaction, message.packet, body)))


def _receive(master: socket.socket, stop: threading.Event) -> Message:
    head = _exactly(master, 20, stop)
    version, kind, flags, _reserved = struct.unpack_from(">BBBB", head)
    order = ">" if flags & _NETWORK_ORDER else "<"
    session, transaction, packet, length = struct.unpack_from(f"{order}IIII", head, 4)
    if version != _VERSION or length > _LONGEST:
        raise ProtocolError("no AgentX")
    return Message(kind, session, transaction, packet, _exactly(master, length, stop), flags)


def _exactly(master: socket.socket, count: int, stop: threading.Event) -> bytes:
    data = b""
    while len(data) < count:
        try:
            part = master.recv(count - len(data))
        except TimeoutError:
            if stop.is_set():
                raise
            continue
        if not part:
            raise ProtocolError("the master went away")
        data += part
    return data
