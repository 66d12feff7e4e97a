"""What a pace is foretold to do against what it does in a simulated room."""

from __future__ import annotations

import pytest

from appliance.bench.pacing.policies import Callbox
from appliance.bench.pacing.room import simulate
from appliance.bench.pacing.scenarios import Scenario
from appliance.domain.pacing import AgentState, Pacer, PacerConfig
from appliance.domain.pacing_outlook import Expected, Unknown, expected

pytestmark = pytest.mark.unit
ROOM = Scenario("thirty agents")
HOUR_S = 3600.0


@pytest.fixture(scope="module")
def learnt() -> Pacer:
    policy = Callbox(0.03)
    simulate(ROOM, policy, seed=1, length_s=0.6 * HOUR_S)
    return policy.pacer


def _told(pacer: Pacer, **config: float | int | None) -> Expected:
    found = expected(pacer, PacerConfig(**{"abandoned_limit": 0.03, **config}))  # type: ignore[arg-type]
    assert isinstance(found, Expected)
    return found


@pytest.mark.parametrize("config", [{"abandoned_limit": 0.1}, {"max_lines": 30}])
def test_the_room_does_what_was_foretold(learnt: Pacer, config: dict[str, float]) -> None:
    told = _told(learnt, **config)
    policy = Callbox(config.get("abandoned_limit", 0.03), before=learnt)
    policy.pacer.reconfigure(PacerConfig(**{"abandoned_limit": 0.03, **config}))  # type: ignore[arg-type]
    day = simulate(ROOM, policy, seed=2, length_s=0.5 * HOUR_S)
    assert told.utilisation == pytest.approx(day.utilisation, abs=0.08)
    assert day.abandoned <= told.abandoned + 0.02


def test_more_leave_is_more_work_and_fewer_lines_are_less(learnt: Pacer) -> None:
    tight, usual, loose = (_told(learnt, abandoned_limit=limit) for limit in (0.005, 0.03, 0.1))
    assert tight.utilisation < usual.utilisation < loose.utilisation
    few = _told(learnt, max_lines=20)
    assert few.bound == "lines"
    assert few.utilisation < usual.utilisation
    assert few.abandoned < usual.abandoned


def test_what_it_cannot_know_it_does_not_say(learnt: Pacer) -> None:
    new = Pacer()
    assert expected(new, new.config) is Unknown.NO_AGENTS
    new.observe(AgentState("a1", "ready", 0.0))
    assert expected(new, new.config) is Unknown.TOO_FEW_CALLS
    assert isinstance(expected(learnt, learnt.config, agents=10), Expected)
