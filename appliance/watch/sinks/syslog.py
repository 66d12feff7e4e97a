"""Alerts by syslog: RFC 5424 with structured data, over UDP (RFC 5426), TCP (RFC 6587) or TLS (RFC 5425)."""

from __future__ import annotations

import os
import re
import socket
import ssl
from datetime import UTC, datetime

from appliance.errors import BoxError
from appliance.settings import SyslogSettings
from appliance.watch.sinks.base import Message

_TIMEOUT_S = 10.0
_FACILITY = 16  # local0
_LEVELS = {"critical": 2, "warning": 4, "info": 6}
_NOTICE = 5  # a clear
_ENTERPRISE = 32473
"""The number of RFC 5612 for documentation; the product's own comes with its private enterprise number."""
_BOM = "\ufeff"


def _value(text: object) -> str:
    return re.sub(r'(["\\\]])', r"\\\1", str(text)).replace("\n", " ")


def _name(key: str) -> str:
    return re.sub(r"[^!#-<>-\\^-~]", "_", key)[:32]  # PRINTUSASCII without = ] and quote


def line(message: Message, box: str, language: str) -> bytes:
    """The syslog message of a notice."""
    level = _LEVELS.get(message.severity, 4) if message.raised else _NOTICE
    at = datetime.fromtimestamp(message.at_unix_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    words = message.words(language)
    fields = {"uid": message.uid, "key": message.key, "severity": message.severity, "happened": message.happened}
    fields.update({_name(name): value for name, value in message.data.items()})
    params = " ".join(f'{name}="{_value(value)}"' for name, value in fields.items())
    host = re.sub(r"[^!-~]", "_", box)[:255] or "-"
    head = f"<{_FACILITY * 8 + level}>1 {at} {host} callbox {os.getpid()} alert [alert@{_ENTERPRISE} {params}] "
    said = f"{words.title}. {words.text}" if message.raised else f"{words.title}: over"
    return (head + _BOM + said.replace("\n", " ")).encode()


class SyslogSink:
    """TCP and TLS keep their connection; a message is counted (octet counting), so that none can be cut into two."""

    name = "syslog"

    def __init__(
        self, settings: SyslogSettings, *, box: str, language: str, tls: ssl.SSLContext | None = None
    ) -> None:
        self._settings = settings
        self._box = box
        self._language = language
        self._tls = tls
        self._connection: socket.socket | None = None

    def tell(self, message: Message) -> None:
        data = line(message, self._box, self._language)
        try:
            if self._settings.transport == "udp":
                self._datagram(data)
            else:
                self._stream(b"%d %s" % (len(data), data))
        except OSError as error:
            self.close()
            where = f"{self._settings.host}:{self._settings.port}/{self._settings.transport}"
            raise BoxError("sink.failed", f"The syslog server {where}: {error}", retryable=True) from error

    def _datagram(self, data: bytes) -> None:
        info = socket.getaddrinfo(self._settings.host, self._settings.port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(info[0], info[1]) as out:
            out.connect(info[4])
            out.send(data)

    def _stream(self, data: bytes) -> None:
        if self._connection is not None and self._gone(self._connection):
            self.close()
        if self._connection is None:
            plain = socket.create_connection((self._settings.host, self._settings.port), timeout=_TIMEOUT_S)
            self._connection = plain
            if self._settings.transport == "tls":
                tls = self._tls or ssl.create_default_context(cafile=self._settings.ca_file or None)
                self._connection = tls.wrap_socket(plain, server_hostname=self._settings.host)
        self._connection.sendall(data)

    @staticmethod
    def _gone(connection: socket.socket) -> bool:
        """A server never talks: anything to read is its goodbye, after which a send would be lost in silence."""
        connection.settimeout(0.001)
        try:
            return not connection.recv(1)
        except (TimeoutError, ssl.SSLWantReadError):
            return False
        except OSError:
            return True
        finally:
            connection.settimeout(_TIMEOUT_S)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None
