"""`callbox bench web`: how soon sixty open pages show what happens, while thirty agents work.

30 pages are agents' desks, 30 are supervisors' boards, all over HTTPS through the box's front to one gunicorn, with the
demo's campaign running on the same machine. An event counts from the instant that stands in it (an agent's change of
state in the engine; the board's view as it was published) to the moment its part of the page is there.

One desk is a real tab of headless Chromium, where "there" means the DOM has changed (a MutationObserver sees it). The
other 59 are bare readers of the event stream: they fetch what a browser would, and "there" means that its last byte has
come; they render nothing. Without Chromium and Playwright all 60 are bare, and `browser` says so (null).

It counts from when all pages have stood open for a while and the lines are busy; how long it took to open all of them
within a few seconds, beside agents who sign in and services that still start, is `opening_page_ms`.

The pages' users sit at machines of their own. Here they share the box's cores, so that the readers go before (else
their waiting would be measured, not the box's) and the tab behind (what it draws with would be another machine's).
`cpu_s` says what each service used, and what was only simulated.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import secrets
import ssl
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from typing import Annotated, Any

import psutil
import typer

from appliance.bench.cpu_account import CpuAccount, CpuMeter, browsers
from appliance.bench.demo import DemoOptions, Running, run_demo
from appliance.bench.web_pages import BOARD, COOKIE, DESK, Figures, OpenPage
from appliance.store.models import Session, User
from appliance.types import Role

_CHROMIUM = "/usr/bin/chromium"
_DESKS, _BOARDS = 30, 30
_SETTLE_S = 10.0
_BEFORE, _BEHIND = -10, 10  # niceness
_PATIENCE_MS = 120_000  # a page that opens late is measured like any other
_WATCH = """() => {
  window.seen = [];
  let last = document.querySelector('#bar time[data-since]')?.dataset.since;
  new MutationObserver(() => {
    const now = document.querySelector('#bar time[data-since]')?.dataset.since;
    if (now && now !== last) { last = now; window.seen.push([Date.now() / 1000, Number(now)]); }
  }).observe(document.body, {subtree: true, childList: true, attributes: true, attributeFilter: ['data-since']});
}"""


def register(app: typer.Typer) -> None:
    """Add the command to `callbox bench`."""
    app.command("web")(web_command)


def web_command(
    seconds: Annotated[float, typer.Option("--seconds", min=10, max=600, help="How long it is measured.")] = 60.0,
    numbers: Annotated[int, typer.Option("--numbers", min=50, max=20000, help="Rows of the demo's list.")] = 1000,
    loads_every: Annotated[float, typer.Option("--loads-every", min=1, help="A page's user opens one, s.")] = 10.0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Sixty live pages on one gunicorn while the demo runs."""
    measured = Measured()
    began_load = os.getloadavg()[0]
    run_demo(DemoOptions(numbers=numbers, meanwhile=lambda box: _measure(box, measured, seconds, loads_every)))
    found = {**measured.report(), "load_average": [round(began_load, 1), round(os.getloadavg()[0], 1)]}
    if as_json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:22} {value}")


@dataclass
class Measured:
    """All figures of a run."""

    desks: Figures = field(default_factory=Figures)
    boards: Figures = field(default_factory=Figures)
    browser: list[float] | None = None
    opening: list[float] = field(default_factory=list)
    began_unix_s: float = 0.0
    pages: int = 0
    rss_mb: float = 0.0
    seconds: float = 0.0
    lost: Counter[str] = field(default_factory=Counter)
    cpu: CpuAccount = field(default_factory=CpuAccount)

    def begin(self) -> None:
        """What was seen until now was the opening."""
        self.began_unix_s = time.time()
        self.opening = [*self.desks.loads, *self.boards.loads]
        for figures in (self.desks, self.boards):
            figures.to_screen.clear()
            figures.loads.clear()

    def report(self) -> dict[str, Any]:
        """The keys of DESIGN and what they are made of."""
        seen = [*self.desks.to_screen, *self.boards.to_screen, *(self.browser or [])]
        return {
            "pages": self.pages, "event_to_screen_ms": _spread(seen, 50, 99),
            "page_ms": _spread([*self.desks.loads, *self.boards.loads], 50, 95),
            "opening_page_ms": _spread(self.opening, 50, 95), "rss_mb": round(self.rss_mb, 1),
            "events": len(seen), "page_loads": len(self.desks.loads) + len(self.boards.loads),
            "failed": dict(self.desks.failed + self.boards.failed), "seconds": round(self.seconds, 1),
            "reconnects": self.desks.reconnects + self.boards.reconnects, "pages_lost": dict(self.lost),
            "desk_event_to_screen_ms": _spread(self.desks.to_screen, 50, 99),
            "board_event_to_screen_ms": _spread(self.boards.to_screen, 50, 99),
            "browser_event_to_screen_ms": None if self.browser is None else _spread(self.browser, 50, 99),
            **self.cpu.report(),
        }  # fmt: skip


def _spread(values: list[float], *percents: int) -> dict[str, float | None]:
    if len(values) < 2:
        return {f"p{percent}": None for percent in percents}
    cuts = quantiles(values, n=100, method="inclusive")
    return {f"p{percent}": round(cuts[percent - 1], 1) for percent in percents}


