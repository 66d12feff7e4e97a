"""Where hardware is: data only, no behaviour."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SerialPort:
    """A serial device; best named below ``/dev/serial/by-id``, which survives re-plugging."""

    device: str
    baud: int = 9600

    @property
    def name(self) -> str:
        """Short name for logs and lock files."""
        return Path(self.device).name


@dataclass(frozen=True, slots=True)
class TcpPort:
    """A console behind a terminal server (raw TCP)."""

    host: str
    port: int

    @property
    def name(self) -> str:
        """Short name for logs and lock files."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Console:
    """A card's command line: where it is and how to get in."""

    port: SerialPort | TcpPort
    user: str = ""
    password: str = field(default="", repr=False)
    enable_password: str = field(default="", repr=False)
    host_name: str = ""
    """The name the card must answer with; empty = whatever answered first."""
    lock_dir: Path = Path("/run/lock")
    transcript: Path | None = None
    """Where the raw dialogue is written, passwords masked; ``None`` = nowhere."""


@dataclass(frozen=True, slots=True)
class DahdiTree:
    """The kernel's DAHDI, or a copy of its tree for tests."""

    root: Path = Path("/")
    control: bool = True
    """Ask ``/dev/dahdi/ctl`` too (``False`` where there is only a tree)."""


@dataclass(frozen=True, slots=True)
class SnmpAgent:
    """A gateway's SNMP agent and how to be let in: v2c by community, v3 by user with both keys (SHA, AES-128)."""

    host: str
    port: int = 161
    community: str = field(default="", repr=False)
    user: str = ""
    auth_key: str = field(default="", repr=False)
    priv_key: str = field(default="", repr=False)
    name: str = ""
    """The sysName it must answer with; empty = whatever answered first."""

    @property
    def is_v3(self) -> bool:
        """Whether it is asked by user and keys."""
        return bool(self.user)
