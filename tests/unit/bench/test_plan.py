"""Dial plan, behaviours and report: data in, data out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from appliance.bench.behaviours import BEHAVIOURS
from appliance.bench.plan import DEFAULT_MIX, DialPlan, NumberPlan, load_plan, national, save_plan, with_shares
from appliance.bench.players import Playlist, Talker, frames_of
from appliance.bench.report import AttemptRow, ImportFigures, RecordingRow, make_report, percentiles
from appliance.bench.room import AgentSpec, PhoneSpec, RoomPlan, load_room, phone_address, save_room
from appliance.errors import CallerError
from appliance.settings import Home

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("written", "digits"),
    [
        ("+8613800138000", "13800138000"), ("008613800138000", "13800138000"), ("013800138000", "13800138000"),
        ("13800138000", "13800138000"), ("+861012345678", "1012345678"), ("01012345678", "1012345678"),
        ("+447400123456", "447400123456"), ("00447400123456", "447400123456"), ("86 138 0013 8000", "13800138000"),
    ],
)  # fmt: skip
def test_one_number_in_all_spellings(written: str, digits: str) -> None:
    assert national(written) == digits


def test_mix_covers_all_last_digits_and_only_known_behaviours() -> None:
    plan = DialPlan()
    assert sum(DEFAULT_MIX.values()) == 100
    assert set(DEFAULT_MIX) <= set(BEHAVIOURS)
    found = [plan.behaviour_of_digits(n) for n in range(100)]
    assert {name: found.count(name) for name in DEFAULT_MIX} == DEFAULT_MIX


def test_same_number_same_plan_and_listed_numbers_win() -> None:
    plan = DialPlan(seed=4, numbers={"13800138000": NumberPlan(behaviour="fax")})
    assert plan.of("+8613900139007") == plan.of("013900139007")
    assert plan.of("+8613800138000").behaviour == "fax"
    assert DialPlan(seed=5).of("13900139007").ring_s != plan.of("13900139007").ring_s


@pytest.mark.parametrize("count", [9, 30, 54, 153, 1000])
def test_listed_numbers_meet_the_shares(count: int) -> None:
    numbers = [f"+86138{n:08d}" for n in range(count)]
    plan = with_shares(DialPlan(seed=2), numbers)
    found = [plan.of(number).behaviour for number in numbers]
    assert len(found) == count
    assert abs(found.count("human") - 0.42 * count) <= 10
    if count >= 54:
        assert set(found) == set(DEFAULT_MIX)


def test_plans_survive_their_files(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.make()
    plan = DialPlan(seed=9, numbers={"1": NumberPlan(behaviour="busy")})
    save_plan(home, plan)
    assert load_plan(home.bench / "plan.json") == plan
    room = RoomPlan(
        phones=[PhoneSpec(seat_id="s01", password="x", address=phone_address(0))],
        agents=[AgentSpec(agent_id="a", seat_id="s01")],
    )
    assert load_room(home) == RoomPlan()
    save_room(home, room)
    assert load_room(home) == room
    (home.bench / "plan.json").write_text("{")
    (home.bench / "room.json").write_text('{"phones": 3}')
    with pytest.raises(CallerError):
        load_plan(home.bench / "plan.json")
    with pytest.raises(CallerError):
        load_room(home)


def test_every_behaviour_ends_somehow() -> None:
    for name, row in BEHAVIOURS.items():
        assert bool(row.release) + bool(row.answer) + bool(row.fault) == 1, name


def frames(source: Playlist | Talker, count: int) -> list[bytes]:
    return [source.next_frame() for _ in range(count)]


def test_playlist_plays_once_or_for_ever() -> None:
    sound, idle = b"\x01" * 200, b"\x02" * 160
    assert frames(Playlist([sound], idle=idle), 4) == [*frames_of(sound), idle, idle]
    assert frames(Playlist([sound], repeat=True), 5) == [*frames_of(sound)] * 2 + [frames_of(sound)[0]]


def test_talker_repeats_hello_until_somebody_speaks_then_takes_turns() -> None:
    hello, line, bed = b"\x11" * 160, b"\x22" * 160, b"\x33" * 160
    talker = Talker([hello], [line], bed=bed, delay_s=0.1, repeat_s=0.4, hellos_max=3, turn_gap_s=0.2)
    alone = frames(talker, 100)
    assert alone.count(hello) == 3
    assert alone.index(hello) == 6  # 0.1 s of delay, one frame to decide
    assert line not in alone
    for _ in range(40):  # the other side speaks
        talker.hear(20.0)
        assert talker.next_frame() == bed
    assert line in frames(talker, 15), "answers when the other side is quiet"
    assert talker.other_spoke


NOW = datetime(2026, 1, 1, tzinfo=UTC)


def attempt(number: str, outcome: str | None, *, answered: bool = False, bridged: bool = False) -> AttemptRow:
    return AttemptRow(
        id=f"a{number}", number=number, outcome=outcome, originated=True, answered_at=NOW if answered else None,
        verdict_at=NOW + timedelta(seconds=2) if answered else None,
        bridged_at=NOW + timedelta(seconds=2.5) if bridged else None, abandoned=False,
    )  # fmt: skip


def call(number: str, truth: str, call_id: str) -> dict[str, Any]:
    return {"number": national(number), "truth": truth, "call_id": call_id}


def test_report_counts_from_rows_and_truth() -> None:
    attempts = [
        attempt("+8613800138001", "human", answered=True, bridged=True),
        attempt("+8613800138002", "unknown", answered=True),
        attempt("+8613800138003", "busy"),
        attempt("+8613800138004", None),
    ]
    truth = [
        call("13800138001", "human", "c1"), call("13800138002", "machine", "c2"),
        call("13800138003", "busy", "c3"), call("13800138003", "busy", "c3"),  # second gateway, same call
    ]  # fmt: skip
    report = make_report(
        ImportFigures(6, 1, 1, {"empty": 1}), attempts, [RecordingRow("a+8613800138001", True)], truth,
        attempts_max=1, elapsed_s=12.34,
    )  # fmt: skip
    assert report["confusion"] == {
        "busy": {"busy": 1}, "human": {"human": 1}, "machine": {"unknown": 1}, "never_reached_exchange": {"none": 1},
    }  # fmt: skip
    assert (report["dialled"], report["live_answers"], report["connected"]) == (4, 2, 1)
    assert report["lost"] == 2, "one attempt without outcome, one conversation without recording"
    assert report["double_dialled"] == 0
    assert report["verdict_s"] == {"p50": 2.0, "p95": 2.0}
    assert report["verdict_to_agent_s"]["p50"] == 0.5
    assert report["recordings"] == {"written": 1, "verified": 1}


def test_numbers_dialled_twice_are_found_on_both_sides() -> None:
    figures = ImportFigures(1, 0, 0, {})
    one = [attempt("+8613800138001", "busy")]
    twice_outside = [call("13800138001", "busy", "c1"), call("13800138001", "busy", "c2")]
    assert make_report(figures, one, [], twice_outside, attempts_max=1, elapsed_s=1)["double_dialled"] == 1
    assert make_report(figures, one * 2, [], twice_outside, attempts_max=1, elapsed_s=1)["double_dialled"] == 1
    refused = replace(one[0], id="r", outcome="cancelled", originated=False)
    once = twice_outside[:1]
    assert make_report(figures, [refused, *one], [], once, attempts_max=1, elapsed_s=1)["double_dialled"] == 0
    assert make_report(figures, one * 2, [], twice_outside, attempts_max=2, elapsed_s=1)["double_dialled"] == 0
    stranger = [call("13900139000", "human", "c9")]
    assert make_report(figures, [], [], stranger, attempts_max=1, elapsed_s=1)["double_dialled"] == 1


def test_percentiles() -> None:
    assert percentiles([]) == {"p50": None, "p95": None}
    assert percentiles([float(n) for n in range(100)]) == {"p50": 50.0, "p95": 95.0}
