"""Twenty-four hours of faults on lines in accelerated time: every fault raised once, cleared once, nothing else.

The drivers' readers and the watch's rules run as on the box; time is a figure, and the simulators hand their answers
over in memory.
"""

from __future__ import annotations

import bisect
import heapq
import random
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from appliance.clock import ManualClock
from appliance.settings import Home, Settings
from appliance.watch.line_cards import CONFIRM_S
from appliance.watch.lines import LineWatch
from drivers.console.parse import parse
from drivers.e1_gateway.snmp import SnmpReader
from drivers.e1_gateway.snmp_sim import AgentData, SnmpGateway, load_agent
from drivers.e1_gateway.snmp_wire import Column, Oid, Value, plain
from drivers.last_good import LastGood
from drivers.lines import Alarm, LineStatus, ReaderError
from drivers.profiles import find
from drivers.resources import SnmpAgent
from drivers.simkit.card import ConsoleCard, load_card
from drivers.simkit.faults import Fault

HOURS, POLL_S = 24.0, 5.0
SPANS, FXO_CARDS = 8, 4
_START = datetime(2026, 3, 1, tzinfo=UTC)
_CARD_FAULT_S, _ALARM_S, _GAP_S = (150.0, 400.0), (200.0, 900.0), 300.0
_FLICKER_S = CONFIRM_S / 2
_LONGER_THAN_STUCK_S = 240.0


class _InMemory:
    """The gateway's objects without the network; what hangs or restarts does not answer."""

    def __init__(self, gateway: SnmpGateway) -> None:
        self._gateway = gateway

    def walk(self, first: Sequence[Oid], columns: Mapping[str, Oid]) -> tuple[list[Value | None], dict[str, Column]]:
        rows = self._gateway.objects()
        if self._gateway.silent:
            raise ReaderError("snmp.no_answer", "simulated: does not answer.")
        names = [where for where, _value in rows]

        def under(root: Oid) -> Column:
            found: Column = {}
            for where, value in rows[bisect.bisect_left(names, root) :]:
                if where[: len(root)] != root:
                    break
                known = plain(value)
                if known is not None:
                    found[where[len(root) :]] = known
            return found

        return [next(iter(under(root).values()), None) for root in first], {n: under(r) for n, r in columns.items()}

    def set_number(self, where: Oid, value: int) -> None:
        self._gateway.set(where, value)

    def close(self) -> None:
        """Nothing is held open."""


@dataclass(order=True)
class _Moment:
    """Something that happens."""

    at_s: float
    number: int
    act: Callable[[], None] = field(compare=False)


