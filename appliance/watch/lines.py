"""Lines at run time: the cards that are read, the traps that are heard, and what is shown and told of it all.

Cards are read by `line_cards` in threads of their own; `line_judge` makes one alarm a line of what they say, and
`line_trunks` what that means for dialling. Out of it come the section `lines` of the snapshot, findings
(`line_conditions`) and `TrunkService`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict
from functools import partial
from typing import Any

from appliance.clock import Clock, SystemClock
from appliance.domain.line_alarms import LineAlarm, TrunkUse
from appliance.errors import BoxError, CallerError
from appliance.events import TrunkService
from appliance.logs import get_logger
from appliance.outside.agentx import Subagent
from appliance.outside.line_mib import ROOTS, line_objects
from appliance.settings import HardwareSettings, Home, LineCardSettings, Settings
from appliance.watch.line_cards import (
    CardPoller,
    engine_id_of,
    forget_profiles,
    make_card,
    offers,
    open_tests,
    snmp_agent,
)
from appliance.watch.line_history import LineHistory, read_history, report
from appliance.watch.line_judge import CardState, LineJudge
from appliance.watch.line_trunks import Gateways, TrunkPlan, Trunks
from drivers.cards import Card
from drivers.e1_gateway.snmp_wire import Trap, TrapReceiver
from drivers.lines import LineStatus, ReaderError, Verb

QUALITY_S = 60.0
_CALLERS_MISTAKES = frozenset({"line.verb_unknown", "line.in_use", "line.bad_argument", "line.unknown"})


def _heard(hardware: HardwareSettings) -> tuple[object, ...]:
    """What listening for traps hangs on."""
    return hardware.trap_address, hardware.trap_port, [card for card in hardware.cards if card.source == "snmp"]


def _same_door(poller: CardPoller, card: LineCardSettings) -> bool:
    """Whether it reads the same console."""
    other = poller.settings
    return other.source == card.source and (other.port, other.address) == (card.port, card.address)


class LineWatch:
    """All methods may be called from any thread; `on_change` is called after each reading."""

    def __init__(
        self, home: Home, settings: Settings, clock: Clock | None = None, *,
        silent_gateways: Callable[[], list[str]] | None = None, trunks: Callable[[], list[TrunkPlan]] | None = None,
        on_change: Callable[[], None] = lambda: None, make: Callable[[Home, LineCardSettings], Card] = make_card,
    ) -> None:  # fmt: skip
        self._home, self._settings, self._clock = home, settings, clock or SystemClock()
        self._on_change, self._make, self._running = on_change, make, False
        self._changing = threading.RLock()  # cards come and go one change at a time, never under the judge's lock
        self.history = LineHistory(home.line_history)
        self._gateways = Gateways(silent_gateways)
        self._judge = LineJudge(settings.hardware.cards, self.history, self._clock, self._gateways.answers)
        self._trunks = Trunks(self._judge, self._gateways, self._clock, trunks)
        self.pollers = [self._poller(card) for card in settings.hardware.cards]
        self._traps: TrapReceiver | None = None
        self.traps_error = self.traps_error_id = ""
        self._quality: dict[str, dict[str, object]] = {}
        self._quality_due_s = float("-inf")
        path = settings.hardware.agentx
        self._agent = Subagent(path, ROOTS, lambda: line_objects(self.rows())) if path else None
        self._log = get_logger()

    # ---- life --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Read all cards from now on; listen for traps when one of them is asked by SNMP."""
        self.history.trim(self._clock.now().timestamp())
        with self._changing:
            self._running = True
            self._listen()
            for poller in self.pollers:
                poller.start()
        if self._agent is not None:
            self._agent.start()

    def stop(self) -> None:
        """End all threads."""
        with self._changing:
            self._running = False
            for poller in self.pollers:
                poller.stop()
            if self._traps is not None:
                self._traps.close()
        if self._agent is not None:
            self._agent.stop()

    def use(self, settings: Settings) -> None:
        """Take changed settings: a card that is as before is read on, another one begins as new, the rest ends."""
        with self._changing:
            before, cards = self._settings.hardware, settings.hardware.cards
            kept = [poller for poller in self.pollers if poller.settings in cards]
            begun = [self._poller(card) for card in cards if card not in [poller.settings for poller in kept]]
            for poller in self.pollers:
                if poller not in kept:
                    poller.stop()
            self._judge.use(cards, [poller.settings for poller in kept])
            self._settings, self.pollers = settings, kept + begun
            if self._running:
                if _heard(before) != _heard(settings.hardware):
                    self._listen()
                for poller in begun:
                    poller.start()
        self._on_change()

    def try_card(self, card: LineCardSettings) -> tuple[LineStatus, ...]:
        """Read a card once that need not be in the settings. Raises ReaderError.

        A console has one user at a time, so whoever reads that port now stands back meanwhile.
        """
        forget_profiles()  # its make may have been taught a minute ago
        with self._changing if card.source == "console" else nullcontext():
            held = [p for p in self.pollers if self._running and card.source == "console" and _same_door(p, card)]
            for poller in held:
                poller.stop()
            try:
                made = self._make(self._home, card)
                try:
                    return made.reader.lines()
                finally:
                    made.reader.close()
            finally:
                back = [self._poller(poller.settings) for poller in held]
                self.pollers = [poller for poller in self.pollers if poller not in held] + back
                for poller in back:
                    poller.start()

    def _poller(self, card: LineCardSettings) -> CardPoller:
        return CardPoller(card, partial(self._make, self._home, card), self.take, self._learn)

    def _listen(self) -> None:
        """Listen for traps of the cards that are asked by SNMP, and of no one else."""
        if self._traps is not None:
            self._traps.close()
        self._traps, self.traps_error, self.traps_error_id = None, "", ""
        agents = [snmp_agent(p.settings) for p in self.pollers if p.settings.source == "snmp"]
        if not agents:
            return
        hardware = self._settings.hardware
        receiver = TrapReceiver(hardware.trap_address or "0.0.0.0", hardware.trap_port, agents, self._on_trap)  # noqa: S104
        try:
            receiver.start()
            self._traps = receiver
        except ReaderError as error:
            self.traps_error, self.traps_error_id = error.message, error.error_id
            self._log.warning("no traps, lines are polled", error_id=error.error_id, error=error.message)

    def _learn(self, settings: LineCardSettings, card: Card) -> None:
        if self._traps is not None:
            self._traps.know(snmp_agent(settings), engine_id_of(card))

    def _on_trap(self, trap: Trap) -> None:
        """A hint: the card is read at once, and that counts. A trap of nobody we know is nothing."""
        for poller in self.pollers:
            if poller.settings.source == "snmp" and snmp_agent(poller.settings).host == trap.host:
                poller.read_soon()

    def poller_of(self, line_id: str) -> CardPoller | None:
        """The card that can change a line."""
        for poller in self.pollers:
            card = poller.card
            if card is not None and self._judge.knows(poller.settings, line_id) and card.control.verbs(line_id):
                return poller
        return None

    # ---- what comes in and what it comes to ------------------------------------------------------------------------

    def take(
        self, settings: LineCardSettings, lines: tuple[LineStatus, ...] | None, error: ReaderError | None
    ) -> bool:
        """A card's reading, see `LineJudge.take`."""
        worse = self._judge.take(settings, lines, error)
        if worse is not None:
            self._on_change()
        return bool(worse)

    def look_at_gateways(self) -> None:
        """Ask the edge who answers OPTIONS, and the store which trunks there are."""
        self._gateways.look()
        self._trunks.look()
        self._judge.gateways_changed()
        self._on_change()

    @property
    def cards(self) -> dict[tuple[str, str], CardState]:
        """Cards by name and source, as last read."""
        return self._judge.cards

    @property
    def alarms(self) -> dict[str, LineAlarm]:
        """The one alarm of each line."""
        return self._judge.alarms

    def trunk_words(self) -> list[TrunkService]:
        """What is to be said of the trunks now."""
        return self._trunks.words()

    def plans(self) -> list[TrunkPlan]:
        """The trunks as last read."""
        return self._trunks.plans()

    def use_of(self, plan: TrunkPlan) -> TrunkUse:
        """What a trunk may use now."""
        return self._trunks.use_of(plan)

    # ---- what is shown ---------------------------------------------------------------------------------------------

    def quality(self) -> dict[str, dict[str, object]]:
        """Line -> its report after G.826 (`line_history.report`), made anew each minute."""
        with self._judge.lock:
            if self._clock.monotonic_s() < self._quality_due_s:
                return self._quality
            self._quality_due_s = self._clock.monotonic_s() + QUALITY_S
        found = report(read_history(self._home.line_history) + self.history.running(), self._clock.now().timestamp())
        with self._judge.lock:
            self._quality = found
        return found

    def section(self) -> dict[str, Any]:
        """The section `lines`: each line once, by its best source, with its alarm."""
        self.quality()
        with self._judge.lock:
            return {
                "lines": self.rows(),
                "cards": [
                    {"id": s.settings.id, "source": s.settings.source, "profile": s.settings.profile, "error": s.error,
                     "error_id": s.error_id, "lines": len(s.lines)}
                    for s in self.cards.values()
                ],
                "trunks": [asdict(self.use_of(plan)) | {"trunk_id": plan.trunk_id, "channels": plan.channels}
                           for plan in self._trunks.plans()],
                "traps": self._traps is not None, "traps_error": self.traps_error,
                "traps_error_id": self.traps_error_id,
            }  # fmt: skip

    def rows(self) -> list[dict[str, Any]]:
        """The lines of the section."""
        with self._judge.lock:
            tests: dict[str, list[dict[str, Any]]] = {}
            for poller in self.pollers:
                tests |= open_tests(self._home, poller.settings)
            return [self._row(line_id, tests) for line_id in self._judge.line_ids()]

    def _row(self, line_id: str, tests: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
        sources = sorted(self._judge.sources(line_id), key=lambda line: (line.stale, line.channels == ()))
        alarm = self._judge.alarm(line_id)
        row = asdict(sources[0])
        row["alarms"] = sorted({str(alarm) for line in sources if not line.stale for alarm in line.alarms})
        row["up"] = self._judge.up(line_id)
        row["cause"] = alarm.cause
        row["suppressed"] = list(alarm.suppressed)
        row["sources"] = [line.source for line in sources]
        row["quality"] = self._quality.get(line_id)
        row["trunks"] = [plan.trunk_id for plan in self._trunks.plans() if line_id in plan.lines]
        poller = self.poller_of(line_id)
        if poller is not None and poller.card is not None:
            row |= offers(self._home, poller.settings, poller.card, line_id)
            row["tests"] = tests.get(line_id, [])
        return row

    # ---- control -------------------------------------------------------------------------------------------------

    def control(self, line_id: str, verb: str, arguments: dict[str, Any], *, force: bool) -> dict[str, Any]:
        """Tell a line something; returns {before, after, verified}. Raises CallerError, BoxError."""
        poller = self.poller_of(line_id)
        if poller is None or poller.card is None:
            raise CallerError("line.verb_unknown", f"{line_id}: nothing can be told to this line.", line=line_id)
        if verb not in set(Verb):
            raise CallerError("line.verb_unknown", f"{line_id}: {verb[:30]!r} is no verb.", line=line_id)
        if not all(isinstance(value, str | int | float | bool) for value in arguments.values()):
            raise CallerError("line.bad_argument", f"{line_id}: arguments are words and numbers.", line=line_id)
        try:
            change = poller.card.control.do(line_id, Verb(verb), **(arguments | {"force": force}))
        except ReaderError as error:
            kind = CallerError if error.error_id in _CALLERS_MISTAKES else BoxError
            raise kind(error.error_id, error.message, line=line_id) from error
        finally:
            poller.read_soon()
        self._log.info("line told", line=line_id, verb=verb, before=change.before, after=change.after)
        return asdict(change)
