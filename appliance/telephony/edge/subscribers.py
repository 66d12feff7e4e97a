"""Kamailio's own SQLite file: who may register (subscriber), where they are (location), where we register (uacreg).

The file is mode 0600 and is not Callbox's database. Kamailio reads a seat's digest from it at each request and writes
locations through, so a seat that is set here is good at once, and a killed edge finds its phones again.
"""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from appliance.errors import CallerError
from appliance.settings import Home

SCHEMA_FOLDER = Path("/usr/share/kamailio/db_sqlite")  # Debian's package kamailio-sqlite-modules
SCHEMA_FILES = ("standard", "auth_db", "usrloc", "uac")
SEAT_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")


@dataclass(frozen=True)
class Registration:
    """One phone that stands registered."""

    seat_id: str
    contact: str
    received: str  # where the edge saw it come from, empty when as in `contact`
    user_agent: str
    expires_at: datetime


@dataclass(frozen=True)
class ProviderRegistration:
    """A registration of the box at a provider."""

    trunk_id: str
    user: str
    password: str
    realm: str
    domain: str
    gateway_uri: str
    expires_s: int
    socket: str  # Kamailio socket, as udp:127.0.2.1:5060
    contact: str  # host:port


def database(home: Home) -> Path:
    return home.edge / "kamailio.sqlite"


def create(home: Home) -> Path:
    """Make the file with Kamailio's tables when it is not there; returns its path."""
    path = database(home)
    if not path.exists():
        home.edge.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(f".new{os.getpid()}")
        os.close(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        connection = sqlite3.connect(new)
        try:
            # Kamailio's driver does not wait for a lock: in this mode its reads never meet one (stays with the file)
            connection.execute("PRAGMA journal_mode=WAL")
            for name in SCHEMA_FILES:
                connection.executescript((SCHEMA_FOLDER / f"{name}-create.sql").read_text("utf-8"))
            connection.commit()
        finally:
            connection.close()
        try:
            os.link(new, path)  # two services may start at once: the first one wins
        except FileExistsError:
            pass
        finally:
            new.unlink()
    return path


@contextmanager
def _open(home: Home) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(create(home), timeout=5.0)
    try:
        with connection:
            yield connection
    finally:
        connection.close()


def digest(seat_id: str, realm: str, password: str) -> str:
    """HA1 of RFC 2617 (MD5: what desk phones can do)."""
    return hashlib.md5(f"{seat_id}:{realm}:{password}".encode(), usedforsecurity=False).hexdigest()


def set_seat(home: Home, realm: str, seat_id: str, password: str) -> None:
    """Let a seat register with this password from now on. Raises CallerError `seat.bad_id`."""
    if not SEAT_ID.fullmatch(seat_id):
        raise CallerError(
            "seat.bad_id", "A seat's name is 1 to 32 of a-z, 0-9, dot, dash and underscore.", seat_id=seat_id
        )
    with _open(home) as connection:
        connection.execute(
            "INSERT INTO subscriber (username, domain, ha1) VALUES (?, ?, ?)"
            " ON CONFLICT (username, domain) DO UPDATE SET ha1 = excluded.ha1",
            (seat_id, realm, digest(seat_id, realm, password)),
        )


def remove_seat(home: Home, realm: str, seat_id: str) -> None:
    """Shut a seat out: its password is gone at once, a registration that stands ends within its life (<= 120 s)."""
    with _open(home) as connection:
        connection.execute("DELETE FROM subscriber WHERE username = ? AND domain = ?", (seat_id, realm))


def seats(home: Home, realm: str) -> list[str]:
    """All seats that have a password."""
    with _open(home) as connection:
        rows = connection.execute("SELECT username FROM subscriber WHERE domain = ? ORDER BY username", (realm,))
        return [str(row[0]) for row in rows]


def registrations(home: Home) -> list[Registration]:
    """All phones that stand registered now."""
    with _open(home) as connection:
        rows = connection.execute(
            "SELECT username, contact, coalesce(received, ''), user_agent, expires FROM location ORDER BY username"
        ).fetchall()
    now = datetime.now(UTC)
    found = [Registration(str(r[0]), str(r[1]), str(r[2]), str(r[3]), _instant(r[4])) for r in rows]
    return [registration for registration in found if registration.expires_at > now]


def _instant(value: str | float) -> datetime:
    """Kamailio writes instants in SQLite as days of the Julian calendar (real) or as text in UTC."""
    if isinstance(value, int | float):
        return datetime.fromtimestamp((value - 2440587.5) * 86400.0, UTC)
    return datetime.fromisoformat(value).replace(tzinfo=UTC)


def forget_connections(home: Home) -> None:
    """Before the edge starts: no connection of the old one lives.

    A WebSocket contact died with its connection. A TCP or TLS phone stays: it is called at its own port instead of
    through the connection that it came by, and -1 says that its registration does not end with a connection.
    """
    with _open(home) as connection:
        connection.execute("DELETE FROM location WHERE contact LIKE '%transport=ws%' OR received LIKE '%transport=ws%'")
        connection.execute("UPDATE location SET connection_id = -1")
        connection.execute(
            "UPDATE location SET received = NULL"
            " WHERE received LIKE '%transport=tcp%' OR received LIKE '%transport=tls%'"
        )


def set_providers(home: Home, providers: list[ProviderRegistration]) -> None:
    """Write the table from which Kamailio registers the box at providers when it starts."""
    with _open(home) as connection:
        connection.execute("DELETE FROM uacreg")
        connection.executemany(
            "INSERT INTO uacreg (l_uuid, l_username, l_domain, r_username, r_domain, realm, auth_username,"
            " auth_password, auth_ha1, auth_proxy, expires, flags, reg_delay, contact_addr, socket)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, '', ?, ?, 0, 0, ?, ?)",
            [
                (
                    p.trunk_id, p.user, p.domain, p.user, p.domain, p.realm or p.domain, p.user,
                    p.password, p.gateway_uri, p.expires_s, p.contact, p.socket,
                )
                for p in providers
            ],
        )  # fmt: skip