class _Day:
    """Schedule, cards and counts of one run."""

    def __init__(self, folder: Path, seed: int, hours: float) -> None:
        self.clock = ManualClock(_START)
        self.dice = random.Random(seed)
        self.end_s = hours * 3600
        self.moments: list[_Moment] = []
        self.expected: dict[str, int] = {}
        home = Home(folder)
        home.make()
        cards = [{"id": "gw", "profile": "ds1_mib", "address": "192.0.2.1", "community": "c"}]
        for number in range(FXO_CARDS):
            name = f"fxo{number}"
            cards.append({"id": name, "source": "console", "profile": "sim_fxo", "port": f"/dev/{name}"})
        self.watch = LineWatch(home, Settings.model_validate({"hardware": {"cards": cards}}), self.clock)
        data = replace_spans(SPANS)
        self.gateway = SnmpGateway(data, monotonic=self.clock.monotonic_s, seed=seed)
        reader = SnmpReader(
            "gw", SnmpAgent("192.0.2.1"), find("ds1_mib"), session=_InMemory(self.gateway), wall=self._wall,
            monotonic=self.clock.monotonic_s,
        )  # fmt: skip
        self.readers: dict[str, Callable[[], tuple[LineStatus, ...]]] = {"gw": reader.lines}
        self.consoles = {}
        for number in range(FXO_CARDS):
            name = f"fxo{number}"
            (folder / name).mkdir()
            card = ConsoleCard(folder / name, load_card("sim_fxo"), seed=seed + number)
            self.consoles[name] = card
            self.readers[name] = self._console(name, card)

    def _wall(self) -> float:
        return self.clock.now().timestamp()

    def _console(self, name: str, card: ConsoleCard) -> Callable[[], tuple[LineStatus, ...]]:
        profile, last_good = find("sim_fxo"), LastGood(self.clock.monotonic_s)
        assert profile.console is not None
        commands = [section.command for section in profile.console.sections]

        def read() -> tuple[LineStatus, ...]:
            if Fault.HANG in card.faults:
                raise ReaderError("line.no_answer", f"{name}: simulated: does not answer.")
            answers = [card.told(command) for command in commands]
            return last_good.judge(parse(profile, answers, card=name, taken_at_unix_s=self._wall()))

        return read

    # ---- what happens --------------------------------------------------------------------------------------------

    def plan(self) -> None:
        """Alarms of lines by the hour; faults of cards between; flickers and single noisy answers that mean nothing."""
        for index in self.gateway.spans:
            self._alarms(f"gw:{index}", self.gateway.spans[index].alarms, [a for a in Alarm if a is not Alarm.LOOP])
        for name, card in self.consoles.items():
            for port in card.data.ports:
                self._alarms(f"{name}:{port}", card.alarms[port], [Alarm.LOS])
        self._card_faults("gw", self.gateway.faults, [Fault.HANG, Fault.STUCK, Fault.NOISE, Fault.OTHER_CARD])
        for name, card in self.consoles.items():
            self._card_faults(name, card.faults, [Fault.HANG, Fault.NEW_WORDS, Fault.HALF_LINES])
        for _ in range(int(self.end_s // 3600)):
            self._at(self.dice.uniform(60, self.end_s - 600), self.gateway.restart)

    def _at(self, at_s: float, act: Callable[[], None]) -> None:
        heapq.heappush(self.moments, _Moment(at_s, len(self.moments), act))

    def _alarms(self, line_id: str, alarms: set[Alarm], kinds: list[Alarm]) -> None:
        at_s, count = self.dice.uniform(60, 3600), 0
        while at_s + _ALARM_S[1] + 600 < self.end_s:
            wrong = set(self.dice.sample(kinds, self.dice.randint(1, min(3, len(kinds)))))
            lasts_s = self.dice.uniform(*_ALARM_S)
            self._at(at_s, lambda wrong=wrong: alarms.update(wrong))  # type: ignore[misc]
            self._at(at_s + lasts_s, alarms.clear)
            flicker_s = at_s + lasts_s + _GAP_S + 60
            self._at(flicker_s, lambda kinds=kinds: alarms.add(kinds[0]))  # type: ignore[misc]
            self._at(flicker_s + _FLICKER_S, alarms.clear)
            count += 1
            at_s = flicker_s + _GAP_S + self.dice.uniform(0, 7200)
        self.expected[line_id] = count

    def _card_faults(self, name: str, faults: set[Fault], kinds: list[Fault]) -> None:
        at_s, count = self.dice.uniform(600, 3600), 0
        while at_s + _CARD_FAULT_S[1] + 600 < self.end_s:
            kind = kinds[count % len(kinds)]
            lasts_s = self.dice.uniform(*_CARD_FAULT_S)
            if kind is Fault.STUCK:  # a restart in the middle does not end it: it is one fault all the same
                self._at(at_s + lasts_s / 2, self.gateway.restart)
            else:
                lasts_s = min(lasts_s, _LONGER_THAN_STUCK_S / 2)
            self._at(at_s, lambda kind=kind: faults.add(kind))  # type: ignore[misc]
            self._at(at_s + lasts_s, lambda kind=kind: faults.discard(kind))  # type: ignore[misc]
            count += 1
            at_s += lasts_s + _GAP_S + self.dice.uniform(0, 7200)
        self.expected[f"card.{name}"] = count

    # ---- the run -------------------------------------------------------------------------------------------------

    def run(self) -> dict[str, Any]:
        """Poll to the end and count."""
        raised: dict[str, int] = dict.fromkeys(self.expected, 0)
        cleared: dict[str, int] = dict.fromkeys(self.expected, 0)
        stood: set[str] = set()
        polls, wrong_up = 0, 0
        due = [(0.0, name) for name in self.readers]
        heapq.heapify(due)
        while due[0][0] < self.end_s:
            at_s, name = heapq.heappop(due)
            while self.moments and self.moments[0].at_s <= at_s:
                moment = heapq.heappop(self.moments)
                self._advance(moment.at_s)
                moment.act()
            self._advance(at_s)
            again = self._poll(name)
            polls += 1
            heapq.heappush(due, (at_s + (CONFIRM_S if again else POLL_S), name))
            now = {i for i, alarm in self.watch.alarms.items() if alarm.standing}
            now |= {f"card.{card}" for (card, _source), state in self.watch.cards.items() if state.unread}
            for key in now - stood:
                raised[key] = raised.get(key, 0) + 1
            for key in stood - now:
                cleared[key] = cleared.get(key, 0) + 1
            stood = now
            wrong_up += self._wrong_up(name)
        faults = sum(self.expected.values())
        return {
            "hours": self.end_s / 3600, "polls": polls, "faults": faults, "raised": sum(raised.values()),
            "cleared": sum(cleared.values()),
            "false": sum(max(0, raised[key] - self.expected.get(key, 0)) for key in raised),
            "missed": sum(max(0, count - raised[key]) for key, count in self.expected.items()),
            "stuck": len(stood), "wrong_up": wrong_up,
        }  # fmt: skip

    def _advance(self, at_s: float) -> None:
        elapsed_s = at_s - self.clock.monotonic_s()
        if elapsed_s > 0:
            self.clock.advance(elapsed_s)

    def _poll(self, name: str) -> bool:
        settings = next(card for card in self.watch.cards.values() if card.settings.id == name).settings
        try:
            return self.watch.take(settings, self.readers[name](), None)
        except ReaderError as error:
            return self.watch.take(settings, None, error)

    def _wrong_up(self, name: str) -> int:
        """Lines that the card's last reading calls up while their alarm is on."""
        bad = {f"gw:{i}" for i, span in self.gateway.spans.items() if span.alarms}
        bad |= {f"{n}:{p}" for n, card in self.consoles.items() for p, alarms in card.alarms.items() if alarms}
        return sum(line.up is True and line.line_id in bad for state in self.watch.cards.values()
                   if state.settings.id == name for line in state.lines.values())  # fmt: skip


def replace_spans(count: int) -> AgentData:
    """The shipped gateway with so many spans and no list of B channels (they say nothing about alarms)."""
    return msgspec.structs.replace(load_agent(), spans=tuple(range(1, count + 1)), bearers=0)


def run_day(*, seed: int = 1, hours: float = HOURS) -> dict[str, Any]:
    """One day; plain figures, with the processor time it took."""
    started = time.process_time()
    with tempfile.TemporaryDirectory(prefix="callbox-lines-") as folder:
        day = _Day(Path(folder), seed, hours)
        try:
            day.plan()
            found = day.run()
        finally:
            for card in day.consoles.values():
                card.unplug()
    return found | {"seed": seed, "cpu_s": round(time.process_time() - started, 1)}