def _measure(box: Running, measured: Measured, seconds: float, loads_every_s: float) -> None:
    """Open the pages and leave them open for a while (in a thread of its own beside the campaign)."""
    agents, manager = _people(box)
    tls = ssl.create_default_context(cafile=str(box.home.front / "ca.crt"))
    port, stop = box.settings.web.port, threading.Event()
    cookies = _sign_in(box, [*agents, *[manager] * _BOARDS])
    desks, boards = cookies[: len(agents)], cookies[len(agents) :]
    real = _browser_there()
    chromium = threading.Thread(target=_browse, args=(port, desks[0], stop, measured), daemon=True)
    if real:
        chromium.start()
    pages = [OpenPage(DESK, port, tls, cookie, measured.desks, n) for n, cookie in enumerate(desks[real:])]
    pages += [OpenPage(BOARD, port, tls, cookie, measured.boards, 100 + n) for n, cookie in enumerate(boards)]
    measured.pages = len(pages) + real
    _stand_before()
    measured.lost = asyncio.run(_stay_open(pages, box, measured, seconds, loads_every_s))
    measured.rss_mb = _web_memory_mb(box)
    stop.set()
    if real:
        chromium.join(60)


async def _stay_open(
    pages: list[OpenPage], box: Running, measured: Measured, seconds: float, loads_every_s: float
) -> Counter[str]:
    """Open them, let all settle, and count; returns what ended a page before its time."""
    tasks = []
    for page in pages:
        tasks.append(asyncio.create_task(page.run(loads_every_s)))
        await asyncio.sleep(0.05)  # nobody opens sixty pages in one instant
    await asyncio.wait(tasks, timeout=_SETTLE_S)
    measured.begin()
    began, meter = time.monotonic(), CpuMeter(box.home)
    await asyncio.wait(tasks, timeout=seconds)
    measured.cpu, measured.seconds = meter.stop(), time.monotonic() - began
    for task in tasks:
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    return Counter(repr(one)[:200] for one in ended if isinstance(one, Exception))


def _people(box: Running) -> tuple[list[str], str]:
    """Ids of the agents at seats, and of the manager."""
    with box.store.read() as session:
        manager = session.query(User).filter(User.role == Role.ADMINISTRATOR).first()
    assert manager is not None
    return box.agent_ids[:_DESKS], manager.id


def _sign_in(box: Running, user_ids: list[str]) -> list[str]:
    """Sessions as the log-in makes them, without passwords; returns the cookies."""
    tokens, now = [secrets.token_urlsafe(32) for _user in user_ids], datetime.now(UTC)
    with box.store.write() as session:
        session.add_all(
            Session(token_hash=hashlib.sha256(token.encode()).hexdigest(), user_id=user_id, created_at=now,
                    expires_at=now + timedelta(hours=1), address="127.0.0.1", user_agent="bench")
            for token, user_id in zip(tokens, user_ids, strict=True)
        )  # fmt: skip
    return tokens


def _browser_there() -> bool:
    try:
        import playwright.sync_api  # noqa: F401 - only whether it is there: a device has none
    except ImportError:
        return False
    return os.path.exists(_CHROMIUM)  # noqa: PTH110 - a fixed path


def _browse(port: int, cookie: str, stop: threading.Event, measured: Measured) -> None:
    """The tab: open the desk, watch its DOM until told to stop."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=_CHROMIUM, headless=True, args=["--no-sandbox", "--disable-gpu"]
        )
        _stand_behind()
        context = chromium.new_context(ignore_https_errors=True)  # the box's own authority is not in the browser
        url = f"https://127.0.0.1:{port}"
        context.add_cookies([{"name": COOKIE, "value": cookie, "url": url, "secure": True, "httpOnly": True}])
        page = context.new_page()
        page.set_default_timeout(_PATIENCE_MS)
        page.goto(f"{url}/desk")
        page.wait_for_selector("#bar time[data-since]", state="attached")
        page.evaluate(_WATCH)
        stop.wait()
        shown = page.evaluate("window.seen")
        measured.browser = [(at - happened) * 1000 for at, happened in shown if at > measured.began_unix_s]
        chromium.close()


def _stand_before() -> None:
    """Let this thread go before the box; not allowed: it is as good as the machine is idle."""
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _BEFORE)


def _stand_behind() -> None:
    """Let the browser's processes stand back; no thread of ours may: it would hold the interpreter's lock.

    Where the kernel weighs sessions (autogroups), niceness counts only within one; so theirs stand back too - but not
    ours, in which the browser's driver lives with the readers.
    """
    ours = os.getsid(0)
    for browser in browsers():
        for process in (browser, *browser.children(recursive=True)):
            with contextlib.suppress(psutil.Error, OSError):  # no such scheduling here, or it has ended
                process.nice(_BEHIND)
                if os.getsid(process.pid) != ours:
                    Path(f"/proc/{process.pid}/autogroup").write_text(f"{_BEHIND}\n", "ascii")


def _web_memory_mb(box: Running) -> float:
    """Memory of gunicorn's processes, shared pages counted once (PSS)."""
    port, total = box.settings.web.app_port, 0
    for process in psutil.process_iter():
        try:
            sockets = process.net_connections("tcp")
            if any(each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in sockets):
                total += process.memory_full_info().pss
        except psutil.Error:
            continue
    return total / 2**20
