"""A real Chromium before a fake box over HTTPS; a page that complains in its console fails its test."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from werkzeug.serving import make_server

from appliance import commands as cmd
from tests.e2e.web.words import LOCALES, say
from tests.sim.web import fake_watch
from tests.sim.web.fakes import FakeBox
from tests.sim.web.recording_scene import make_quality, make_recording
from tests.sim.web.test_reports import seed

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]  # fmt: skip
PATIENCE_MS = 60_000
"""What is waited for is a condition; how soon it comes is a benchmark's matter, and a busy machine is slow."""
expect.set_options(timeout=PATIENCE_MS)


@dataclass
class Site:
    """The box, its address, the browser that looks at it, and the language that its pages are read in."""

    box: FakeBox
    address: str
    browser: Browser
    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)
    language: str = "en"
    names: Iterator[int] = field(default_factory=lambda: count(1))

    def say(self, text: str, plural: str = "", **values: Any) -> str:
        """How the pages say a text of the code in the language under test."""
        return say(self.language, text, plural, **values)

    def named(self, name: str) -> str:
        """A name that nothing on this box has yet: a journey may be played again, in another language too."""
        return f"{name}-{next(self.names)}"

    def page(self, login: str | None = None, **options: Any) -> Page:
        """A page in a browser of its own, signed in as `login`, in the language under test."""
        context = self.browser.new_context(
            base_url=self.address, ignore_https_errors=True, viewport=options.pop("viewport", None),
            locale=LOCALES[self.language], **options,
        )  # fmt: skip
        self.contexts.append(context)
        if login:
            token = self.box.token(login)
            context.add_cookies(
                [{"name": "__Host-callbox", "value": token, "url": self.address, "secure": True, "httpOnly": True}]
            )
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda m: self.complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._look_at)
        return page

    def _look_at(self, request: Any) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.foreign.append(request.url)


def _quiet(_self: object, _kind: str, _message: str, *_args: object) -> None:
    """The test's server says nothing."""


@pytest.fixture(scope="module")
def browser(private_network: None) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=ARGUMENTS)
        yield chromium
        chromium.close()


def _serve(box: FakeBox) -> tuple[Any, str]:
    server = make_server("127.0.0.1", 0, box.app, threaded=True, ssl_context="adhoc")
    server.RequestHandlerClass.log = _quiet  # type: ignore[method-assign]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"https://127.0.0.1:{server.server_port}"


@pytest.fixture(scope="module")
def make_site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Site]]:
    """Makes a served box that was never set up; all are ended with the module."""
    servers: list[tuple[Any, FakeBox]] = []

    def make() -> Site:
        box = FakeBox(Path(tmp_path_factory.mktemp("box")))
        server, address = _serve(box)
        servers.append((server, box))
        return Site(box, address, browser)

    yield make
    for server, box in servers:
        box.app.extensions["callbox"].live.close()
        server.shutdown()
        server.server_close()
        box.bus.close()


@pytest.fixture(scope="module")
def ready_box(make_site: Callable[[], Site]) -> Site:
    """A served box with an administrator, a supervisor and an agent."""
    site = make_site()
    site.box.set_up()
    return site


@pytest.fixture
def site(request: pytest.FixtureRequest, ready_box: Site) -> Iterator[Site]:
    """The set-up box in English or (words.IN_EACH_LANGUAGE) in the language that the test is played in.

    Afterwards no page may have complained or asked for anything outside.
    """
    language = getattr(request, "param", "en")
    if language != ready_box.language:
        ready_box.language = language
        for login in ready_box.box.people:
            ready_box.box.read_in(login, language)
    yield ready_box
    for context in ready_box.contexts:
        context.close()
    complaints, foreign = list(ready_box.complaints), list(ready_box.foreign)
    ready_box.contexts.clear()
    ready_box.complaints.clear()
    ready_box.foreign.clear()
    assert complaints == []
    assert foreign == []


@pytest.fixture(scope="module")
def furnished(ready_box: Site) -> Site:
    """The set-up box with something on every page."""
    box = ready_box.box
    gateways = {"gateways": [{"address": "192.0.2.20"}], "channels": 30}
    box.by_administrator(cmd.SaveTrunk, id="north", display_name="North", config=gateways)
    box.by_administrator(cmd.SaveSeat, id="seat01", display_name="王小明", phone="desk")
    box.by_administrator(cmd.SaveRole, name="Team lead", permissions={"recordings.listen": "team"})
    box.by_administrator(cmd.SaveDepartment, name="Отдел взыскания")
    box.by_administrator(cmd.MakeApiToken, name="CRM", scopes=["campaigns.read"])
    tariff = {"id": "tariff", "label": "套餐", "kind": "choice", "choices": ["A", "B"]}
    box.by_administrator(cmd.SaveContactField, new=True, config=tariff)
    for name, number in (("王小明", "+8613812340001"), ("Иван Петров", "+8613812340002")):
        numbers = [{"number": number}, {"number": "+8613812340003"}]
        box.by_administrator(cmd.SaveContact, name=name, numbers=numbers, custom={"tariff": "A"})
    box.by_administrator(
        cmd.SaveArticle, title="Рассрочка", body="## Six months\n\n- **3**\n- 6", tags="rates", publish=True
    )
    seed(box, box.campaign("Весна").id, box.people["agent"])
    make_recording(box, "heard", "agent")
    make_quality(box, "scored")
    box.bus.watch.tell_lines(fake_watch.span(), fake_watch.dark(), fake_watch.fxo())
    box.bus.watch.tell_disks()
    box.bus.watch.raise_alert("line.gw1:1")
    return ready_box
