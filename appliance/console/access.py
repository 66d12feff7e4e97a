"""Who may change something: an administrator's password (and authenticator code), or the one-time service code."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from appliance.console.facts import duration
from appliance.console.terminal import Terminal, wrap
from appliance.errors import CallboxError
from appliance.home import Home

if TYPE_CHECKING:
    from appliance.console.doors import Doors

OPEN_S = 600.0
_FACTORY = "console"
"""Actor while the box has no administrator yet: there is nothing to protect."""
_BY_CODE = "service-code"


class Access:
    """Remembers who is at the console, for ten minutes after his last change."""

    def __init__(self, home: Home, doors: Doors, terminal: Terminal) -> None:
        self._home, self._doors, self._terminal = home, doors, terminal
        self._actor, self._until_s = "", 0.0

    @property
    def open(self) -> bool:
        return bool(self._actor) and time.monotonic() < self._until_s

    def lock(self) -> None:
        self._actor = ""

    def actor(self) -> str:
        """The id of who may change things now; asks for it. Empty: nobody."""
        if not self.open:
            self._actor = self._ask()
        if self._actor:
            self._until_s = time.monotonic() + OPEN_S
        return self._actor

    def _ask(self) -> str:
        if not self._doors.is_set_up():
            return _FACTORY
        login = self._terminal.read_line("Administrator (or: code): ")
        if not login:
            return ""
        if login.lower() == "code":
            return self._by_code()
        password = self._terminal.read_line("Password: ", secret=True)
        try:
            return self._doors.log_in(login, password, "")
        except CallboxError as error:
            if error.error_id != "login.totp_required":
                self._terminal.say(*wrap(error.message, ""))
                return ""
        try:
            return self._doors.log_in(login, password, self._terminal.read_line("Authenticator code: "))
        except CallboxError as error:
            self._terminal.say(*wrap(error.message, ""))
            return ""

    def _by_code(self) -> str:
        from appliance.console import code  # hashing costs the first paint

        path = self._home.console_code
        if not code.exists(path):
            self._terminal.say("There is no service code. An administrator makes one: passwords.")
            return ""
        wait_s = code.wait_s(path)
        if wait_s > 0:
            self._terminal.say(f"Too many wrong codes: try again in {duration(wait_s)}.")
            return ""
        if not code.use(path, self._terminal.read_line("Service code: ", secret=True)):
            self._terminal.say("This is not the code.")
            return ""
        self._doors.note(_BY_CODE, "console.service_code", "used")
        self._terminal.say(f"The code is spent. The new one, to be written down now: {code.make(path)}")
        return _BY_CODE
