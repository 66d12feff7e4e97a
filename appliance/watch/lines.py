"""Lines at run time: every source's word on every line, one alarm a line, and what it means for the trunks.

Cards are read by `line_cards` in threads of their own and hand their readings in here; the edge says which gateways
answer OPTIONS. Out of it come the section `lines` of the snapshot, findings (`line_conditions`) and `TrunkService`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from appliance.clock import Clock, SystemClock
from appliance.domain.line_alarms import (
    Cause,
    Happened,
    Judgement,
    LineAlarm,
    LineCapacity,
    Seen,
    TrunkUse,
    judge,
    step,
    trunk_use,
)
from appliance.errors import BoxError, CallboxError, CallerError
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
from appliance.watch.snapshot import SAY_AGAIN_S
from drivers.cards import Card
from drivers.e1_gateway.snmp_wire import Trap, TrapReceiver
from drivers.lines import ChannelState, LineKind, LineStatus, ReaderError, Verb, stale

SIP_LOOK_S = 1.0
QUALITY_S = 60.0
_SILENT_LOOKS, _FAILED_READS = 2, 2
_E1_CHANNELS = 30
_CALLERS_MISTAKES = frozenset({"line.verb_unknown", "line.in_use", "line.bad_argument", "line.unknown"})
_CLOSED = frozenset({ChannelState.BLOCKED, ChannelState.ALARM, ChannelState.SIGNALLING})


@dataclass(frozen=True)
class TrunkPlan:
    """What is known of a trunk's way out: lines by name, gateways as host:port."""

    trunk_id: str
    channels: int
    lines: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()


def _heard(hardware: HardwareSettings) -> tuple[object, ...]:
    """What listening for traps hangs on."""
    return hardware.trap_address, hardware.trap_port, [card for card in hardware.cards if card.source == "snmp"]


def _same_door(poller: CardPoller, card: LineCardSettings) -> bool:
    """Whether it reads the same console."""
    other = poller.settings
    return other.source == card.source and (other.port, other.address) == (card.port, card.address)


@dataclass
class CardState:
    """One card: its last reading and why there is none newer."""

    settings: LineCardSettings
    lines: dict[str, LineStatus] = field(default_factory=dict)
    error: str = ""
    error_id: str = ""
    failures: int = 0

    @property
    def unread(self) -> bool:
        """It could not be read again and again."""
        return self.failures >= _FAILED_READS


