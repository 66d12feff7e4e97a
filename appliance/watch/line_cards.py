"""Cards as the settings name them, made ready, and a thread for each: no card keeps another waiting."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from appliance.logs import get_logger
from appliance.settings import Home, LineCardSettings
from appliance.watch.root import RootActions
from drivers import profiles
from drivers.cards import Card, console_card, dahdi_card, snmp_card
from drivers.e1_gateway.snmp import SnmpReader
from drivers.lines import LineStatus, ReaderError
from drivers.profiles import Profile, ProfileError
from drivers.programs import Ran
from drivers.releases import Releases
from drivers.resources import Console, DahdiTree, SerialPort, SnmpAgent, TcpPort

CONFIRM_S = 0.2
"""After a change for the worse the card is asked again: an alarm wants two readings. Never sooner, whatever comes."""
_ERROR_ID = re.compile(r"[a-z_]+\.[a-z_]+")
_RELEASE_S, _SNMP_PORT = 1.0, 161


def snmp_agent(card: LineCardSettings) -> SnmpAgent:
    """Where its agent is and how to be let in."""
    host, _, port = card.address.partition(":")
    return SnmpAgent(
        host, int(port or _SNMP_PORT), community=card.community.get_secret_value(), user=card.user,
        auth_key=card.auth_key.get_secret_value(), priv_key=card.priv_key.get_secret_value(), name=card.name,
    )  # fmt: skip


@cache
def _profile(profile_id: str, folder: Path) -> Profile:
    try:
        return profiles.find(profile_id, folder)
    except ProfileError as error:
        raise ReaderError("line.bad_profile", str(error)) from error


def forget_profiles() -> None:
    """Read them from their files again: one may have been made or changed."""
    _profile.cache_clear()


def make_card(home: Home, card: LineCardSettings) -> Card:
    """The card's reader and control. Raises ReaderError, also for a profile that cannot be used."""
    profile = _profile(card.profile, home.line_profiles)
    notes = notes_file(home, card)
    if card.source == "dahdi":
        by_root = DahdiByRoot(RootActions(home.run / "privd.sock"))
        return dahdi_card(DahdiTree(), notes, maint=by_root.maint, config=by_root.config)
    if card.source == "snmp":
        if not card.address:
            raise ReaderError("line.where", f"{card.id}: its address is missing in the settings (hardware.cards).")
        return snmp_card(card.id, snmp_agent(card), profile, notes)
    words = profile.console
    host, _, number = card.address.rpartition(":")
    if words is None or (not card.port and not (host and number.isdigit())):
        raise ReaderError("line.where", f"{card.id}: a console wants a port or host:port, and a profile with words.")
    port = SerialPort(card.port, card.baud or words.baud) if card.port else TcpPort(host, int(number))
    console = Console(
        port, user=card.user, password=card.password.get_secret_value(),
        enable_password=card.enable_password.get_secret_value(), host_name=card.name,
        lock_dir=Path("/run/lock") if Path("/run/lock").is_dir() else home.run,
    )  # fmt: skip
    return console_card(card.id, console, profile, notes)


class DahdiByRoot:
    """What a DAHDI card has root do: `watch` has no right to `/dev/dahdi/ctl`'s writes nor to `/etc`."""

    def __init__(self, root: RootActions) -> None:
        self._root = root

    def maint(self, span: int, command: int) -> None:
        """A maintenance command of the kernel. Raises ReaderError as `spanstat.maintain`, or `privd.away`."""
        ran = self._root.do("dahdi-maint", span=str(span), command=str(command))
        if ran.status:
            error_id, _, message = ran.output.strip().partition(": ")
            known = _ERROR_ID.fullmatch(error_id)
            raise ReaderError(error_id if known else "dahdi.refused", message if known else ran.output.strip()[:200])

    def config(self, text: str) -> Ran:
        """Write the configuration file and run `dahdi_cfg`."""
        return self._root.do("dahdi-config", text=text)


Take = Callable[[LineCardSettings, tuple[LineStatus, ...] | None, ReaderError | None], bool]
"""Takes a reading of a card, or why there is none; true when it should be confirmed at once."""


