"""The pacing bench, on short days: our pacer in the simulated room, the other policies, the exact optimum."""

from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner

from appliance.bench import pacing
from appliance.bench.pacing import command, knowledge, optimum
from appliance.bench.pacing.policies import Callbox, Erlang, FixedRatio, Progressive, ViciDial
from appliance.bench.pacing.room import Policy, simulate
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