class LineWatch:
    """All methods may be called from any thread; `on_change` is called after each reading."""

    def __init__(
        self, home: Home, settings: Settings, clock: Clock | None = None, *,
        silent_gateways: Callable[[], list[str]] | None = None, trunks: Callable[[], list[TrunkPlan]] | None = None,
        on_change: Callable[[], None] = lambda: None, make: Callable[[Home, LineCardSettings], Card] = make_card,
    ) -> None:  # fmt: skip
        self._home, self._settings, self._clock = home, settings, clock or SystemClock()
        self._silent_gateways, self._trunks, self._on_change = silent_gateways, trunks, on_change
        self._lock = threading.RLock()
        self._make, self._running = make, False
        self._changing = threading.RLock()  # cards come and go one change at a time, never under `_lock`
        self.history = LineHistory(home.line_history)
        self.cards = {(c.id, c.source): CardState(c) for c in settings.hardware.cards}
        self.pollers = [self._poller(card) for card in settings.hardware.cards]
        self.alarms: dict[str, LineAlarm] = {}
        self._judged: dict[str, Judgement] = {}
        self._silent: dict[str, int] | None = None  # gateway: looks in a row without an answer; None: the edge is away
        self._plans: list[TrunkPlan] = []
        self._said: dict[str, tuple[TrunkUse, float]] = {}
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
            with self._lock:
                same = {(p.settings.id, p.settings.source): p for p in kept}
                self.cards = {
                    (c.id, c.source): self.cards[c.id, c.source] if (c.id, c.source) in same else CardState(c)
                    for c in cards
                }
                self._settings, self.pollers = settings, kept + begun
                known = {line_id for state in self.cards.values() for line_id in state.lines}
                self.alarms = {line_id: alarm for line_id, alarm in self.alarms.items() if line_id in known}
                self._judged = {line_id: found for line_id, found in self._judged.items() if line_id in known}
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
                with self._lock:
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
            if card is not None and self.knows(poller.settings, line_id) and card.control.verbs(line_id):
                return poller
        return None

    def knows(self, settings: LineCardSettings, line_id: str) -> bool:
        """Whether a card has that line."""
        with self._lock:
            state = self.cards.get((settings.id, settings.source))
            return state is not None and line_id in state.lines

    # ---- what comes in -------------------------------------------------------------------------------------------

    def take(
        self, settings: LineCardSettings, lines: tuple[LineStatus, ...] | None, error: ReaderError | None
    ) -> bool:
        """A card's reading; true when one of its lines looks worse than its alarm says, so that it is asked again."""
        with self._lock:
            state = self.cards.get((settings.id, settings.source))
            if state is None or state.settings != settings:
                return False  # the last word of a card that was taken out or changed meanwhile
            if lines is None:
                self._failed(state, error)
            else:
                self._read(state, lines)
            worse = [self._judge(line_id) for line_id in list(state.lines)]
        self._on_change()
        return any(worse)

    def _read(self, state: CardState, lines: tuple[LineStatus, ...]) -> None:
        state.lines = {line.line_id: line for line in lines}
        doubt = next((line for line in lines if line.error and line.up is not False), None)
        if doubt is not None:  # it answers, and what it says cannot be or stands still
            self._doubt(state, doubt.error, doubt.error_id)
        else:
            if state.error:
                self._log.info("card read again", card=state.settings.id)
            state.error, state.error_id, state.failures = "", "", 0
        for line in lines:
            if line.counters is not None and not line.stale:
                self.history.note(line.line_id, line.counters, line.taken_at_unix_s)

    def _failed(self, state: CardState, error: ReaderError | None) -> None:
        message, error_id = (error.message, error.error_id) if error else ("", "")
        self._doubt(state, message, error_id)
        state.lines = {line_id: stale(line, message, error_id) for line_id, line in state.lines.items()}

    def _doubt(self, state: CardState, message: str, error_id: str) -> None:
        state.failures += 1
        if not state.error:
            self._log.warning("card not read", card=state.settings.id, error_id=error_id, error=message)
        state.error, state.error_id = message, error_id

    def _sources(self, line_id: str) -> list[LineStatus]:
        return [state.lines[line_id] for state in self.cards.values() if line_id in state.lines]

    def _judge(self, line_id: str) -> bool:
        seen = [
            Seen(
                source=line.source, up=line.up, stale=line.stale, alarms=frozenset(map(str, line.alarms)),
                d_channel=line.d_channel_l2 if line.d_channel_l2 is not None else line.d_channel_l1,
            )
            for line in self._sources(line_id)
        ]  # fmt: skip
        found = judge(seen, answers=self._answers(self._gateway_of(line_id)))
        before = self.alarms.get(line_id, LineAlarm())
        after, happened = step(before, found, self._clock.monotonic_s())
        self.alarms[line_id], self._judged[line_id] = after, found
        if happened is not None:
            level = self._log.info if happened is Happened.CLEARED else self._log.warning
            level(
                "line", line=line_id, happened=str(happened), cause=str(after.cause or ""),
                suppressed=[str(cause) for cause in after.suppressed],
            )  # fmt: skip
        return found.cause is not None and not after.standing

    def _gateway_of(self, line_id: str) -> str:
        return next((s.settings.sip for s in self.cards.values() if s.settings.sip and line_id in s.lines), "")

    def look_at_gateways(self) -> None:
        """Ask the edge who answers OPTIONS, and the store which trunks there are."""
        silent = self._ask_edge()
        plans = self._ask_store()
        with self._lock:
            counted = self._silent or {}
            self._silent = None if silent is None else {address: counted.get(address, 0) + 1 for address in silent}
            self._plans = self._plans if plans is None else plans
            for line_id in [i for s in self.cards.values() if s.settings.sip for i in s.lines]:
                if self.alarms.get(line_id, LineAlarm()).cause in (None, Cause.SIP):
                    self._judge(line_id)
        self._on_change()

    def _ask_edge(self) -> set[str] | None:
        try:
            return None if self._silent_gateways is None else set(self._silent_gateways())
        except CallboxError:
            return None  # the edge is away: that is an alert of its own, and nothing is known of the gateways

    def _ask_store(self) -> list[TrunkPlan] | None:
        try:
            return None if self._trunks is None else self._trunks()
        except CallboxError:
            return None

    def _answers(self, gateway: str) -> bool | None:
        if self._silent is None or not gateway:
            return None
        return self._silent.get(gateway, 0) < _SILENT_LOOKS

    # ---- what goes out -------------------------------------------------------------------------------------------

    def trunk_words(self) -> list[TrunkService]:
        """What is to be said of the trunks now: on change, and all again every ten seconds."""
        now_s, at = self._clock.monotonic_s(), self._clock.now().timestamp()
        words = []
        with self._lock:
            for plan in self._plans:
                use = self.use_of(plan)
                before, said_s = self._said.get(plan.trunk_id, (None, float("-inf")))
                if use == before and now_s - said_s < SAY_AGAIN_S:
                    continue
                if before is not None and use != before:
                    self._log.info("trunk", trunk=plan.trunk_id, usable=use.usable, reason=use.reason)
                self._said[plan.trunk_id] = (use, now_s)
                words.append(
                    TrunkService(trunk_id=plan.trunk_id, usable_channels=use.usable, reason=use.reason, at_unix_s=at)
                )
        return words

    def plans(self) -> list[TrunkPlan]:
        """The trunks as last read."""
        with self._lock:
            return list(self._plans)

    def use_of(self, plan: TrunkPlan) -> TrunkUse:
        """What a trunk may use now."""
        with self._lock:
            known = [self._answers(gateway) for gateway in plan.gateways]
            answers = None if None in known or not known else any(known)
            return trunk_use(plan.channels, [self._capacity(line_id) for line_id in plan.lines], answers=answers)

    def _capacity(self, line_id: str) -> LineCapacity:
        sources = [line for line in self._sources(line_id) if not line.stale]
        whole = 1 if sources and sources[0].kind is LineKind.FXO else _E1_CHANNELS
        if self.alarms.get(line_id, LineAlarm()).standing:
            return LineCapacity(line_id, whole, 0)
        if self._judged.get(line_id, Judgement(None)).up is not True:
            return LineCapacity(line_id, whole, None)
        channels = next((line.channels for line in sources if line.channels), ())
        usable = sum(channel not in _CLOSED for channel in channels)
        return LineCapacity(line_id, whole, min(whole, usable) if channels else whole)

    def quality(self) -> dict[str, dict[str, object]]:
        """Line -> its report after G.826 (`line_history.report`), made anew each minute."""
        with self._lock:
            if self._clock.monotonic_s() < self._quality_due_s:
                return self._quality
            self._quality_due_s = self._clock.monotonic_s() + QUALITY_S
        found = report(read_history(self._home.line_history) + self.history.running(), self._clock.now().timestamp())
        with self._lock:
            self._quality = found
        return found

    def section(self) -> dict[str, Any]:
        """The section `lines`: each line once, by its best source, with its alarm."""
        self.quality()
        with self._lock:
            return {
                "lines": self.rows(),
                "cards": [
                    {"id": s.settings.id, "source": s.settings.source, "profile": s.settings.profile, "error": s.error,
                     "error_id": s.error_id, "lines": len(s.lines)}
                    for s in self.cards.values()
                ],
                "trunks": [asdict(self.use_of(plan)) | {"trunk_id": plan.trunk_id, "channels": plan.channels}
                           for plan in self._plans],
                "traps": self._traps is not None, "traps_error": self.traps_error,
                "traps_error_id": self.traps_error_id,
            }  # fmt: skip

    def rows(self) -> list[dict[str, Any]]:
        """The lines of the section."""
        with self._lock:
            tests: dict[str, list[dict[str, Any]]] = {}
            for poller in self.pollers:
                tests |= open_tests(self._home, poller.settings)
            ids = sorted({line_id for state in self.cards.values() for line_id in state.lines})
            return [self._row(line_id, tests) for line_id in ids]

    def _row(self, line_id: str, tests: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
        sources = sorted(self._sources(line_id), key=lambda line: (line.stale, line.channels == ()))
        alarm = self.alarms.get(line_id, LineAlarm())
        row = asdict(sources[0])
        row["alarms"] = sorted({str(alarm) for line in sources if not line.stale for alarm in line.alarms})
        row["up"] = self._judged.get(line_id, Judgement(None)).up
        row["cause"] = alarm.cause
        row["suppressed"] = list(alarm.suppressed)
        row["sources"] = [line.source for line in sources]
        row["quality"] = self._quality.get(line_id)
        row["trunks"] = [plan.trunk_id for plan in self._plans if line_id in plan.lines]
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
