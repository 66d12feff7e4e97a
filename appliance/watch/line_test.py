"""The line test at run time: the plan (`domain.line_test`), the instrument, figures with verdicts, and the book.

Used by the service `watch` for the web, by command line and console on their own: it needs neither bus nor database.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from typing import Any

from appliance.clock import Clock, SystemClock
from appliance.domain import line_test as plan
from appliance.domain.line_limits import Judged, judge, limits
from appliance.domain.line_test import Effect, Event, LineTest, NotNowError, State
from appliance.errors import BoxError, CallerError, NotFoundError
from appliance.home import Home
from appliance.ids import new_id
from appliance.logs import get_logger
from appliance.watch.box_key import BoxKey
from appliance.watch.line_test_book import Figure, Result, ResultBook, change
from drivers.instruments import models, simulator
from drivers.instruments.instrument import Instrument
from drivers.instruments.models import InstrumentProfile
from drivers.instruments.quantities import Quantity, Reading
from drivers.lines import ReaderError

_PAIR = re.compile(r"[\w][\w .:/+-]{0,39}")
_BELL_V, _BELL_WAIT_S = 40.0, 12.0
"""A bell pauses for up to 5 s; three turns of the usual 1 s on, 4 s off are waited for."""
_LEFT_S = 900.0
"""After this long without a word a test counts as left, and another may begin."""


@dataclass
class _Running:
    """A test under way and what it holds."""

    id: str
    pair: str
    by: str
    profile: InstrumentProfile
    instrument: Instrument
    test: LineTest
    lan: simulator.LanInstrument | None
    identity: str = ""
    figures: dict[str, list[Figure]] = field(default_factory=dict)
    trouble: dict[str, Any] = field(default_factory=dict)
    touched_s: float = 0.0

    def close(self) -> None:
        """Let go of the instrument."""
        self.instrument.close()
        if self.lan is not None:
            self.lan.stop()
            self.lan = None


class LineTester:
    """One test at a time. All methods may wait for the instrument; any thread."""

    def __init__(self, home: Home, clock: Clock | None = None) -> None:
        self._home, self._clock = home, clock or SystemClock()
        self._lock = threading.Lock()
        self._running: _Running | None = None
        self._log = get_logger()

    @property
    def book(self) -> ResultBook:
        """The results so far."""
        return ResultBook(self._home.line_tests, self.key)

    @property
    def key(self) -> BoxKey:
        """The box's key."""
        return BoxKey(self._home.box_key)

    def profiles(self) -> dict[str, InstrumentProfile]:
        """Instruments that are known. Raises CallerError `instrument.bad_profile`."""
        try:
            return models.load_all(self._home.instrument_profiles)
        except models.InstrumentProfileError as error:
            raise CallerError("instrument.bad_profile", str(error)) from error

    # ---- a test ------------------------------------------------------------------------------------------------

    def begin(
        self, pair: str, resource: str, *, by: str, profile_id: str = "scpi_meter", simulate: bool = False
    ) -> dict[str, Any]:
        """Open the instrument and show the first step. Raises CallerError and BoxError with what to do."""
        pair = pair.strip()
        if not _PAIR.fullmatch(pair):
            raise CallerError("line_test.pair", "Name the pair: letters, digits, blank and . : / + - (40 at most).")
        profile = self.profiles().get(profile_id)
        if profile is None:
            raise CallerError("instrument.bad_profile", f"There is no instrument profile '{profile_id[:40]}'.")
        steps = plan.PAIR if profile.kind == "meter" else plan.SPAN
        try:
            test = plan.begin(frozenset(profile.queries), steps)
        except NotNowError as error:
            raise CallerError(
                "instrument.empty_profile", f"{profile.id} has no commands yet: fill in its [queries] from the manual."
            ) from error
        with self._lock:
            self._make_room()
            lan = _simulated(profile) if simulate else None
            instrument = Instrument(lan.resource if lan else resource.strip(), profile)
            running = _Running(new_id(), pair, by, profile, instrument, test, lan)
            try:
                instrument.open()
            except ReaderError as error:
                running.close()
                raise BoxError(error.error_id, error.message, retryable=True) from error
            running.identity = instrument.identity
            running.touched_s = self._clock.monotonic_s()
            self._running = running
            self._log.info("line test begun", pair=pair, instrument=running.identity, simulated=simulate)
            return self._view(running)

    def _make_room(self) -> None:
        running = self._running
        if running is None:
            return
        if self._clock.monotonic_s() - running.touched_s < _LEFT_S:
            raise CallerError(
                "line_test.running", f"A test of {running.pair} is under way. End it first.", pair=running.pair
            )
        self._end(running)

    def act(self, test_id: str, event: str) -> dict[str, Any]:
        """Bring a person's event and carry out what follows. Raises CallerError `line_test.not_now`."""
        with self._lock:
            running = self._running
            if running is None or running.id != test_id:
                raise NotFoundError("line_test.unknown", "This test is over.")
            running.touched_s = self._clock.monotonic_s()
            if event not in running.test.may:
                raise CallerError("line_test.not_now", f"'{event[:20]}' does not fit here.", event=event[:20])
            running.trouble = {}
            self._go(running, Event(event))
            view = self._view(running)
            if running.test.state in plan.FINAL:
                view["kept"] = self._end(running)
            return view

    def _go(self, running: _Running, event: Event | None) -> None:
        """Events follow each other until a person is asked."""
        while event is not None:
            before = running.test
            running.test, effect = plan.advance(before, event)
            self._log.debug(
                "line test", pair=running.pair, step=before.step.id,
                went=f"{before.state} --{event}--> {running.test.state}",
            )  # fmt: skip
            try:
                event = self._carry_out(running, effect)
            except ReaderError as error:
                self._log.info("no figure", pair=running.pair, step=running.test.step.id, error_id=error.error_id)
                running.trouble = {"error_id": error.error_id, "message": error.message}
                event = Event.FAILED

    def _carry_out(self, running: _Running, effect: Effect) -> Event | None:
        step = running.test.step
        if effect is Effect.NOTHING:
            return None
        running.instrument.open()  # a fault has closed it; a late answer can then not be taken for this one
        if effect is Effect.CHECK:
            found = {name: self._measure(running, Quantity(name)).value for name in step.checks}
            if plan.is_quiet(found):
                return Event.QUIET
            running.trouble = {"text": "line_test.live", "found": _volts(found)}
            return Event.LIVE
        readings: list[Reading] = []
        for quantity in (Quantity(name) for name in step.quantities):
            if step.dangerous:
                running.instrument.permit(quantity)
            if quantity is Quantity.RING_V:
                self._play(running, quantity)
                readings += running.instrument.measure_ring(_BELL_V, _BELL_WAIT_S, self._clock.monotonic_s)
            elif quantity is not Quantity.RING_HZ:  # comes with the ring's voltage
                readings.append(self._measure(running, quantity))
        running.figures[step.id] = _figures(step.id, readings)
        return Event.MEASURED

    def _measure(self, running: _Running, quantity: Quantity) -> Reading:
        self._play(running, quantity)
        return running.instrument.measure(quantity)

    def _play(self, running: _Running, quantity: Quantity) -> None:
        if running.lan is not None:
            running.lan.brain.scene.play(quantity)

    def _end(self, running: _Running) -> bool:
        """Let go; keep what was measured. Returns whether there is a result."""
        self._running = None
        running.close()
        figures = tuple(figure for step in running.test.steps for figure in running.figures.get(step.id, ()))
        if not figures:
            return False
        result = Result(
            id=running.id, pair=running.pair, at_unix_s=self._clock.now().timestamp(), by=running.by,
            resource=running.instrument.name, instrument=running.identity, profile=running.profile.id,
            simulated=running.profile.id.startswith("sim_") or running.identity.startswith("Callbox Sim"),
            complete=all(step.id in running.figures for step in running.test.steps),
            limits_version=limits().version, steps=tuple(step.id for step in running.test.steps), figures=figures,
        )  # fmt: skip
        self.book.add(result)
        self._log.info("line test kept", pair=result.pair, verdict=result.verdict, complete=result.complete)
        return True

    def close(self) -> None:
        """End a running test (the service stops); what was measured is kept."""
        with self._lock:
            if self._running is not None:
                self._end(self._running)

    # ---- showing -----------------------------------------------------------------------------------------------

    def show(self, pair: str = "") -> dict[str, Any]:
        """{running, results, profiles} as plain values."""
        results = self.book.results(pair.strip())
        running = self._running
        return {
            "running": self._view(running) if running is not None else None,
            "results": [result_as_dict(result, results) for result in results[:50]],
            "profiles": [
                {"id": profile.id, "name": f"{profile.make} {profile.model}", "kind": profile.kind}
                for profile in self.profiles().values() if profile.queries
            ],
        }  # fmt: skip

    def _view(self, running: _Running) -> dict[str, Any]:
        step = running.test.step
        return {
            "id": running.id, "pair": running.pair, "resource": running.instrument.name,
            "instrument": running.identity, "simulated": running.lan is not None, "state": running.test.state.value,
            "step": step.id, "picture": step.picture_at(running.test.state).value, "dangerous": step.dangerous,
            "number": min(running.test.at + 1, len(running.test.steps)), "of": len(running.test.steps),
            "may": [event.value for event in running.test.may], "trouble": running.trouble,
            "figures": [figure_as_dict(figure) for figure in running.figures.get(step.id, ())],
            "done": [
                figure_as_dict(figure) for one in running.test.steps for figure in running.figures.get(one.id, ())
            ],
        }  # fmt: skip


