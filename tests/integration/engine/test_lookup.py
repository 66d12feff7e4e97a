"""The question before a dial over a real socket: answers, time-outs by choice, addresses that are never asked."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from appliance.engine.lookup import Found, Lookup
from appliance.settings import CtiSettings
from appliance.store import models
from tests.integration.engine.scene import scene

pytestmark = pytest.mark.integration

VALUES = {"phone": "+8613800138000", "name": "王 & co"}


@contextmanager
def crm(answer: bytes, hold: threading.Event | None = None) -> Iterator[tuple[str, list[str]]]:
    """A customer's system that answers so, not before `hold` is set; gives its address and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            if hold is not None:
                hold.wait(60)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_args: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/", asked
    finally:
        if hold is not None:
            hold.set()
        server.shutdown()
        server.server_close()


def ask(url: str, *, allow_loopback: bool = True, **more: Any) -> Found:
    given = {"lookup_url": f"{url}?p={{phone}}&n={{name}}", "lookup_timeout_ms": 2000, **more}
    lookup = Lookup(CtiSettings.model_validate(given), allow_loopback=allow_loopback)
    return asyncio.run(lookup.ask(VALUES, {}))


def test_fields_come_back_and_names_are_escaped() -> None:
    with crm(b'{"fields": {"level": "gold"}}') as (url, asked):
        assert ask(url) == Found(fields={"level": "gold"})
    assert asked == ["/?p=%2B8613800138000&n=%E7%8E%8B%20%26%20co"]


def test_do_not_call() -> None:
    with crm(b'{"dial": false}') as (url, _asked):
        found = ask(url)
    assert (found.dial, found.never) == (False, True)


@pytest.mark.parametrize(("late", "dials"), [("dial", True), ("wait", False)])
def test_an_answer_that_is_late_is_as_the_settings_say(late: str, dials: bool) -> None:
    with crm(b"{}", threading.Event()) as (url, _asked):
        found = ask(url, lookup_timeout_ms=50, lookup_late=late)
    assert (found.dial, found.never) == (dials, False)


@pytest.mark.parametrize(
    ("late", "outcomes", "state"), [("dial", ["human"], "done"), ("wait", ["cancelled"], "waiting")]
)
def test_a_slow_system_costs_no_dial(tmp_path: Path, late: str, outcomes: list[str], state: str) -> None:
    """Whole: the campaign dials, nobody answers the question; without it, or later by the campaign's interval."""

    async def play(url: str) -> None:
        async with scene(tmp_path, agents=1, numbers=1, config={"retry_s": {"cancelled": 900}}) as s:
            assert s.engine is not None
            given = {"lookup_url": url, "lookup_timeout_ms": 50, "lookup_late": late}
            s.engine._dialler._lookup = Lookup(CtiSettings.model_validate(given), allow_loopback=True)
            began = datetime.now(UTC)
            await s.seat(1)
            await s.act("start")
            await s.until(lambda: [row.outcome for row in s.attempts() if row.ended_at] == outcomes)
            await s.until(lambda: s.rows(models.Lead)[0].state == state)
            (lead,) = s.rows(models.Lead)
            assert lead.attempts == (late == "dial"), "what was not dialled does not count"
            if late == "wait":
                assert lead.next_attempt_at >= began + timedelta(seconds=900)
                assert s.state() == "running"

    with crm(b"{}", threading.Event()) as (url, _asked):
        asyncio.run(play(url))


def test_whom_the_system_bars_is_not_asked_for_again(tmp_path: Path) -> None:
    async def play(url: str) -> None:
        async with scene(tmp_path, agents=1, numbers=1) as s:
            assert s.engine is not None
            settings = CtiSettings.model_validate({"lookup_url": url, "lookup_timeout_ms": 2000})
            s.engine._dialler._lookup = Lookup(settings, allow_loopback=True)
            await s.seat(1)
            await s.act("start")
            await s.until(lambda: s.rows(models.Lead)[0].state == "done")
            assert [row.outcome for row in s.attempts()] == ["call_barred"]
            await s.until(lambda: s.state() != "running")

    with crm(b'{"dial": false, "reason": "paid"}') as (url, asked):
        asyncio.run(play(url))
    assert len(asked) == 1


def test_a_system_that_is_away_or_talks_nonsense_is_no_answer() -> None:
    assert ask("http://127.0.0.1:9/").dial
    with crm(b"<html>") as (url, _asked):
        assert not ask(url, lookup_late="wait").dial


def test_the_box_itself_is_never_asked() -> None:
    with crm(b'{"dial": false}') as (url, asked):
        assert ask(url, allow_loopback=False).dial
    assert asked == []


def test_without_an_address_nobody_is_asked() -> None:
    assert asyncio.run(Lookup(CtiSettings()).ask(VALUES, {})) == Found()
