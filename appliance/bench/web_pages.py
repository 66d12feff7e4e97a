"""Open pages for `bench web`: each has the session of a user, its event stream and connections for what it fetches.

A page does what the browser does: it reads its event stream, which brings the room to boards; at an event it fetches
the parts of itself that show it (compressed, as a browser asks for them), fetches others at their times, and its user
opens pages. All of them live in one event loop, over HTTPS through the box's front.
"""

from __future__ import annotations

import asyncio
import random
import re
import ssl
import time
import zlib
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

_AFTER = re.compile(r'hx-sse:connect="([^"]+)"')
_SINCE = re.compile(r'data-since="([0-9.]+)"')
_AT = re.compile(r'id="board-figures"[^>]*data-at="([0-9.]+)"')
_WORK = re.compile(r'id="work"\s+hx-get="([^"]+)"')
_GZIP = 16 + zlib.MAX_WBITS
COOKIE = "__Host-callbox"
_RECONNECT_S = 1.0  # what the stream itself asks for (`retry`)


@dataclass
class Figures:
    """What was measured, ms: `to_screen` of events, `loads` of whole pages; `failed`: answers that were not as hoped.

    `reconnects`: streams that broke off and were opened again, as a browser does.
    """

    to_screen: list[float] = field(default_factory=list)
    loads: list[float] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)
    reconnects: int = 0

    def answered(self, path: str, status: int) -> None:
        """Note an answer; 204: the part that is shown is still right."""
        if status not in (200, 204):
            self.failed[f"{status} {path.partition('?')[0]}"] += 1


class Connection:
    """One kept HTTP/1.1 connection: requests one after the other."""

    def __init__(self, port: int, tls: ssl.SSLContext, cookie: str) -> None:
        self._port, self._tls, self._cookie = port, tls, cookie
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def get(self, path: str) -> tuple[int, str]:
        """Status and body."""
        for again in (False, True):
            try:
                status, headers, reader = await self._ask(path)
                body = await _body(headers, reader)
                if headers.get("content-encoding") == "gzip":
                    body = zlib.decompress(body, _GZIP)
                return status, body.decode("utf-8", "replace")
            except (OSError, asyncio.IncompleteReadError):
                self.close()
                if again:
                    raise
        raise AssertionError("unreachable")

    async def messages(self, path: str) -> AsyncIterator[str]:
        """The messages of an event stream, until it ends."""
        _status, _headers, reader = await self._ask(path)
        rest = b""
        while chunk := await _chunk(reader):
            *whole, rest = (rest + chunk).split(b"\n\n")
            for message in whole:
                yield message.decode("utf-8", "replace")

    async def _ask(self, path: str) -> tuple[int, dict[str, str], asyncio.StreamReader]:
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, ssl=self._tls)
        self._writer.write(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nCookie: {COOKIE}={self._cookie}\r\n"
            "HX-Request: true\r\nAccept: text/html\r\nAccept-Encoding: gzip\r\n\r\n".encode()
        )
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        return int(head[0].split()[1]), headers, self._reader

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


async def _chunk(reader: asyncio.StreamReader) -> bytes:
    size = int(await reader.readline() or b"0", 16)
    data = await reader.readexactly(size)
    await reader.readexactly(2)
    return data


async def _body(headers: dict[str, str], reader: asyncio.StreamReader) -> bytes:
    if "content-length" in headers:
        return await reader.readexactly(int(headers["content-length"]))
    whole = b""
    while headers.get("transfer-encoding") == "chunked" and (part := await _chunk(reader)):
        whole += part
    return whole


@dataclass(frozen=True)
class Kind:
    """A sort of page: where it is, when what it shows happened (`at`, Unix seconds), and what else its user opens.

    At `event` it fetches its `part` and a second one, whose address `beside` finds; without them the stream brings what
    it shows. `polled` is fetched every so often.
    """

    path: str
    at: re.Pattern[str]
    others: tuple[str, ...]
    event: str = ""
    part: str = ""
    beside: re.Pattern[str] | None = None
    polled: tuple[str, float] | None = None


DESK = Kind("/desk", _SINCE, ("/desk",), event="agent", part="/desk/bar", beside=_WORK)
BOARD = Kind(
    "/board", _AT, ("/board", "/campaigns", "/recordings", "/reports", "/home"), polled=("/board/today", 5.0)
)  # fmt: skip


class OpenPage:
    """One page that stands open."""

    def __init__(self, kind: Kind, port: int, tls: ssl.SSLContext, cookie: str, figures: Figures, seed: int) -> None:
        self._kind, self._figures = kind, figures
        self._dice = random.Random(seed)
        self._stream, self._fetch = Connection(port, tls, cookie), Connection(port, tls, cookie)
        self._second, self._pages = Connection(port, tls, cookie), Connection(port, tls, cookie)
        self._beside = ""
        self._shown_at = 0.0

    async def run(self, loads_every_s: float) -> None:
        """Stay open until cancelled."""
        try:
            first = await self._load(self._kind.path)
            found = _AFTER.search(first)
            path = found[1].replace("&amp;", "&") if found else "/live"
            self._note(first)
            self._find_beside(first)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._browse(loads_every_s))
                tasks.create_task(self._follow(path))
                if self._kind.polled is not None:
                    tasks.create_task(self._poll(*self._kind.polled))
        finally:
            for connection in (self._stream, self._fetch, self._second, self._pages):
                connection.close()

    async def _load(self, path: str) -> str:
        began = time.perf_counter()
        status, body = await self._pages.get(path)
        self._figures.loads.append((time.perf_counter() - began) * 1000)
        self._figures.answered(path, status)
        return body

    async def _browse(self, every_s: float) -> None:
        """Open pages now and then."""
        while True:
            await asyncio.sleep(self._dice.uniform(0.5, 1.5) * every_s)
            await self._load(self._dice.choice(self._kind.others))

    async def _poll(self, path: str, every_s: float) -> None:
        """Fetch a part that does not wait for events."""
        while True:
            await asyncio.sleep(every_s)
            status, _body = await self._second.get(path)
            self._figures.answered(path, status)

    async def _follow(self, path: str) -> None:
        while True:
            try:
                await self._listen(path)
            except (OSError, asyncio.IncompleteReadError):
                self._stream.close()
            self._figures.reconnects += 1
            await asyncio.sleep(_RECONNECT_S)

    async def _listen(self, path: str) -> None:
        async for message in self._stream.messages(path):
            if self._kind.part and f"event: {self._kind.event}\n" not in message:
                continue
            happened = self._note(await self._fetch_part() if self._kind.part else message)
            if happened:
                self._figures.to_screen.append((time.time() - happened) * 1000)

    async def _fetch_part(self) -> str:
        """What shows the event, with what stands beside it."""
        (status, body), _ = await asyncio.gather(self._fetch.get(self._kind.part), self._fetch_beside())
        self._figures.answered(self._kind.part, status)
        return body

    async def _fetch_beside(self) -> None:
        """The second part."""
        if self._beside:
            status, body = await self._second.get(self._beside)
            self._figures.answered(self._beside, status)
            self._find_beside(body)

    def _find_beside(self, body: str) -> None:
        found = self._kind.beside.search(body) if self._kind.beside else None
        if found is not None:
            self._beside = found[1].replace("&amp;", "&")

    def _note(self, body: str) -> float:
        """When what the part shows happened (Unix seconds); 0 when it was shown already."""
        found = self._kind.at.search(body)
        at = float(found[1]) if found else 0.0
        if at <= self._shown_at:
            return 0.0
        self._shown_at = at
        return at