def figure_as_dict(figure: Figure) -> dict[str, Any]:
    """A figure as plain values, and as a person reads it."""
    return {
        "step": figure.step, "quantity": figure.quantity, "value": figure.value, "unit": figure.unit,
        "shown": shown(figure.quantity, figure.value, figure.unit), "verdict": figure.verdict.value,
        "reason": figure.reason, "source": figure.source,
    }  # fmt: skip


def result_as_dict(result: Result, all_results: list[Result]) -> dict[str, Any]:
    """A result as plain values, each figure with its change against earlier visits (`change`: fraction or None)."""
    figures = []
    for figure in result.figures:
        earlier = [
            old.number for visit in all_results
            if visit.pair == result.pair and visit.at_unix_s < result.at_unix_s and visit.simulated == result.simulated
            for old in visit.figures if old.quantity == figure.quantity
        ]  # fmt: skip
        moved = None if figure.quantity == "polarity" else change(earlier, figure.number)
        figures.append(figure_as_dict(figure) | {"change": moved})
    return {
        "id": result.id, "pair": result.pair, "at_unix_s": result.at_unix_s, "by": result.by,
        "instrument": result.instrument, "simulated": result.simulated, "complete": result.complete,
        "verdict": result.verdict.value, "figures": figures,
    }  # fmt: skip


