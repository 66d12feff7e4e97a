"""A very small SIP end point for tests: sends exactly what it is told, shows exactly what came, answers by a rule."""

from __future__ import annotations

import base64
import hashlib
import itertools
import os
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Message:
    """One SIP message as it came: start line, header lines in order, body."""

    start: str
    headers: tuple[tuple[str, str], ...]
    body: str
    raw: str
    source: tuple[str, int] = ("", 0)

    @property
    def status(self) -> int:
        return int(self.start.split()[1]) if self.start.startswith("SIP/2.0") else 0

    @property
    def method(self) -> str:
        return "" if self.status else self.start.split()[0]

    @property
    def uri(self) -> str:
        return "" if self.status else self.start.split()[1]

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name: str) -> str:
        found = self.all(name)
        return found[0] if found else ""


Rule = Callable[[Message], list[bytes]]


def parse(raw: bytes, source: tuple[str, int] = ("", 0)) -> Message:
    text = raw.decode("utf-8", "replace")
    head, _, body = text.partition("\r\n\r\n")
    lines = head.split("\r\n")
    headers = tuple((n.strip(), v.strip()) for n, _, v in (line.partition(":") for line in lines[1:]))
    return Message(lines[0], headers, body, text, source)


def request(
    method: str,
    uri: str,
    *,
    local: tuple[str, int],
    sender: str,
    to: str | None = None,
    transport: str = "UDP",
    call_id: str | None = None,
    cseq: int = 1,
    from_tag: str = "tester",
    to_tag: str = "",
    headers: tuple[str, ...] = (),
    body: str = "",
) -> bytes:
    """A request with all that it needs; `sender` and `to` are SIP URIs."""
    number = next(_numbers)
    target = to or uri
    tag = f";tag={to_tag}" if to_tag else ""
    user = re.sub(r"^sips?:|@.*$", "", sender) or "x"
    contact_transport = "" if transport == "UDP" else f";transport={transport.lower()}"
    lines = [
        f"{method} {uri} SIP/2.0",
        f"Via: SIP/2.0/{transport} {local[0]}:{local[1]};branch=z9hG4bK{os.getpid()}x{number};rport",
        "Max-Forwards: 70",
        f"From: <{sender}>;tag={from_tag}",
        f"To: <{target}>{tag}",
        f"Call-ID: {call_id or f'call{os.getpid()}x{number}'}",
        f"CSeq: {cseq} {method}",
        f"Contact: <sip:{user}@{local[0]}:{local[1]}{contact_transport}>",
        *headers,
        *(["Content-Type: application/sdp"] if body else []),
        f"Content-Length: {len(body)}",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def sdp(address: str, port: int) -> str:
    return (
        f"v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
    )


def reply(
    to: Message, status: str, *, contact: str = "", headers: tuple[str, ...] = (), body: str = "", tag: str = "uas"
) -> bytes:
    """An answer to a request, as a user agent server gives it."""
    lines = [f"SIP/2.0 {status}"]
    for name, value in to.headers:
        if name.lower() in ("via", "from", "call-id", "cseq", "record-route"):
            lines.append(f"{name}: {value}")
        elif name.lower() == "to":
            lines.append(f"To: {value}" + ("" if ";tag=" in value or status.startswith("100") else f";tag={tag}"))
    if contact:
        lines.append(f"Contact: <{contact}>")
    lines += [*headers, *(["Content-Type: application/sdp"] if body else []), f"Content-Length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def acknowledge(invite: bytes, answer: Message, *, method: str = "ACK") -> bytes:
    """ACK of a final answer, or CANCEL, in the INVITE's own transaction (same branch)."""
    sent = invite.decode().split("\r\n")
    via = next(line for line in sent if line.startswith("Via:"))
    to = next(line for line in sent if line.startswith("To:")) if method == "CANCEL" else f"To: {answer.get('To')}"
    lines = [
        sent[0].replace("INVITE", method, 1), via, "Max-Forwards: 70", f"From: {answer.get('From')}", to,
        f"Call-ID: {answer.get('Call-ID')}", f"CSeq: {answer.get('CSeq').split()[0]} {method}", "Content-Length: 0",
    ]  # fmt: skip
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def waited(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Poll a condition until it holds; False when it does not in time."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


def authorization(challenge: Message, *, user: str, password: str, method: str, uri: str) -> str:
    """The digest header line that answers a 401 or 407 (RFC 2617, with or without qop)."""
    proxy = challenge.status == 407
    offered = challenge.get("Proxy-Authenticate" if proxy else "WWW-Authenticate")
    part = {k.lower(): v.strip('"') for k, v in re.findall(r'(\w+)=("[^"]*"|[^,\s]+)', offered)}

    def md5(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()

    ha1, ha2 = md5(f"{user}:{part['realm']}:{password}"), md5(f"{method}:{uri}")
    response = md5(f"{ha1}:{part['nonce']}:{ha2}")
    name = "Proxy-Authorization" if proxy else "Authorization"
    return (
        f'{name}: Digest username="{user}", realm="{part["realm"]}", nonce="{part["nonce"]}", uri="{uri}", '
        f'response="{response}", algorithm=MD5'
    )


class Line:
    """What the transports share: wait for the message that a test wants, keep all that came."""

    local: tuple[str, int]
    contact: tuple[str, int] | None = None  # what it says instead of `local`

    def __init__(self) -> None:
        self.seen: list[Message] = []

    def send(self, data: bytes) -> None:
        raise NotImplementedError

    def receive(self, timeout_s: float) -> Message | None:
        raise NotImplementedError

    def wait(self, wanted: Callable[[Message], bool], timeout_s: float = 3.0) -> Message | None:
        deadline = time.monotonic() + timeout_s
        while (left := deadline - time.monotonic()) > 0:
            message = self.receive(left)
            if message is not None:
                self.seen.append(message)
                if wanted(message):
                    return message
        return None

    def final(self, timeout_s: float = 3.0) -> Message | None:
        return self.wait(lambda m: m.status >= 200, timeout_s)


class UdpLine(Line):
    """A UDP socket at `local` that talks to `remote`."""

    def __init__(self, local: tuple[str, int], remote: tuple[str, int]) -> None:
        super().__init__()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(local)
        self.local = self.socket.getsockname()
        self.remote = remote

    def send(self, data: bytes) -> None:
        self.socket.sendto(data, self.remote)

    def receive(self, timeout_s: float) -> Message | None:
        self.socket.settimeout(max(timeout_s, 0.001))
        try:
            data, source = self.socket.recvfrom(65535)
        except (TimeoutError, ConnectionRefusedError):
            return None
        return parse(data, source)

    def close(self) -> None:
        self.socket.close()


class StreamLine(Line):
    """TCP or TLS: messages are cut by Content-Length."""

    def __init__(self, remote: tuple[str, int], *, source: str, context: ssl.SSLContext | None = None) -> None:
        super().__init__()
        plain = socket.create_connection(remote, timeout=3, source_address=(source, 0))
        self.socket = context.wrap_socket(plain, server_hostname=remote[0]) if context else plain
        self.local = self.socket.getsockname()[:2]
        self.buffer = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def receive(self, timeout_s: float) -> Message | None:
        self.socket.settimeout(max(timeout_s, 0.001))
        while True:
            head, mark, rest = self.buffer.partition(b"\r\n\r\n")
            if mark:
                length = re.search(rb"(?im)^content-length:\s*(\d+)", head)
                size = int(length.group(1)) if length else 0
                if len(rest) >= size:
                    self.buffer = rest[size:]
                    return parse(head + mark + rest[:size])
            try:
                data = self.socket.recv(65535)
            except TimeoutError:
                return None
            if not data:
                return None
            self.buffer += data

    def close(self) -> None:
        self.socket.close()


class WebSocketLine(Line):
    """RFC 6455 client with sub-protocol sip (RFC 7118), one message per text frame."""

    def __init__(
        self,
        remote: tuple[str, int],
        *,
        source: str = "127.0.3.50",
        path: str = "/phone",
        context: ssl.SSLContext | None = None,
        headers: tuple[str, ...] = (),
    ) -> None:
        super().__init__()
        plain = socket.create_connection(remote, timeout=5, source_address=(source, 0))
        self.socket = context.wrap_socket(plain, server_hostname=remote[0]) if context else plain
        self.local = self.socket.getsockname()[:2]
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET {path} HTTP/1.1", f"Host: {remote[0]}:{remote[1]}", "Upgrade: websocket", "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Protocol: sip", "Sec-WebSocket-Version: 13",
            f"Origin: https://{remote[0]}:{remote[1]}", *headers,
        ]  # fmt: skip
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            data = self.socket.recv(4096)
            if not data:
                break
            self.buffer += data
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        self.handshake = head.decode("latin-1")
        self.open = " 101 " in self.handshake.split("\r\n")[0] + " "

    def send(self, data: bytes) -> None:
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
        self.socket.sendall(struct.pack("!BBH", 0x81, 0x80 | 126, len(data)) + mask + masked)

    def receive(self, timeout_s: float) -> Message | None:
        self.socket.settimeout(max(timeout_s, 0.001))
        while True:
            frame = self._frame()
            if frame is not None:
                kind, payload = frame
                if kind in (1, 2) and payload.strip():
                    return parse(payload)
                continue
            try:
                data = self.socket.recv(65535)
            except TimeoutError:
                return None
            if not data:
                return None
            self.buffer += data

    def _frame(self) -> tuple[int, bytes] | None:
        data = self.buffer
        if len(data) < 2:
            return None
        size, start = data[1] & 0x7F, 2
        if size == 126:
            size, start = (struct.unpack("!H", data[2:4])[0] if len(data) >= 4 else 1 << 16), 4
        if len(data) < start + size:
            return None
        self.buffer = data[start + size :]
        return data[0] & 0x0F, data[start : start + size]

    def close(self) -> None:
        self.socket.close()


class Answerer:
    """A UDP user agent server in a thread: `rule(message)` gives the answers; `seen` keeps all that came."""

    def __init__(self, local: tuple[str, int], rule: Rule) -> None:
        self.line = UdpLine(local, ("", 0))
        self.local = local
        self.rule = rule
        self.answers_options = True
        self.seen: list[Message] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            message = self.line.receive(0.1)
            if message is None:
                continue
            self.seen.append(message)
            if message.method == "OPTIONS":
                answers = [reply(message, "200 OK")] if self.answers_options else []
            else:
                answers = self.rule(message)
            for answer in answers:
                self.line.socket.sendto(answer, message.source)

    def of(self, method: str) -> list[Message]:
        return [message for message in self.seen if message.method == method]

    def close(self) -> None:
        self._stop.set()
        self._thread.join(2)
        self.line.close()