class CardPoller:
    """Reads one card again and again in its own thread, and ends tests whose time has come."""

    def __init__(
        self, settings: LineCardSettings, make: Callable[[], Card], take: Take,
        on_read: Callable[[LineCardSettings, Card], None] | None = None,
    ) -> None:  # fmt: skip
        self.settings = settings
        self._make, self._take, self._on_read = make, take, on_read
        self.card: Card | None = None
        self._wake, self._stop = threading.Event(), threading.Event()
        self._broken = False
        self._log = get_logger()
        self._thread = threading.Thread(target=self._run, name=f"lines-{settings.id}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def read_soon(self) -> None:
        """Something happened on this card: do not wait."""
        self._wake.set()

    def stop(self, timeout_s: float = 3.0) -> None:
        """End; a reading under way is not waited for longer than `timeout_s`."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            again = False
            try:
                again = self._read()
                self._broken = False
            except Exception as error:  # a broken driver is not the end of the watch  # noqa: BLE001
                if not self._broken:
                    self._log.exception("line card not read", card=self.settings.id)
                self._broken = True
                broken = ReaderError("line.driver_broken", f"{self.settings.id}: driver broke: {type(error).__name__}.")
                self._take(self.settings, None, broken)
            self._wait(CONFIRM_S if again else self.settings.poll_s)
        if self.card is not None:
            self.card.reader.close()

    def _read(self) -> bool:
        try:
            if self.card is None:
                self.card = self._make()
            self._release()
            lines = self.card.reader.lines()
        except ReaderError as error:
            return self._take(self.settings, None, error)
        if self._on_read is not None:
            self._on_read(self.settings, self.card)
        return self._take(self.settings, lines, None)

    def _wait(self, seconds: float) -> None:
        """Until the next reading is due or something happened; open tests are looked at meanwhile."""
        began_s = time.monotonic()
        until_s = began_s + seconds
        while (left_s := until_s - time.monotonic()) > 0:
            if self._wake.wait(min(left_s, _RELEASE_S)):
                self._stop.wait(max(0.0, began_s + CONFIRM_S - time.monotonic()))  # a storm of traps is one reading
                return
            self._release()

    def _release(self) -> None:
        if self.card is None:
            return
        try:
            ended = self.card.control.release_due()
        except ReaderError as error:
            self._log.error("line tests", card=self.settings.id, error_id=error.error_id, error=error.message)
            return
        for line_id in ended:
            self._log.info("line test ended by itself", line=line_id)


def offers(home: Home, settings: LineCardSettings, card: Card, line_id: str) -> dict[str, Any]:
    """What can be told to a line: `verbs`, `choices` and `places_calls` of its row."""
    profile = _profile(settings.profile, home.line_profiles)
    verbs = card.control.verbs(line_id)
    choices = {str(verb): sorted(words.values) for verb, words in profile.verbs.items() if words.values}
    return {"verbs": sorted(verbs), "choices": choices, "places_calls": profile.places_calls}


def open_tests(home: Home, settings: LineCardSettings) -> dict[str, list[dict[str, Any]]]:
    """Tests that run now on a card's lines, and when they end by themselves."""
    found: dict[str, list[dict[str, Any]]] = {}
    try:
        rows = Releases(notes_file(home, settings)).open()
    except ReaderError as error:
        get_logger().error("line tests", card=settings.id, error_id=error.error_id, error=error.message)
        return {}
    for row in rows:
        found.setdefault(row.line_id, []).append({"verb": str(row.verb), "ends_at_unix_s": row.at_unix_s})
    return found


def notes_file(home: Home, settings: LineCardSettings) -> Path:
    """Where a card's open tests are noted."""
    return home.root / f"line-tests-{settings.id}-{settings.source}.json"


def engine_id_of(card: Card) -> bytes:
    """The SNMP engine of a gateway that was read; empty for other cards."""
    return card.reader.engine_id if isinstance(card.reader, SnmpReader) else b""
