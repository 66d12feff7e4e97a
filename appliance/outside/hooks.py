"""HTTP to addresses that people typed: signed as standardwebhooks.com says, and never to where it must not go.

The target's name is looked up once, its address judged and then connected to, so that a name cannot be one address when
it is judged and another when it is used. Redirects are not followed. Of an answer no more is read than is wanted.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import http.client
import ipaddress
import secrets
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from appliance.errors import BoxError

TIMEOUT_S = 10.0
_METADATA = {ipaddress.ip_address("169.254.169.254"), ipaddress.ip_address("fd00:ec2::254"),
             ipaddress.ip_address("100.100.100.200")}  # fmt: skip
_SECRET_PREFIX, _SECRET_BYTES = "whsec_", 32


@dataclass(frozen=True)
class Answer:
    """What the other side said."""

    status: int
    body: bytes = b""


def new_secret() -> str:
    """A fresh signing secret."""
    return _SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` header. `secret`: `whsec_` and base64, or any text. Raises ValueError."""
    plain = secret.removeprefix(_SECRET_PREFIX)
    try:
        key = base64.b64decode(plain, validate=True) if secret.startswith(_SECRET_PREFIX) else plain.encode()
    except binascii.Error as error:
        raise ValueError("the webhook secret is not whsec_ and base64") from error
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def permitted(address: str, *, allow_private: bool, allow_loopback: bool = False) -> bool:
    """Whether it may be asked: never link-local, cloud metadata, multicast or the box itself."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if ip.is_loopback:
        return allow_loopback
    if ip in _METADATA or ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip.is_reserved:
        return False
    return allow_private or ip.is_global


class _Pinned(http.client.HTTPConnection):
    """Connects to the address that was judged; name and certificate are still the target's."""

    def __init__(self, host: str, port: int, address: str, tls: ssl.SSLContext | None, timeout_s: float) -> None:
        super().__init__(host, port, timeout=timeout_s)
        self._address = address
        self._tls = tls

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), timeout=self.timeout)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host) if self._tls else plain


def send(
    url: str, body: bytes | None, headers: Mapping[str, str], *, allow_private: bool, allow_loopback: bool = False,
    method: str = "POST", tls: ssl.SSLContext | None = None, timeout_s: float = TIMEOUT_S, read_max: int = 0,
) -> Answer:  # fmt: skip
    """One request; up to `read_max` bytes of the answer are read.

    Raises OSError, ValueError, http.client.HTTPException, or BoxError `outside.forbidden` for an address that may not
    be asked.
    """
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    address = _address(host, port, allow_private, allow_loopback)
    context = (tls or ssl.create_default_context()) if secure else None
    connection = _Pinned(host, port, address, context, timeout_s)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(method, path, body, {"User-Agent": "callbox", **headers})
        answer = connection.getresponse()
        return Answer(answer.status, answer.read(read_max) if read_max else b"")
    finally:
        connection.close()


def _address(host: str, port: int, allow_private: bool, allow_loopback: bool) -> str:
    for *_, sockaddr in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        address = str(sockaddr[0])
        if permitted(address, allow_private=allow_private, allow_loopback=allow_loopback):
            return address
    raise BoxError("outside.forbidden", f"'{host}' is an address that nothing may be sent to from here.", host=host)
