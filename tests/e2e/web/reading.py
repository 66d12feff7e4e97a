"""Can everybody read this page: axe's serious findings, and whether it fits the screens of desk, tablet and phone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = Path(__file__).resolve().parents[3] / "webui/frontend/node_modules/axe-core/axe.min.js"
COLOUR_RULES = ["color-contrast", "link-in-text-block", "html-has-lang", "html-lang-valid", "valid-lang"]
"""What a page's colours and its language decide; all else it has in common with itself in other ones."""
WIDTHS_PX = (1366, 820, 390)
HEIGHT_PX = 768


def bring_axe(page: Page) -> None:
    """Every page that this one goes to from now on has axe in it: for tests that read many."""
    page.add_init_script(path=AXE)


def findings(page: Page) -> list[tuple[str, str, list[str]]]:
    """What is wrong with the page as it stands, each with the page's address; empty when nothing is."""
    return _of_axe(page, {}) + too_wide(page)


def unreadable(page: Page) -> list[tuple[str, str, list[str]]]:
    """What is wrong with the colours and the language of a page whose structure is read in other ones."""
    return _of_axe(page, {"runOnly": COLOUR_RULES}) + too_wide(page)


def _of_axe(page: Page, options: dict[str, Any]) -> list[tuple[str, str, list[str]]]:
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text("utf-8"))
    page.wait_for_load_state("load")
    # a colour on its way to another is no finding: axe waits until all movement has ended
    page.wait_for_function("() => document.getAnimations().every((one) => one.playState !== 'running')")
    # without its preload, which reads all style sheets once more for two rules: of turned screens, of sound that plays
    result = page.evaluate(
        "options => axe.run(document, options)", {"resultTypes": ["violations"], "preload": False, **options}
    )
    return [
        (_address(page), violation["id"], [node["html"][:160] for node in violation["nodes"][:2]])
        for violation in result["violations"]
        if violation["impact"] in ("serious", "critical")
    ]


def too_wide(page: Page) -> list[tuple[str, str, list[str]]]:
    """The screens that the page does not fit (words of one language are longer than those of another)."""
    found: list[tuple[str, str, list[str]]] = []
    for width_px in WIDTHS_PX:
        page.set_viewport_size({"width": width_px, "height": HEIGHT_PX})
        wider_px = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        found += [(_address(page), f"{wider_px} px too wide for {width_px}", [])] if wider_px > 0 else []
    page.set_viewport_size({"width": WIDTHS_PX[0], "height": HEIGHT_PX})
    return found


def _address(page: Page) -> str:
    return str(page.evaluate("location.pathname"))
