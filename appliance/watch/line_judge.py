"""Every source's word on every line, and what it comes to: one alarm a line. Does no I/O but the history's file."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from appliance.clock import Clock
from appliance.domain.line_alarms import Cause, Happened, Judgement, LineAlarm, Seen, judge, step
from appliance.logs import get_logger
from appliance.settings import LineCardSettings
from appliance.watch.line_history import LineHistory
from drivers.lines import LineStatus, ReaderError, stale

_FAILED_READS = 2


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


class LineJudge:
    """All methods may be called from any thread. `answers`: whether a gateway answers OPTIONS, None: not known."""

    def __init__(
        self, cards: Iterable[LineCardSettings], history: LineHistory, clock: Clock,
        answers: Callable[[str], bool | None],
    ) -> None:  # fmt: skip
        self.lock = threading.RLock()
        self.history = history
        self.cards = {(card.id, card.source): CardState(card) for card in cards}
        self.alarms: dict[str, LineAlarm] = {}
        self._judged: dict[str, Judgement] = {}
        self._clock, self._answers = clock, answers
        self._log = get_logger()

    def use(self, cards: Iterable[LineCardSettings], kept: Iterable[LineCardSettings]) -> None:
        """Other cards from now on; of those in `kept` what is known stays."""
        with self.lock:
            stay = {(card.id, card.source): self.cards[card.id, card.source] for card in kept}
            self.cards = {(c.id, c.source): stay.get((c.id, c.source)) or CardState(c) for c in cards}
            known = {line_id for state in self.cards.values() for line_id in state.lines}
            self.alarms = {line_id: alarm for line_id, alarm in self.alarms.items() if line_id in known}
            self._judged = {line_id: found for line_id, found in self._judged.items() if line_id in known}

    def take(
        self, settings: LineCardSettings, lines: tuple[LineStatus, ...] | None, error: ReaderError | None
    ) -> bool | None:
        """A card's reading; true when one of its lines looks worse than its alarm says, so that it is asked again.

        None when nobody asked for it: the last word of a card that was taken out or changed meanwhile.
        """
        with self.lock:
            state = self.cards.get((settings.id, settings.source))
            if state is None or state.settings != settings:
                return None
            if lines is None:
                self._failed(state, error)
            else:
                self._read(state, lines)
            worse = [self._judge(line_id) for line_id in state.lines]  # each of them, not only up to the first
            return any(worse)

    def gateways_changed(self) -> None:
        """Judge those lines again of which only their gateway's silence can be said."""
        with self.lock:
            for line_id in [i for s in self.cards.values() if s.settings.sip for i in s.lines]:
                if self.alarms.get(line_id, LineAlarm()).cause in (None, Cause.SIP):
                    self._judge(line_id)

    def knows(self, settings: LineCardSettings, line_id: str) -> bool:
        """Whether a card has that line."""
        with self.lock:
            state = self.cards.get((settings.id, settings.source))
            return state is not None and line_id in state.lines

    def sources(self, line_id: str) -> list[LineStatus]:
        """What each source said of it last."""
        with self.lock:
            return [state.lines[line_id] for state in self.cards.values() if line_id in state.lines]

    def line_ids(self) -> list[str]:
        """All lines, sorted."""
        with self.lock:
            return sorted({line_id for state in self.cards.values() for line_id in state.lines})

    def alarm(self, line_id: str) -> LineAlarm:
        """Its one alarm."""
        return self.alarms.get(line_id, LineAlarm())

    def up(self, line_id: str) -> bool | None:
        """What all sources together say; None: nobody knows."""
        return self._judged.get(line_id, Judgement(None)).up

    # ---- inside --------------------------------------------------------------------------------------------------

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

    def _judge(self, line_id: str) -> bool:
        seen = [
            Seen(
                source=line.source, up=line.up, stale=line.stale, alarms=frozenset(map(str, line.alarms)),
                d_channel=line.d_channel_l2 if line.d_channel_l2 is not None else line.d_channel_l1,
            )
            for line in self.sources(line_id)
        ]  # fmt: skip
        gateway = next((s.settings.sip for s in self.cards.values() if s.settings.sip and line_id in s.lines), "")
        found = judge(seen, answers=self._answers(gateway) if gateway else None)
        after, happened = step(self.alarm(line_id), found, self._clock.monotonic_s())
        self.alarms[line_id], self._judged[line_id] = after, found
        if happened is not None:
            level = self._log.info if happened is Happened.CLEARED else self._log.warning
            level(
                "line", line=line_id, happened=str(happened), cause=str(after.cause or ""),
                suppressed=[str(cause) for cause in after.suppressed],
            )  # fmt: skip
        return found.cause is not None and not after.standing
