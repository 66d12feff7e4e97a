"""Safe control: refused in use, read back, undone, and released in time also after a crash; counters that wrap."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from drivers.control import GuardedControl
from drivers.counting import Window, grown
from drivers.lines import ReaderError, Verb
from drivers.protocols import Arg
from drivers.releases import Release, Releases

pytestmark = pytest.mark.unit
LINE = "card:1"


@dataclass
class FakeEquipment:
    """A line that loops and has a framing."""

    calls: int | None = 0
    deaf: bool = False
    broken_after: int = 1_000
    state: dict[str, str] = field(default_factory=lambda: {"loop": "none", "framing": "crc4"})
    said: list[str] = field(default_factory=list)

    def verbs(self, line_id: str) -> frozenset[Verb]:
        return frozenset({Verb.LOOP_LINE, Verb.LOOP_OFF, Verb.SET_FRAMING, Verb.BERT_READ} if line_id == LINE else ())

    def current(self, line_id: str, verb: Verb, args: dict[str, Arg]) -> str:
        return self.state["framing" if verb is Verb.SET_FRAMING else "loop"]

    def wanted(self, line_id: str, verb: Verb, args: dict[str, Arg]) -> str | None:
        return {Verb.LOOP_LINE: "line", Verb.LOOP_OFF: "none"}.get(verb, str(args.get("value")))

    def apply(self, line_id: str, verb: Verb, args: dict[str, Arg]) -> None:
        self.said.append(verb)
        if len(self.said) > self.broken_after:
            raise ReaderError("line.port_gone", "unplugged")
        if not self.deaf:
            name = "framing" if verb is Verb.SET_FRAMING else "loop"
            self.state[name] = str(self.wanted(line_id, verb, args))

    def undo(self, line_id: str, verb: Verb, args: dict[str, Arg], before: str) -> tuple[Verb, dict[str, Arg]] | None:
        return (Verb.SET_FRAMING, {"value": before}) if verb is Verb.SET_FRAMING else (Verb.LOOP_OFF, {})

    def in_use(self, line_id: str) -> int | None:
        return self.calls


@dataclass
class Clock:
    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


def make(tmp_path: Path, equipment: FakeEquipment, clock: Clock | None = None) -> GuardedControl:
    return GuardedControl(equipment, Releases(tmp_path / "releases.json"), wall=clock or Clock())


def test_a_change_is_read_back(tmp_path: Path) -> None:
    change = make(tmp_path, FakeEquipment()).do(LINE, Verb.SET_FRAMING, value="plain")
    assert (change.before, change.after, change.verified) == ("crc4", "plain", True)


@pytest.mark.parametrize("calls", [3, None])
def test_a_line_that_carries_calls_is_left_alone_unless_forced(tmp_path: Path, calls: int | None) -> None:
    equipment = FakeEquipment(calls=calls)
    with pytest.raises(ReaderError) as caught:
        make(tmp_path, equipment).do(LINE, Verb.LOOP_LINE)
    assert caught.value.error_id == "line.in_use"
    assert not equipment.said
    assert make(tmp_path, equipment).do(LINE, Verb.LOOP_LINE, force=True).verified


def test_what_did_not_take_is_an_error_and_the_old_state_stands(tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match=r"did not take.*is back") as caught:
        make(tmp_path, FakeEquipment(deaf=True)).do(LINE, Verb.SET_FRAMING, value="plain")
    assert caught.value.error_id == "line.change_not_taken"


def test_equipment_that_dies_in_mid_change_says_that_nothing_is_known(tmp_path: Path) -> None:
    equipment = FakeEquipment(broken_after=0)
    equipment.state["loop"] = "none"
    with pytest.raises(ReaderError, match="unplugged"):
        make(tmp_path, equipment).do(LINE, Verb.LOOP_LINE)


def test_a_verb_without_words_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReaderError) as caught:
        make(tmp_path, FakeEquipment()).do(LINE, Verb.RESTART)
    assert caught.value.error_id == "line.verb_unknown"


@pytest.mark.parametrize("seconds", [0, 4000, "soon", float("nan")])
def test_a_test_has_a_time_limit(tmp_path: Path, seconds: Arg) -> None:
    with pytest.raises(ReaderError) as caught:
        make(tmp_path, FakeEquipment()).do(LINE, Verb.LOOP_LINE, seconds=seconds)
    assert caught.value.error_id == "line.bad_argument"


def test_a_loop_ends_in_time(tmp_path: Path) -> None:
    clock, equipment = Clock(), FakeEquipment()
    control = make(tmp_path, equipment, clock)
    control.do(LINE, Verb.LOOP_LINE, seconds=30)
    clock.now += 29
    assert control.release_due() == ()
    clock.now += 1
    assert control.release_due() == (LINE,)
    assert equipment.state["loop"] == "none"
    assert control.release_due() == ()


def test_a_loop_ends_in_time_after_a_crash(tmp_path: Path) -> None:
    clock, equipment = Clock(), FakeEquipment()
    make(tmp_path, equipment, clock).do(LINE, Verb.LOOP_LINE, seconds=30)
    clock.now += 31
    assert make(tmp_path, equipment, clock).release_due() == (LINE,)


def test_a_crash_before_the_equipment_answered_still_ends_the_loop(tmp_path: Path) -> None:
    Releases(tmp_path / "releases.json").note(Release(LINE, Verb.LOOP_OFF, {}, 900.0, 30.0))
    equipment = FakeEquipment()
    equipment.state["loop"] = "line"
    assert make(tmp_path, equipment).release_due() == (LINE,)
    assert equipment.state["loop"] == "none"


def test_a_clock_set_back_does_not_lengthen_a_loop(tmp_path: Path) -> None:
    clock, equipment = Clock(), FakeEquipment()
    control = make(tmp_path, equipment, clock)
    control.do(LINE, Verb.LOOP_LINE, seconds=30)
    clock.now -= 86_400
    assert control.release_due() == (LINE,)


def test_a_release_that_fails_is_tried_again(tmp_path: Path) -> None:
    clock, equipment = Clock(), FakeEquipment()
    control = make(tmp_path, equipment, clock)
    control.do(LINE, Verb.LOOP_LINE, seconds=30)
    clock.now += 60
    equipment.broken_after = 0
    assert control.release_due() == ()
    equipment.broken_after = 1_000
    assert control.release_due() == (LINE,)


def test_a_loop_taken_off_by_hand_needs_no_release(tmp_path: Path) -> None:
    clock, equipment = Clock(), FakeEquipment()
    control = make(tmp_path, equipment, clock)
    control.do(LINE, Verb.LOOP_LINE, seconds=30)
    control.do(LINE, Verb.LOOP_OFF)
    clock.now += 60
    assert control.release_due() == ()


def test_notes_that_cannot_be_read_are_kept_and_reported_once(tmp_path: Path) -> None:
    path = tmp_path / "releases.json"
    path.write_text("{half", encoding="utf-8")
    with pytest.raises(ReaderError) as caught:
        Releases(path).open()
    assert caught.value.error_id == "line.releases_lost"
    assert (tmp_path / "releases.unreadable").read_text(encoding="utf-8") == "{half"
    assert Releases(path).open() == ()


@pytest.mark.parametrize(("before", "now", "by"), [(5, 9, 4), (5, 5, 0), (2**32 - 3, 4, 7), (1_000, 4, 4)])
def test_counters_grow_wrap_and_begin_again(before: int, now: int, by: int) -> None:
    assert grown(before, now) == by


def test_a_new_quarter_of_an_hour_begins_at_nothing() -> None:
    window = Window()
    assert window.add({"es": 100}, 900.0) == ({"es": 0}, 0.0)
    assert window.add({"es": 103}, 1_000.0) == ({"es": 3}, 100.0)
    assert window.add({"es": 104}, 1_801.0) == ({"es": 1}, 1.0)
