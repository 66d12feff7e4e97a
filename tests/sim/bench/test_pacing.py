"""The pacing bench, on short days: our pacer in the simulated room, the other policies, the exact optimum."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import typer
from typer.testing import CliRunner

from appliance.bench import pacing
from appliance.bench.pacing import command, knowledge, levers, optimum
from appliance.bench.pacing.policies import Callbox, Erlang, FixedRatio, Progressive, ViciDial
from appliance.bench.pacing.room import Day, Policy, simulate
from appliance.bench.pacing.scenarios import SCENARIOS

pytestmark = pytest.mark.sim
HOUR_S = 3600.0


def test_our_pacer_keeps_the_limit_and_beats_one_line_an_agent_by_far() -> None:
    ours = simulate(SCENARIOS["base"], Callbox(0.03), seed=11, length_s=HOUR_S)
    plain = simulate(SCENARIOS["base"], Progressive(), seed=11, length_s=HOUR_S)
    assert plain.abandoned == 0.0
    assert ours.abandoned <= 0.03
    assert ours.utilisation > plain.utilisation + 0.15


def test_the_same_seed_gives_the_same_day() -> None:
    days = [simulate(SCENARIOS["breaks"], Callbox(0.01), seed=4, length_s=900.0) for _ in range(2)]
    assert days[0] == days[1]


@pytest.mark.parametrize("policy", [FixedRatio(1.5), ViciDial(0.03), Erlang()])
@pytest.mark.parametrize("scenario", ["drift", "seats_5"])
def test_every_policy_runs_a_morning(policy: Policy, scenario: str) -> None:
    day = simulate(SCENARIOS[scenario], policy, seed=3, length_s=HOUR_S)
    assert 0.3 < day.utilisation < 1.0
    assert 0.0 <= day.abandoned < 0.5


def test_a_day_with_more_seats_in_the_plan_brings_more_agents_and_they_leave_again() -> None:
    room = SCENARIOS["breaks"]
    seen: list[int] = []

    class Watching(Progressive):
        def decide(self, counts, now_s):  # type: ignore[no-untyped-def]
            seen.append(counts.ready + counts.busy)
            return super().decide(counts, now_s)

    simulate(room, Watching(), seed=1, length_s=3.2 * HOUR_S)
    assert max(seen) == 30
    assert min(seen[-100:]) <= 16


def test_the_optimum_of_a_small_room_rises_with_the_limit_and_needs_no_limit_at_no_price() -> None:
    tight, loose = (optimum.solve(2, 0.5, 60.0, limit).utilisation for limit in (0.01, 0.1))
    assert 0.5 < tight < loose < 0.9
    free, _ = optimum.Chain(2, 0.5, 60.0).solve(0.03, 0.0)
    assert loose < free < 1.0


def test_rows_and_the_command() -> None:
    row = command.one_row("seats_5", "fixed_ratio", 0.03, 5, length_s=1200.0)
    assert row.abandoned <= 0.03
    app = typer.Typer()
    app.callback()(lambda: None)
    pacing.register(app)
    found = CliRunner().invoke(app, ["pacing", "--cost"])
    assert json.loads(found.stdout)["in_flight"] == 200


def test_calibration_error_is_that_of_the_shares() -> None:
    told = [(0.25, n % 4 == 0) for n in range(100)] + [(0.75, n % 4 == 0) for n in range(100)]
    assert knowledge.calibration_error(told, bins=2) == pytest.approx(0.25)


def test_a_greeting_keeps_people_and_the_pacer_dials_more_for_it() -> None:
    room = SCENARIOS["base"]
    kept = replace(room, greeting_s=8.0)
    silent = simulate(room, Callbox(0.01), seed=21, length_s=2400.0)
    greeted = simulate(kept, Callbox(0.01, answer_within_s=10.0), seed=21, length_s=2400.0)
    assert greeted.utilisation > silent.utilisation
    assert 0.0 < greeted.waited < 1.0


def test_a_pacer_that_is_told_of_early_dispositions_learns_how_soon_a_talk_is_over_then() -> None:
    room = replace(SCENARIOS["base"], early_disposition=0.5)
    told, blind = Callbox(0.03), Callbox(0.03)
    for policy in (told, blind):
        simulate(replace(room, says_so=policy is told), policy, seed=31, length_s=1800.0)
    assert told.pacer.agents.known.value > 0.2
    assert told.pacer.agents.closing.seen > 50
    assert (blind.pacer.agents.known.value, blind.pacer.agents.closing.seen) == (0.0, 0.0)


def test_the_day_after_begins_with_what_was_learnt_and_a_whole_budget() -> None:
    first = Callbox(0.03)
    simulate(SCENARIOS["base"], first, seed=5, length_s=1800.0)
    second = Callbox(0.03, before=first.pacer)
    assert second.pacer.budget.people == 0
    assert second.pacer.factor.value == pytest.approx(first.pacer.factor.value)
    assert simulate(SCENARIOS["base"], second, seed=6, length_s=600.0).utilisation > 0.5


def test_the_bound_is_the_highest_threshold_that_keeps_the_limit() -> None:
    def run(theta: float) -> list[Day]:
        return [Day(0.9, theta, ((1000, round(1000 * theta)),), 3000)]

    theta, days = levers._highest(run, 0.03)
    assert 0.027 < theta <= 0.0305
    assert days[0].half_hours[0][1] <= 30
