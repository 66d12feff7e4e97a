"""The plan of a line test as a pure state machine: what the technician does, says yes to, and what is measured when.

Milliamperes and ohms are measured only after two things: the meter, still on volts across the pair, has seen that no
bell (for ohms: no exchange) is on it, and the technician has said that the leads are moved. There is no other way into
`MEASURING` for such a step; a repetition begins at the probes again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

QUIET_AC_V = 10.0
"""No bell: Fluke TS52/TS54 and the pair's own hum stay well below; a bell is 40 V and more."""
QUIET_DC_V = 3.0
"""No exchange on the pair: ohms would read nonsense and a meter may be harmed."""


class Picture(StrEnum):
    """Where the probes go."""

    ACROSS = "across"  # volts across the pair
    SERIES = "series"  # milliamperes in wire b, opened
    CLEARED = "cleared"  # volts across the pair, exchange and port taken off
    ISOLATED = "isolated"  # ohms there
    E1 = "e1"  # the tester's receiver on the span's monitor point


@dataclass(frozen=True, slots=True)
class Step:
    """One measurement of the plan. Its words: `line_test.step.<id>`, before a dangerous one `line_test.safety.<id>`."""

    id: str
    quantities: tuple[str, ...]
    picture: Picture
    checks: tuple[str, ...] = ()
    """Looked at with the meter on volts before a dangerous step."""
    check_picture: Picture = Picture.ACROSS

    @property
    def dangerous(self) -> bool:
        """Whether it needs checks and a yes."""
        return bool(self.checks)

    def picture_at(self, state: State) -> Picture:
        """Where the probes belong in a state: a dangerous step begins on volts."""
        return self.check_picture if self.dangerous and state in (State.PROBES, State.CHECKING) else self.picture


PAIR = (
    Step("on_hook", ("on_hook_v",), Picture.ACROSS),
    Step("ring", ("ring_v", "ring_hz"), Picture.ACROSS),
    Step("off_hook", ("off_hook_v",), Picture.ACROSS),
    Step("insulation", ("insulation_ohm",), Picture.ISOLATED, ("stray_ac_v", "stray_dc_v"), Picture.CLEARED),
    Step("current", ("loop_ma",), Picture.SERIES, ("stray_ac_v",)),
)
"""Current comes last: only then does a lead leave the volts socket, so no check ever looks through the mA socket."""
SPAN = (
    Step("ber", ("ber",), Picture.E1),
    Step("slips", ("slips",), Picture.E1),
    Step("offset", ("offset_ppm",), Picture.E1),
)


class State(StrEnum):
    """Where the test is."""

    PROBES = "probes"  # the technician puts the probes where the picture shows
    CHECKING = "checking"  # the meter looks for voltages that must not be there
    SAFETY = "safety"  # the technician is asked
    MEASURING = "measuring"
    SHOWN = "shown"  # figures and verdict
    TROUBLE = "trouble"  # no figure: the reason is shown
    DONE = "done"
    ABORTED = "aborted"


class Event(StrEnum):
    """What can happen."""

    READY = "ready"  # the probes are there
    YES = "yes"  # leads moved, measure
    NO = "no"
    QUIET = "quiet"  # the check found nothing
    LIVE = "live"  # the check found a voltage
    MEASURED = "measured"
    FAILED = "failed"
    AGAIN = "again"
    NEXT = "next"
    SKIP = "skip"
    ABORT = "abort"


FINAL = frozenset({State.DONE, State.ABORTED})
ASKS_PERSON = frozenset({State.PROBES, State.SAFETY, State.SHOWN, State.TROUBLE})
PERSON = frozenset({Event.READY, Event.YES, Event.NO, Event.AGAIN, Event.NEXT, Event.SKIP, Event.ABORT})
"""Events that a person may bring; the others come from the meter."""


class _To(StrEnum):
    """Targets that depend on the step."""

    MEASURE = "measure"
    REPEAT = "repeat"
    ON = "on"


_TABLE: dict[tuple[State, Event], State | _To] = {
    (State.PROBES, Event.READY): _To.MEASURE,
    (State.PROBES, Event.SKIP): _To.ON,
    (State.CHECKING, Event.QUIET): State.SAFETY,
    (State.CHECKING, Event.LIVE): State.TROUBLE,
    (State.CHECKING, Event.FAILED): State.TROUBLE,
    (State.SAFETY, Event.YES): State.MEASURING,
    (State.SAFETY, Event.NO): State.PROBES,
    (State.MEASURING, Event.MEASURED): State.SHOWN,
    (State.MEASURING, Event.FAILED): State.TROUBLE,
    (State.SHOWN, Event.AGAIN): _To.REPEAT,
    (State.SHOWN, Event.NEXT): _To.ON,
    (State.TROUBLE, Event.AGAIN): _To.REPEAT,
    (State.TROUBLE, Event.SKIP): _To.ON,
    **{(state, Event.ABORT): State.ABORTED for state in State if state not in FINAL},
}


class Effect(StrEnum):
    """What is to be done now."""

    CHECK = "check"  # measure the step's checks
    MEASURE = "measure"  # measure its quantities
    NOTHING = "nothing"


class NotNowError(ValueError):
    """The event does not fit the state."""


@dataclass(frozen=True, slots=True)
class LineTest:
    """A test under way; `at` counts steps from 0."""

    steps: tuple[Step, ...]
    at: int = 0
    state: State = State.PROBES

    @property
    def step(self) -> Step:
        """The step it is at (the last one when it is over)."""
        return self.steps[min(self.at, len(self.steps) - 1)]

    @property
    def may(self) -> tuple[Event, ...]:
        """What a person can do now, in the order of the table."""
        return tuple(event for state, event in _TABLE if state is self.state and event in PERSON)


def begin(offered: frozenset[str], plan: tuple[Step, ...]) -> LineTest:
    """A test of the steps that the instrument can do. Raises NotNowError when it can do none."""
    steps = tuple(step for step in plan if {*step.quantities, *step.checks} <= offered)
    if not steps:
        raise NotNowError("the instrument measures nothing of this plan")
    return LineTest(steps)


def advance(test: LineTest, event: Event) -> tuple[LineTest, Effect]:
    """The test after an event, and what is to be done. Raises NotNowError for an event that does not fit."""
    target = _TABLE.get((test.state, event))
    if target is None:
        raise NotNowError(f"{event} does not fit {test.state}")
    if target is _To.ON:
        over = test.at + 1 == len(test.steps)
        return replace(test, at=test.at + 1, state=State.DONE if over else State.PROBES), Effect.NOTHING
    if target is _To.REPEAT:
        target = State.PROBES if test.step.dangerous or test.state is State.TROUBLE else State.MEASURING
    elif target is _To.MEASURE:
        target = State.CHECKING if test.step.dangerous else State.MEASURING
    effect = {State.CHECKING: Effect.CHECK, State.MEASURING: Effect.MEASURE}.get(State(target), Effect.NOTHING)
    return replace(test, state=State(target)), effect


def is_quiet(found: dict[str, float]) -> bool:
    """Whether a check found no voltage that forbids to go on; a missing or strange figure forbids it too."""
    allowed = {"stray_ac_v": QUIET_AC_V, "stray_dc_v": QUIET_DC_V}
    return bool(found) and all(abs(value) <= allowed[name] for name, value in found.items())
