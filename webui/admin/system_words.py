"""The box's services and the levels of their logs in the reader's language."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

SERVICES: dict[str, tuple[Any, Any]] = {
    "bus": (_l("Message bus"), _l("The others wait for it and go on; calls go on.")),
    "rtpengine": (_l("Browser phones' audio"), _l("Calls at browser phones lose their sound.")),
    "edge": (_l("SIP edge"), _l("Phones register again within seconds; calls go on.")),
    "switch": (_l("Switch"), _l("Calls go on; new ones begin when it is back.")),
    "jobs": (_l("Office and archive"), _l("Imports and archiving go on where they stood.")),
    "engine": (_l("Dialling engine"), _l("Calls go on; dialling begins again by itself.")),
    "watch": (_l("Watch"), _l("Alerts come a few seconds late.")),
    "web": (_l("Web pages"), _l("Pages come back within seconds.")),
    "front": (_l("Web port"), _l("Pages and browser phones drop and come back.")),
}
"""Name, and what a restart does to people."""
LEVELS: dict[str, tuple[str, ...]] = {"warning": ("warning", "error", "critical"), "error": ("error", "critical")}
"""Levels that a filter lets through."""
