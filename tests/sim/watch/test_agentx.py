"""The subagent before a master that speaks RFC 2741: opens, registers, answers, refuses sets, comes back."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.outside.agentx import (
    Kind,
    Message,
    Pdu,
    ProtocolError,
    Reader,
    Subagent,
    Tree,
    answer,
    pack,
    pack_oid,
    pack_text,
)
from appliance.outside.line_mib import CONFIG, DS1, LINES, ROOTS, line_objects

pytestmark = pytest.mark.sim

ROWS: list[dict[str, Any]] = [
    {"line_id": "fxo:1", "kind": "fxo", "up": True, "alarms": [], "stale": False},
    {"line_id": "gw:3", "kind": "e1", "up": True, "alarms": [], "stale": False, "in_use": 4,
     "counters": {"es": 1, "ses": 0, "uas": 0, "css": 2, "pcv": 9, "lcv": None, "age_s": 120.0}},
    {"line_id": "gw:4", "kind": "e1", "up": False, "alarms": ["los", "rai"], "cause": "los", "stale": False},
    {"line_id": "gw:5", "kind": "e1", "up": None, "alarms": [], "stale": True},
]  # fmt: skip
STATUS = (*CONFIG, 1, 10)


class Master:
    """The other end: one session at a time."""

    def __init__(self, path: Path) -> None:
        self._door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._door.bind(str(path))
        self._door.listen(1)
        self._door.settimeout(60)
        self.peer: socket.socket | None = None
        self.registered: list[tuple[int, ...]] = []

    def accept(self) -> None:
        """Take a session: Open and the registrations."""
        self.peer, _address = self._door.accept()
        self.peer.settimeout(60)
        self.registered = []
        for _ in range(1 + len(ROOTS)):
            message = self.read()
            if message.kind == Pdu.REGISTER:
                reader = Reader(message.body, ">")
                reader.take("BBBB")
                self.registered.append(reader.oid()[0])
            self.send(Message(Pdu.RESPONSE, 77, 0, message.packet, struct.pack(">IHH", 0, 0, 0)))

    def send(self, message: Message) -> None:
        assert self.peer is not None
        self.peer.sendall(pack(message))

    def read(self) -> Message:
        assert self.peer is not None
        head = b""
        while len(head) < 20:
            head += self.peer.recv(20 - len(head))
        _version, kind, flags, _zero, session, transaction, packet, length = struct.unpack(">BBBBIIII", head)
        body = b""
        while len(body) < length:
            body += self.peer.recv(length - len(body))
        return Message(kind, session, transaction, packet, body, flags)

    def ask(self, kind: Pdu, body: bytes) -> Reader:
        """The answer's body behind its head."""
        self.send(Message(kind, 77, 5, 9, body))
        reply = self.read()
        assert (reply.kind, reply.session, reply.transaction, reply.packet) == (Pdu.RESPONSE, 77, 5, 9)
        return Reader(reply.body, ">")

    def close(self) -> None:
        if self.peer is not None:
            self.peer.close()
        self._door.close()


def values(reader: Reader) -> list[tuple[tuple[int, ...], Kind, Any]]:
    assert reader.take("IHH")[1:] == (0, 0)
    found = []
    while reader.left:
        kind = Kind(reader.take("HH")[0])
        name = reader.oid()[0]
        value: Any = None
        if kind is Kind.TEXT:
            value = reader.text().decode()
        elif kind in (Kind.INTEGER, Kind.GAUGE):
            value = reader.take("I")[0]
        found.append((name, kind, value))
    return found


def span(start: tuple[int, ...], end: tuple[int, ...] = ()) -> bytes:
    return pack_oid(start) + pack_oid(end)


@pytest.fixture
def master(tmp_path: Path) -> Iterator[Master]:
    one = Master(tmp_path / "master")
    agent = Subagent(str(tmp_path / "master"), ROOTS, lambda: line_objects(ROWS))
    agent.start()
    one.accept()
    yield one
    one.close()
    agent.stop()


def test_registers_and_answers(master: Master) -> None:
    assert master.registered == list(ROOTS)
    assert values(master.ask(Pdu.GET, span((*STATUS, 2)) + span((*STATUS, 3)) + span((*STATUS, 4)))) == [
        ((*STATUS, 2), Kind.INTEGER, 1), ((*STATUS, 3), Kind.INTEGER, 66), ((*STATUS, 4), Kind.NO_SUCH_INSTANCE, None),
    ]  # fmt: skip
    (first,) = values(master.ask(Pdu.GET_NEXT, span((*LINES, 1, 1, 1))))
    assert first == ((*LINES, 1, 1, 1, 1), Kind.TEXT, "fxo:1")
    (end,) = values(master.ask(Pdu.GET_NEXT, span((*LINES, 9))))
    assert end[1] is Kind.END_OF_VIEW
    rows = values(master.ask(Pdu.GET_BULK, struct.pack(">HH", 0, 3) + span(STATUS, (*CONFIG, 1, 11))))
    assert [(name[-1], value) for name, _kind, value in rows] == [(2, 1), (3, 66), (3, None)]


def test_sets_are_refused_and_pings_answered(master: Master) -> None:
    assert master.ask(Pdu.TEST_SET, b"").take("IHH") == (0, 17, 1)
    assert master.ask(Pdu.PING, b"").take("IHH") == (0, 0, 0)


def test_a_master_that_restarts_is_found_again(master: Master) -> None:
    assert master.peer is not None
    master.peer.close()
    master.accept()
    assert master.ask(Pdu.PING, b"").take("IHH") == (0, 0, 0)


def test_other_byte_order_and_broken_messages() -> None:
    tree = Tree(line_objects(ROWS))
    little = struct.pack("<BBBB", 2, 0, 0, 0) + struct.pack("<II", 1, 3) + struct.pack("<BBBB", 0, 0, 0, 0)
    assert answer(Message(Pdu.GET, 1, 1, 1, little, flags=0), tree) is not None
    with pytest.raises(ProtocolError):
        answer(Message(Pdu.GET, 1, 1, 1, b"\xff\x00\x00\x00"), tree)
    with pytest.raises(ProtocolError):
        Reader(struct.pack(">I", 99) + b"x", ">").text()


@pytest.mark.parametrize("oid", [(), (1, 3), DS1, (1, 3, 6, 1, 4, 1, 32473, 2), (1, 3, 6, 1, 300, 2)])
def test_names_survive(oid: tuple[int, ...]) -> None:
    assert Reader(pack_oid(oid, include=True), ">").oid() == (oid, True)
    assert Reader(pack_text("线路"), ">").text().decode() == "线路"
