"""The device's health gate: after a boot it uses the box as people would, before the running slot is called good.

Runs once as a unit (callbox-gate.service), exits 0 when all of it works, 1 when something still does not at the end of
the wait. What follows from that (marking the slot, going back to the other) is the unit's matter, as root.
"""

from __future__ import annotations

import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable

from appliance.errors import BoxError
from appliance.logs import get_logger
from appliance.services.diag import Check, essentials
from appliance.settings import Home, Settings, load_settings

WAIT_S = 600.0
_PAUSE_S = 2.0
_WEB_S = 20.0


def web(settings: Settings) -> Check:
    """The log-in page through the front door; its certificate is the box's own and not looked at."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    url = f"https://127.0.0.1:{settings.web.port}/login"
    try:
        with urllib.request.urlopen(url, timeout=_WEB_S, context=context) as answer:
            status = int(answer.status)
    except urllib.error.HTTPError as error:
        status = error.code
    except OSError as error:
        return Check("web", "bad", f"The web UI does not answer ({error}); are 'front' and 'web' up?")
    return Check("web", "ok" if status < 500 else "bad", f"The web UI answers {status}.")


def wait_well(look: Callable[[], list[Check]], *, wait_s: float = WAIT_S, pause_s: float = _PAUSE_S) -> list[Check]:
    """Look until nothing is bad or the wait is over; returns what was bad at the last look."""
    deadline = time.monotonic() + wait_s
    log, told = get_logger(service="gate"), ""
    while True:
        bad = [check for check in look() if check.state == "bad"]
        said = "; ".join(f"{check.id}: {check.text}" for check in bad)
        if said != told:
            log.info("not well yet" if bad else "all is well", waiting_for=said)
            told = said
        if not bad or time.monotonic() > deadline:
            return bad
        time.sleep(pause_s)


def main(home: Home, _settings: Settings) -> None:
    """Raises BoxError `gate.closed` when the box is not well in time."""

    def look() -> list[Check]:
        now = load_settings(home)  # a network that comes late changes the box's address
        return [*essentials(home, now), web(now)]

    bad = wait_well(look)
    if bad:
        raise BoxError("gate.closed", " ".join(f"{check.id}: {check.text}" for check in bad))
