"""Every page there is, in each language: readable for all, nothing wider than its screen, nothing from outside.

No page is listed here: they are the routes that need no argument, and one of each kind that a link leads to.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page
from werkzeug.exceptions import HTTPException

from tests.e2e.web.conftest import Site, speak
from tests.e2e.web.reading import findings, too_wide

pytestmark = pytest.mark.e2e

NO_PAGES = {"stream.live", "setup.language", "setup.administrator", "auth.log_in"}
"""An endless answer, and what a signed-in user is sent away from."""


@pytest.mark.parametrize(
    ("language", "colours", "look"), [("en", "light", findings), ("zh", "dark", findings), ("ru", "light", too_wide)]
)
def test_every_page(
    site: Site, furnished: Site, language: str, colours: str, look: Callable[[Page], list[Any]]
) -> None:
    speak(furnished, language)
    routes = furnished.box.app.url_map
    page = site.page("administrator", reduced_motion="reduce", color_scheme=colours)
    routed = [rule.rule for rule in routes.iter_rules() if "GET" in (rule.methods or ()) and not rule.arguments]
    waiting = deque(routed)
    seen, read, found = set(NO_PAGES), 0, []
    while waiting:
        path = waiting.popleft().partition("#")[0]
        try:
            endpoint, _ = routes.bind("box").match(path.partition("?")[0], "GET")
        except HTTPException:
            found.append((path, "leads nowhere", []))
            continue
        if endpoint in seen:
            continue
        seen.add(endpoint)
        answer = page.request.get(path)
        if not answer.headers.get("content-type", "").startswith("text/html") or "<html" not in answer.text():
            continue  # a part of a page, a file, figures
        if answer.status == 404 and path in routed:
            continue  # what is not there yet, and no link led to it
        if not answer.ok:
            found.append((path, f"answers {answer.status}", []))
            continue
        page.goto(path)
        found += look(page)
        read += 1
        waiting.extend(page.eval_on_selector_all("a[href^='/']", "all => all.map((one) => one.getAttribute('href'))"))
    assert found == [], "\n".join(str(one) for one in found)
    assert read > 60, "links were followed"
