"""Every page there is, in each language: readable for all, nothing wider than its screen, nothing from outside.

No page is listed here: they are the routes that need no argument, and one of each kind that a link leads to.
"""

from __future__ import annotations

from collections import deque

import pytest
from werkzeug.exceptions import HTTPException

from tests.e2e.web.conftest import Site, speak
from tests.e2e.web.reading import findings

pytestmark = pytest.mark.e2e

NO_PAGES = {"stream.live", "setup.language", "setup.administrator", "auth.log_in"}
"""An endless answer, and what a signed-in user is sent away from."""


@pytest.mark.parametrize(("language", "colours"), [("en", "light"), ("zh", "dark"), ("ru", "light"), ("en", "dark")])
def test_every_page(site: Site, furnished: Site, language: str, colours: str) -> None:
    speak(furnished, language)
    routes = furnished.box.app.url_map
    page = site.page("administrator", reduced_motion="reduce", color_scheme=colours)
    waiting = deque(
        rule.rule for rule in routes.iter_rules() if "GET" in (rule.methods or ()) and not rule.arguments
    )  # fmt: skip
    seen, read, found = set(NO_PAGES), 0, []
    while waiting:
        path = waiting.popleft()
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
        if not answer.ok:
            found.append((path, f"answers {answer.status}", []))
            continue
        page.goto(path)
        found += findings(page)
        read += 1
        waiting.extend(page.eval_on_selector_all("a[href^='/']", "all => all.map((one) => one.getAttribute('href'))"))
    assert found == []
    assert read > 60, "links were followed"
