"""Every page there is, in each language: readable for all, nothing wider than its screen, nothing from outside.

No page is listed here: they are the routes that need no argument, and one of each kind that a link leads to.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from playwright.sync_api import Page
from werkzeug.exceptions import HTTPException

from tests.e2e.web.conftest import Site
from tests.e2e.web.reading import bring_axe, findings, too_wide, unreadable

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

NO_PAGES = {"stream.live", "setup.language", "setup.administrator", "auth.log_in"}
"""An endless answer, and what a signed-in user is sent away from."""
LINK = re.compile(r'<a\b[^>]*\shref="(/[^"]*)"')


@pytest.fixture(scope="module")
def addresses(furnished: Site) -> list[str]:
    """Each kind of page once; every link of theirs leads somewhere."""
    routes, client = furnished.box.app.url_map, furnished.box.client("administrator")
    routed = [rule.rule for rule in routes.iter_rules() if "GET" in (rule.methods or ()) and not rule.arguments]
    waiting, seen = deque(routed), set(NO_PAGES)
    pages: list[str] = []
    astray: list[str] = []
    while waiting:
        path = waiting.popleft().partition("#")[0]
        try:
            endpoint, _ = routes.bind("box").match(path.partition("?")[0], "GET")
        except HTTPException:
            astray.append(f"{path} leads nowhere")
            continue
        if endpoint in seen:
            continue
        seen.add(endpoint)
        with client.get(path, follow_redirects=True) as answer:
            if answer.mimetype != "text/html" or "<html" not in answer.text:
                continue  # a part of a page, a file, figures
            if answer.status_code == 404 and path in routed:
                continue  # what is not there yet, and no link led to it
            if answer.status_code != 200:
                astray.append(f"{path} answers {answer.status}")
                continue
            pages.append(path)
            waiting.extend(map(unescape, LINK.findall(answer.text)))
    assert astray == []
    assert len(pages) > 60, "links were followed"
    return pages


@pytest.mark.parametrize(
    ("site", "colours", "look"), [("en", "light", findings), ("zh", "dark", unreadable), ("ru", "light", too_wide)],
    indirect=["site"],
)  # fmt: skip
def test_every_page(site: Site, addresses: list[str], colours: str, look: Callable[[Page], list[Any]]) -> None:
    page = site.page("administrator", reduced_motion="reduce", color_scheme=colours)
    if look is not too_wide:
        bring_axe(page)
    found = []
    for path in addresses:
        answer = page.goto(path)
        found += look(page) if answer is not None and answer.ok else [(path, "no answer", [])]
    assert found == [], "\n".join(str(one) for one in found)
