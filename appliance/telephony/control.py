"""The line between the parent and one worker (a socket pair of whole messages), and the file that says who lives.

A living conversation has a file in the run folder, written before its first INVITE and removed after its last event
has reached the stream. So whoever looks - the parent, or a parent started later - knows from file and process id
alone which conversations live, which ended well and which were lost.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec

from appliance.commands import Originate

_MAX_MESSAGE_BYTES = 65536


class Take(msgspec.Struct, frozen=True, tag=True):
    """Parent: dial this."""

    originate: Originate


class Leave(msgspec.Struct, frozen=True, tag=True):
    """Parent: end, if nobody has called you yet; another stands in your place."""


class Ready(msgspec.Struct, frozen=True, tag=True):
    """Worker: I stand idle, SIP port open, bus connected."""


class Taken(msgspec.Struct, frozen=True, tag=True):
    """Worker: I have this conversation and hear its commands (sent before anything is dialled)."""

    conversation_id: str
    attempt_id: str


class Refused(msgspec.Struct, frozen=True, tag=True):
    """Worker: I cannot take the attempt, a caller from outside was first."""

    attempt_id: str


Message = Take | Leave | Ready | Taken | Refused
_decoder = msgspec.json.Decoder(Message)


class ControlLine:
    """One end of the line; never blocks."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._socket = end
        self.closed = False

    @staticmethod
    def pair() -> tuple[ControlLine, ControlLine]:
        first, second = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        return ControlLine(first), ControlLine(second)

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, message: Message) -> bool:
        """Send; False when the other end is gone."""
        try:
            self._socket.send(msgspec.json.encode(message))
        except OSError:
            self.closed = True
            return False
        return True

    def receive(self) -> list[Message]:
        """Return what has come; `closed` is True once the other end is gone and all is read."""
        messages: list[Message] = []
        while not self.closed:
            try:
                data = self._socket.recv(_MAX_MESSAGE_BYTES)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            if not data:
                self.closed = True
                break
            messages.append(_decoder.decode(data))
        return messages

    def close(self) -> None:
        self.closed = True
        self._socket.close()


class LifeFile(msgspec.Struct, frozen=True, kw_only=True):
    """Who has a conversation; `started_ticks` tells the process from a later one with the same id."""

    conversation_id: str
    attempt_id: str
    slot: int
    pid: int
    started_ticks: int
    started_unix_s: float

    def write(self, run: Path) -> None:
        """Write atomically."""
        temporary = run / f".conversation-{self.pid}"
        temporary.write_bytes(msgspec.json.encode(self))
        temporary.replace(life_path(run, self.conversation_id))

    def remove(self, run: Path) -> None:
        life_path(run, self.conversation_id).unlink(missing_ok=True)

    @property
    def alive(self) -> bool:
        return process_start_ticks(self.pid) == self.started_ticks


def life_path(run: Path, conversation_id: str) -> Path:
    """Where the life file of a conversation is."""
    return run / f"conversation-{conversation_id}.json"


def life_files(run: Path) -> Iterator[LifeFile]:
    """Yield the readable life files of a run folder."""
    for path in sorted(run.glob("conversation-*.json")):
        try:
            yield msgspec.json.decode(path.read_bytes(), type=LifeFile)
        except (OSError, msgspec.MsgspecError):
            path.unlink(missing_ok=True)


def process_start_ticks(pid: int) -> int | None:
    """Start time of a process in clock ticks since boot (/proc/pid/stat, field 22); None when it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat[stat.rindex(")") + 2 :].split()
    return None if fields[0] == "Z" else int(fields[19])


def own_start_ticks() -> int:
    return process_start_ticks(os.getpid()) or 0
