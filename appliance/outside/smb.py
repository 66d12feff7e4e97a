r"""Files to a share of a Windows or Samba server (SMB 2 and 3), each checked by its SHA-256, which is read back.

Nothing is mounted: the box speaks to the server itself, as an ordinary user of that share, with each message signed.
A file is written beside its name (`.part`) and gets its name when it is whole and right; what a broken line left there
is gone on with.
"""

from __future__ import annotations

import hashlib
import logging
import ntpath
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from errno import ENOENT
from pathlib import Path
from typing import Any

import smbclient
from smbprotocol.exceptions import SMBException
from smbprotocol.header import NtStatus
from smbprotocol.tree import TreeConnect

from appliance.errors import BoxError

PORT = 445
_CONNECT_S, _SILENT_S, _LOOK_S = 20.0, 60.0, 5.0
_PIECE = 1 << 20
_PART = ".part"

_LOGIN = ("smb.login", "does not let '{user}' in: a wrong name or password")
SAID: dict[int, tuple[str, str]] = {
    NtStatus.STATUS_LOGON_FAILURE: _LOGIN,
    NtStatus.STATUS_WRONG_PASSWORD: _LOGIN,
    NtStatus.STATUS_PASSWORD_EXPIRED: ("smb.login", "wants a new password for '{user}'"),
    NtStatus.STATUS_BAD_NETWORK_NAME: ("smb.share", "has no share '{share}'"),
    NtStatus.STATUS_ACCESS_DENIED: ("smb.denied", "does not let '{user}' write into share '{share}'"),
    NtStatus.STATUS_DISK_FULL: ("smb.disk_full", "has no room left in share '{share}'"),
    0xC0000044: ("smb.disk_full", "gives '{user}' no more room in share '{share}' (quota)"),
    0xC0000072: ("smb.login", "has disabled the account '{user}'"),
    0xC0000234: ("smb.login", "has locked the account '{user}'"),
}
"""Status of the server (MS-ERREF 2.3) -> error and words."""

# each fault is told once, by who asked for the copy
for _name in ("smbprotocol", "smbclient", "spnego"):
    logging.getLogger(_name).propagate = False
    logging.getLogger(_name).addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Share:
    r"""A share, or a folder in it, and who enters it. `user`: name, DOMAIN\name or name@domain."""

    host: str
    name: str
    user: str
    password: str = field(repr=False)
    folder: str = ""
    port: int = PORT


def share_of(url: str, user: str, password: str) -> Share:
    """The share of smb://host[:port]/share[/folder]."""
    server, _, where = url.removeprefix("smb://").partition("/")
    host, _, port = server.partition(":")
    name, _, folder = where.strip("/").partition("/")
    return Share(host, name, user, password, folder, int(port or PORT))


def put(share: Share, name: str, path: Path, digest: str) -> None:
    """Lay a file of this SHA-256 there under a name with slashes, and read it back.

    Raises BoxError `smb.login`, `smb.share`, `smb.denied`, `smb.disk_full`, `smb.failed`; all may be tried again.
    """
    folder, _, base = name.rpartition("/")
    place = "\\".join([f"\\\\{share.host}\\{share.name}", *share.folder.split("/"), *folder.split("/")]).rstrip("\\")
    target = ntpath.join(place, base)
    begun = target + _PART
    with _entered(share) as how:
        if _there(target, path.stat().st_size, digest, how):
            return  # the word that it arrived was lost, not the file
        smbclient.makedirs(place, exist_ok=True, **how)
        _send(path, begun, how)
        if _digest(begun, how) != digest:
            smbclient.remove(begun, **how)
            raise _failed(share, f"{name} arrived changed")
        smbclient.replace(begun, target, **how)


@contextmanager
def _entered(share: Share) -> Iterator[dict[str, Any]]:
    """How to reach the share; its connection ends with the context."""
    if not share.user:
        raise BoxError("smb.login", "Copies to a share need a user and a password (Settings, Backup).", retryable=True)
    connections: dict[str, Any] = {}
    how = {
        "username": share.user, "password": share.password, "port": share.port, "connection_cache": connections,
        "connection_timeout": _CONNECT_S,
    }  # fmt: skip
    over = threading.Event()
    threading.Thread(target=_end_when_silent, args=(connections, over), name="smb", daemon=True).start()
    try:
        session = smbclient.register_session(share.host, **how)
        # asked for by itself: for a share that it does not know the library looks for one of that name elsewhere (DFS)
        TreeConnect(session, rf"\\{share.host}\{share.name}").connect()
        yield how
    except SMBException as error:
        status = getattr(error, "ntstatus", getattr(error, "status", None))
        if not isinstance(status, int) or status not in SAID:
            raise _failed(share, " ".join(str(error).split())[-200:]) from error
        error_id, words = SAID[status]
        said = words.format(user=share.user, share=share.name)
        raise BoxError(error_id, f"The server {share.host} {said}.", retryable=True) from error
    except (OSError, ValueError) as error:  # a server that is not there is a ValueError to the library
        raise _failed(share, str(error)) from error
    finally:
        smbclient.reset_connection_cache(fail_on_error=False, connection_cache=connections)
        over.set()


def _end_when_silent(connections: dict[str, Any], over: threading.Event) -> None:
    """A server that took a request and never answers would be waited for without end: then the line is cut."""
    asked, since_s = -1, time.monotonic()
    while not over.wait(_LOOK_S):
        count = sum(connection.sequence_window["low"] for connection in [*connections.values()])
        if count != asked:
            asked, since_s = count, time.monotonic()
        elif time.monotonic() - since_s > _SILENT_S:
            for connection in [*connections.values()]:
                connection.transport.close()
            return


def _failed(share: Share, why: str) -> BoxError:
    return BoxError("smb.failed", f"The copy to share '{share.name}' of {share.host} failed: {why}.", retryable=True)


def _there(target: str, size: int, digest: str, how: dict[str, Any]) -> bool:
    """Whether the file stands there already, whole."""
    try:
        found = smbclient.stat(target, **how).st_size
    except OSError as error:
        if error.errno != ENOENT:  # the library's own kind of error, never FileNotFoundError
            raise
        return False
    return bool(found == size) and _digest(target, how) == digest


def _send(path: Path, begun: str, how: dict[str, Any]) -> None:
    """Write what is missing of the file; whether the rest is right is seen when all is read back."""
    with path.open("rb") as source, smbclient.open_file(begun, mode="ab", buffering=0, **how) as out:
        if (at := out.tell()) > path.stat().st_size:
            out.truncate(0)
            at = out.seek(0)
        source.seek(at)
        while piece := source.read(_PIECE):
            view = memoryview(piece)
            while view:
                view = view[out.write(view) :]
        out.flush()


def _digest(name: str, how: dict[str, Any]) -> str:
    """SHA-256 of what the server has."""
    found = hashlib.sha256()
    with smbclient.open_file(name, mode="rb", buffering=0, **how) as handle:
        while piece := handle.read(_PIECE):
            found.update(piece)
    return found.hexdigest()
