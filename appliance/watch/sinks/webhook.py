"""Alerts by HTTP POST, signed as standardwebhooks.com says: `v1,` and base64 of HMAC-SHA256 over id.timestamp.body.

The target's address is looked up once, judged and then connected to, so that a name cannot be one address when it is
judged and another when it is used. Redirects are not followed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import http.client
import ipaddress
import json
import socket
import ssl
import time
from urllib.parse import urlsplit

from appliance.errors import BoxError
from appliance.settings import WebhookSettings
from appliance.watch.sinks.base import Message

_TIMEOUT_S = 10.0
_METADATA = {ipaddress.ip_address("169.254.169.254"), ipaddress.ip_address("fd00:ec2::254"),
             ipaddress.ip_address("100.100.100.200")}  # fmt: skip


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` header. `secret`: `whsec_` and base64, or any text."""
    plain = secret.removeprefix("whsec_")
    try:
        key = base64.b64decode(plain, validate=True) if secret.startswith("whsec_") else plain.encode()
    except binascii.Error as error:
        raise BoxError("sink.failed", "The webhook secret is not whsec_ and base64.") from error
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def permitted(address: str, *, allow_private: bool, allow_loopback: bool = False) -> bool:
    """Whether alerts may go to this address: never link-local, cloud metadata, multicast or the box itself."""
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

    def __init__(self, host: str, port: int, address: str, tls: ssl.SSLContext | None) -> None:
        super().__init__(host, port, timeout=_TIMEOUT_S)
        self._address = address
        self._tls = tls

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), timeout=_TIMEOUT_S)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host) if self._tls else plain


class WebhookSink:
    """One POST a notice; any answer but 2xx is a failure and is tried again with the same id."""

    name = "webhook"

    def __init__(
        self, settings: WebhookSettings, *, box: str, tls: ssl.SSLContext | None = None, allow_loopback: bool = False
    ) -> None:
        self._settings = settings
        self._box = box
        self._tls = tls or ssl.create_default_context()
        self._allow_loopback = allow_loopback

    def _body(self, message: Message) -> bytes:
        kind = "alert.raised" if message.raised else "alert.cleared"
        data = {
            "box": self._box, "uid": message.uid, "happened": message.happened, "key": message.key,
            "severity": message.severity, "test": message.test, "raised_at": _rfc3339(message.raised_at_unix_s),
            "figures": message.data,
            "words": {name: vars(message.words(name)) for name in ("en", "zh", "ru")},
        }  # fmt: skip
        whole = {"type": kind, "timestamp": _rfc3339(message.at_unix_s), "data": data}
        return json.dumps(whole, ensure_ascii=False, default=str).encode()

    def tell(self, message: Message) -> None:
        url = urlsplit(self._settings.url)
        host, secure = url.hostname or "", url.scheme == "https"
        try:
            port = url.port or (443 if secure else 80)
            address = self._address(host, port)
            body, message_id, now = self._body(message), f"{message.uid}-{message.happened}", int(time.time())
            headers = {
                "Content-Type": "application/json", "User-Agent": "callbox", "webhook-id": message_id,
                "webhook-timestamp": str(now),
            }  # fmt: skip
            secret = self._settings.secret.get_secret_value()
            if secret:
                headers["webhook-signature"] = signature(secret, message_id, now, body)
            connection = _Pinned(host, port, address, self._tls if secure else None)
            try:
                connection.request("POST", (url.path or "/") + (f"?{url.query}" if url.query else ""), body, headers)
                status = connection.getresponse().status
            finally:
                connection.close()
        except (OSError, ValueError, http.client.HTTPException) as error:
            said = f"The webhook at {host} cannot be reached: {error}"
            raise BoxError("sink.failed", said, retryable=True) from error
        if not 200 <= status < 300:
            raise BoxError("sink.failed", f"The webhook at {host} answers {status}.", retryable=True)

    def _address(self, host: str, port: int) -> str:
        for *_, sockaddr in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            address = str(sockaddr[0])
            if permitted(address, allow_private=self._settings.allow_private, allow_loopback=self._allow_loopback):
                return address
        raise BoxError("sink.failed", f"'{host}' is an address that alerts may not go to (webhook).")

    def close(self) -> None:
        """Nothing stays open."""


def _rfc3339(unix_s: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(unix_s))
