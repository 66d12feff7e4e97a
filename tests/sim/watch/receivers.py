"""The other ends of the sinks: real servers on loopback that keep what they got and can be told to fail."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


@dataclass
class Kept:
    """What a server got; `failing` makes it refuse, `answer` is what the HTTP server says otherwise."""

    port: int = 0
    got: list[Any] = field(default_factory=list)
    failing: bool = False
    answer: int = 204
    changed: threading.Condition = field(default_factory=threading.Condition)

    def add(self, item: Any) -> None:
        with self.changed:
            self.got.append(item)
            self.changed.notify_all()

    def wait(self, count: int, timeout_s: float = 60.0) -> list[Any]:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.got) >= count, timeout_s), f"only {self.got}"
            return list(self.got)


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """(server, client that trusts it) for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cadata=made.public_bytes(serialization.Encoding.PEM).decode())


@contextmanager
def _running(server: socketserver.BaseServer, kept: Kept) -> Iterator[Kept]:
    kept.port = int(server.server_address[1])  # type: ignore[index]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Tcp(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class _Stream(socketserver.StreamRequestHandler):
    def finish(self) -> None:
        super().finish()
        self.request.close()  # the server closes only the plain socket that TLS has taken over


@contextmanager
def smtp_server(tls: ssl.SSLContext) -> Iterator[Kept]:
    """Enough of RFC 5321 with STARTTLS and AUTH PLAIN; keeps (used TLS, user, text)."""
    kept = Kept()

    class Handler(_Stream):
        def say(self, line: str) -> None:
            self.wfile.write(line.encode() + b"\r\n")

        def handle(self) -> None:
            secure, user = False, ""
            self.say("220 mail.test ESMTP")
            while line := self.rfile.readline().decode().strip():
                verb = line.upper()
                if verb.startswith("EHLO"):
                    self.say("250-mail.test")
                    self.say("250 AUTH PLAIN" if secure else "250 STARTTLS")
                elif verb == "STARTTLS":
                    self.say("220 go on")
                    self.request = tls.wrap_socket(self.request, server_side=True)
                    self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb", buffering=0)
                    secure = True
                elif verb.startswith("AUTH"):
                    user = line.split()[-1]
                    self.say("235 welcome")
                elif verb.startswith("RCPT") and kept.failing:
                    self.say("452 no room")
                elif verb == "DATA":
                    self.say("354 go on")
                    text = b""
                    while not text.endswith(b"\r\n.\r\n"):
                        text += self.rfile.readline()
                    kept.add((secure, user, text.decode()))
                    self.say("250 taken")
                elif verb == "QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say("250 ok")

    with _running(_Tcp(("127.0.0.1", 0), Handler), kept):
        yield kept


@contextmanager
def http_server() -> Iterator[Kept]:
    """Keeps (headers, body)."""
    kept = Kept()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if not kept.failing:
                kept.add((dict(self.headers), body))
            self.send_response(503 if kept.failing else kept.answer)
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    with _running(ThreadingHTTPServer(("127.0.0.1", 0), Handler), kept):
        yield kept


@contextmanager
def udp_server() -> Iterator[Kept]:
    kept = Kept()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            kept.add(self.request[0])

    with _running(socketserver.UDPServer(("127.0.0.1", 0), Handler), kept):
        yield kept


@contextmanager
def counted_server(tls: ssl.SSLContext | None = None, *, messages: int = 1000) -> Iterator[Kept]:
    """Syslog over TCP or TLS with octet counting; hangs up after so many messages of one connection."""
    kept = Kept()

    class Handler(_Stream):
        def handle(self) -> None:
            if tls is not None:
                self.request = tls.wrap_socket(self.request, server_side=True)
                self.rfile = self.request.makefile("rb")
            for _ in range(messages):
                digits = b""
                while (byte := self.rfile.read(1)) not in {b" ", b""}:
                    digits += byte
                if not digits:
                    return
                kept.add(self.rfile.read(int(digits)))
            with contextlib.suppress(OSError):
                self.request.shutdown(socket.SHUT_RDWR)

    with _running(_Tcp(("127.0.0.1", 0), Handler), kept):
        yield kept


@contextmanager
def snmp_manager(engine_id: bytes) -> Iterator[Kept]:
    """Receives notifications by v2c (community `public`) and v3 (user `callbox`); keeps {oid: text}."""
    from pysnmp.carrier.asyncio.dgram import udp
    from pysnmp.entity import config, engine
    from pysnmp.entity.rfc3413 import ntfrcv
    from pysnmp.proto.api import v2c

    kept, ready, stop = Kept(), threading.Event(), threading.Event()

    async def receive() -> None:
        manager = engine.SnmpEngine()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            kept.port = probe.getsockname()[1]
        transport = udp.UdpTransport().open_server_mode(("127.0.0.1", kept.port))
        config.add_transport(manager, udp.DOMAIN_NAME, transport)
        config.add_v1_system(manager, "area", "public")
        for engine_of_user in (None, v2c.OctetString(engine_id)):  # informs use ours, traps the sender's
            config.add_v3_user(
                manager, "callbox", config.USM_AUTH_HMAC96_SHA, "authentic-key", config.USM_PRIV_CFB128_AES,
                "private-key-1", securityEngineId=engine_of_user,
            )  # fmt: skip

        def take(_engine: Any, _state: Any, _id: Any, _name: Any, rows: Any, _context: Any) -> None:
            kept.add({str(oid): value.prettyPrint() if "ObjectIdent" in type(value).__name__
                      else bytes(value).decode() if hasattr(value, "asOctets") else str(value) for oid, value in rows})

        ntfrcv.NotificationReceiver(manager, take)
        await asyncio.sleep(0)
        ready.set()
        while not stop.is_set():
            await asyncio.sleep(0.02)
        manager.close_dispatcher()

    thread = threading.Thread(target=lambda: asyncio.run(receive()), daemon=True)
    thread.start()
    assert ready.wait(60)
    try:
        yield kept
    finally:
        stop.set()
        thread.join(10)
