"""SIP messages as data: parse what came off the wire, build what goes out (RFC 3261, sections 7 and 25).

The parser is lenient about what does not matter (folded lines, compact names, odd white space) and raises
`SipParseError` for all that cannot be answered: a peer may send anything.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field

_COMPACT = {
    "v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length", "c": "content-type",
    "k": "supported", "s": "subject", "e": "content-encoding",
}  # fmt: skip
_NICE = {"call-id": "Call-ID", "cseq": "CSeq", "www-authenticate": "WWW-Authenticate"}
_LISTS = frozenset({"via", "route", "record-route", "contact"})
_REQUEST = re.compile(r"^([A-Z]{1,20}) (\S+) SIP/2\.0$")
_STATUS = re.compile(r"^SIP/2\.0 ([1-6]\d\d)(?: (.*))?$")
_TOKEN = re.compile(r"^[A-Za-z0-9.!%*_+`'~-]+$")
_Q850 = re.compile(r"q\.850\s*;.*?cause\s*=\s*(\d+)", re.IGNORECASE)


class SipParseError(ValueError):
    """The datagram is not a SIP message that could be answered."""


@dataclass
class Message:
    """A request (`method` and `uri`) or a response (`status` and `reason`); header names are lower case."""

    method: str = ""
    uri: str = ""
    status: int = 0
    reason: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    @property
    def is_request(self) -> bool:
        return self.status == 0

    def get(self, name: str) -> str:
        """Value of the first header of this name, or an empty string."""
        return next((value for key, value in self.headers if key == name), "")

    def all(self, name: str) -> list[str]:
        """Values of all headers of this name, lists split at their commas."""
        found: list[str] = []
        for key, value in self.headers:
            if key == name:
                found += split_list(value) if name in _LISTS else [value]
        return found

    def add(self, name: str, value: str) -> Message:
        self.headers.append((name.lower(), value))
        return self

    def replace(self, name: str, value: str) -> None:
        """Put one header in the place of all of its name."""
        index = next((i for i, (key, _) in enumerate(self.headers) if key == name), len(self.headers))
        self.headers = [h for h in self.headers if h[0] != name]
        self.headers.insert(index, (name, value))

    @property
    def call_id(self) -> str:
        return self.get("call-id")

    @property
    def cseq(self) -> tuple[int, str]:
        """Number and method of CSeq. Raises SipParseError."""
        parts = self.get("cseq").split()
        if len(parts) != 2 or not parts[0].isdigit() or int(parts[0]) >= 2**31:
            raise SipParseError(f"bad CSeq {self.get('cseq')!r}")
        return int(parts[0]), parts[1]

    @property
    def branch(self) -> str:
        return parameter(self.get_via(), "branch")

    def get_via(self) -> str:
        """The topmost Via."""
        return next(iter(self.all("via")), "")

    @property
    def q850(self) -> int | None:
        """Q.850 cause of the Reason headers (RFC 3326), if any."""
        for value in self.all("reason"):
            found = _Q850.search(value)
            if found:
                return int(found[1])
        return None

    def to_bytes(self) -> bytes:
        start = f"{self.method} {self.uri} SIP/2.0" if self.is_request else f"SIP/2.0 {self.status} {self.reason}"
        lines = [start]
        lines += [f"{_nice(key)}: {value}" for key, value in self.headers if key != "content-length"]
        lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join(lines).encode("utf-8", "replace") + b"\r\n\r\n" + self.body


def _nice(name: str) -> str:
    return _NICE.get(name) or "-".join(part.capitalize() for part in name.split("-"))


def parse(data: bytes) -> Message:
    """Read one datagram. Raises SipParseError for anything that is not a complete SIP/2.0 message."""
    head, separator, body = data.lstrip(b"\r\n").partition(b"\r\n\r\n")
    if not separator:
        raise SipParseError("no end of headers")
    text = re.sub(r"\r\n[ \t]+", " ", head.decode("utf-8", "replace"))
    first, *lines = text.split("\r\n")
    message = _start_line(first)
    for line in lines:
        name, colon, value = line.partition(":")
        name = name.strip().lower()
        if not colon or not _TOKEN.match(name):
            raise SipParseError(f"bad header line {line[:60]!r}")
        message.headers.append((_COMPACT.get(name, name), value.strip()))
    for needed in ("via", "from", "to", "call-id", "cseq"):
        if not message.get(needed):
            raise SipParseError(f"no {needed} header")
    if message.is_request and message.cseq[1] != message.method:
        raise SipParseError("method and CSeq differ")
    length = message.get("content-length") or str(len(body))
    if not length.isdigit() or int(length) > len(body):
        raise SipParseError(f"body of {len(body)} bytes, Content-Length {length[:12]!r}")
    message.body = body[: int(length)]
    return message


def _start_line(line: str) -> Message:
    if found := _REQUEST.match(line):
        return Message(method=found[1], uri=found[2])
    if found := _STATUS.match(line):
        return Message(status=int(found[1]), reason=found[2] or "")
    raise SipParseError(f"bad start line {line[:60]!r}")


def split_list(value: str) -> list[str]:
    """Split a header value at commas outside quotes and angle brackets."""
    parts, depth, quoted, start = [], 0, False, 0
    for index, character in enumerate(value):
        if character == '"' and (index == 0 or value[index - 1] != "\\"):
            quoted = not quoted
        elif not quoted and character in "<>":
            depth += 1 if character == "<" else -1
        elif character == "," and not quoted and depth <= 0:
            parts.append(value[start:index].strip())
            start = index + 1
    parts.append(value[start:].strip())
    return [part for part in parts if part]


def parameter(value: str, name: str) -> str:
    """A `;name=value` parameter of a header (outside angle brackets), or an empty string."""
    outside = value.rpartition(">")[2] if "<" in value else value
    found = re.search(rf";\s*{re.escape(name)}\s*=\s*\"?([^\s;,\"]+)", outside, re.IGNORECASE)
    return found[1] if found else ""


def address_uri(value: str) -> str:
    """The URI of a name-addr or addr-spec ('"A" <sip:x@y>;tag=1' gives 'sip:x@y')."""
    if "<" in value:
        return value.partition("<")[2].partition(">")[0].strip()
    return value.partition(";")[0].strip()


def uri_user(uri: str) -> str:
    """User part of a SIP URI without its parameters; empty when it has none."""
    rest = uri.partition(":")[2].partition("?")[0]
    user, at, _ = rest.partition("@")
    return user.partition(";")[0].partition(":")[0] if at else ""


def uri_host_port(uri: str, *, default_port: int = 5060) -> tuple[str, int]:
    """Host and port of a SIP URI. Raises SipParseError."""
    rest = uri.partition(":")[2].partition("?")[0]
    host_port = (rest.rpartition("@")[2] if "@" in rest else rest).partition(";")[0]
    host, _, port = host_port.partition(":")
    if not host or (port and not (port.isdigit() and 0 < int(port) < 65536)):
        raise SipParseError(f"bad URI {uri[:80]!r}")
    return host, int(port) if port else default_port


def new_tag() -> str:
    return secrets.token_hex(6)


def new_branch() -> str:
    return "z9hG4bK" + secrets.token_hex(8)


def response_to(request: Message, status: int, reason: str, *, tag: str = "") -> Message:
    """A response with the headers that must be copied (RFC 3261, 8.2.6); `tag` is put to To when it has none."""
    response = Message(status=status, reason=reason)
    for name in ("via", "record-route", "from", "to", "call-id", "cseq"):
        for value in (v for key, v in request.headers if key == name):
            tagged = value
            if name == "to" and tag and not parameter(value, "tag"):
                tagged = f"{value};tag={tag}"
            response.add(name, tagged)
    return response