def shown(quantity: str, value: float | None, unit: str) -> str:
    """A figure with its unit: `-48.1 V`, `42 Mohm`, `> range`."""
    if quantity == "polarity":
        return "" if value is None else ("-" if value < 0 else "+")
    if value is None:
        return "> range"
    for scale, prefix in ((1e6, "M"), (1e3, "k")):
        if unit == "ohm" and abs(value) >= scale:
            return f"{value / scale:.3g} {prefix}{unit}"
    return f"{value:.3g} {unit}".rstrip()


def _figures(step: str, readings: list[Reading]) -> list[Figure]:
    found = []
    for reading in readings:
        names = [reading.quantity.value]
        if reading.quantity is Quantity.ON_HOOK_V:
            names.append("polarity")
        for name in names:
            judged: Judged = judge(name, reading.value)
            value = None if reading.over_range else reading.value
            found.append(
                Figure(
                    step, name, value, limits().quantities[name].unit, judged.verdict, judged.reason, judged.source
                )
            )
    return found


def _volts(found: dict[str, float]) -> str:
    return ", ".join(f"{abs(value):.3g} V {'AC' if name == 'stray_ac_v' else 'DC'}" for name, value in found.items())


def _simulated(profile: InstrumentProfile) -> simulator.LanInstrument:
    brain = simulator.meter_brain() if profile.kind == "meter" else simulator.tester_brain()
    lan = simulator.LanInstrument(brain)
    lan.start()
    return lan


IS_FINAL = frozenset(state.value for state in plan.FINAL)
"""States in which nothing more is asked."""
SAFETY = State.SAFETY.value
