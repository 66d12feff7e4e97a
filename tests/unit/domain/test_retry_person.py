"""Retries that know the person: other numbers, caps by outcome, hours, numbers that rest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from appliance.domain.best_hour import HourTable
from appliance.domain.campaign import ALL_DAY, CampaignConfig
from appliance.domain.retry import LeadChange, Person, PersonNumber, after_attempt, with_person
from appliance.types import LeadState, NumberState, Outcome

pytestmark = pytest.mark.unit

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)
RETIRED, PARKED = NumberState.RETIRED, NumberState.PARKED


def _next(
    outcome: str, numbers: list[PersonNumber], *, outcomes: dict[str, int] | None = None, suspected: bool = False,
    before: int = 0, **settings: Any,
) -> LeadChange:  # fmt: skip
    config = CampaignConfig(calling_hours=ALL_DAY, **settings)
    word = Outcome(outcome)
    change = after_attempt(config, word, dialled=True, connected=False, attempts_before=before, now=NOW)
    person = Person("l1", numbers[0].number, numbers, outcomes or {outcome: 1}, suspected=suspected)
    return with_person(config, change, word, person, hours=HourTable(), box_zone="Asia/Shanghai", now=NOW)


def _wait_s(change: LeadChange) -> float:
    assert change.next_attempt_at is not None
    return (change.next_attempt_at - NOW).total_seconds()


def test_nobody_there_leads_to_the_next_number_soon() -> None:
    change = _next("no_answer", [PersonNumber("+1", attempts=1), PersonNumber("+2")])
    assert (change.state, change.number, _wait_s(change)) == (LeadState.WAITING, "+2", 900)


def test_after_a_round_the_wait_is_the_campaigns_and_the_hour_is_looked_for() -> None:
    change = _next("no_answer", [PersonNumber("+2", attempts=1), PersonNumber("+1", attempts=1)])
    assert change.number == "+2"
    assert 2 * 3600 <= _wait_s(change) <= 26 * 3600
    plain = _next("no_answer", [PersonNumber("+2", attempts=1)], best_hour=False)
    assert _wait_s(plain) == 2 * 3600


def test_a_busy_line_is_tried_again_itself() -> None:
    change = _next("busy", [PersonNumber("+1", attempts=1), PersonNumber("+2")])
    assert (change.number, _wait_s(change)) == ("+1", 600)


def test_other_numbers_may_be_left_alone() -> None:
    numbers = [PersonNumber("+1", attempts=1), PersonNumber("+2")]
    assert _next("no_answer", numbers, other_numbers=False, best_hour=False).number == "+1"


@pytest.mark.parametrize(("numbers", "state", "number"), [
    ([PersonNumber("+1", RETIRED, attempts=2)], "retired", None),
    ([PersonNumber("+1", RETIRED, attempts=2), PersonNumber("+2", attempts=3)], "waiting", "+2"),
    ([PersonNumber("+1", RETIRED, attempts=2), PersonNumber("+2", type="wrong")], "retired", None),
    ([PersonNumber("+1", RETIRED, attempts=2), PersonNumber("+2", PARKED, NOW + timedelta(days=5))], "waiting", "+2"),
    ([PersonNumber("+1", PARKED, NOW + timedelta(days=7), attempts=1)], "waiting", "+1"),
])  # fmt: skip
def test_a_dead_number_gives_way(numbers: list[PersonNumber], state: str, number: str | None) -> None:
    change = _next("vacant", numbers)
    assert (change.state, change.number) == (state, number)


def test_a_parked_person_waits_for_the_first_number_that_comes_back() -> None:
    change = _next("out_of_service", [
        PersonNumber("+1", PARKED, NOW + timedelta(days=7)), PersonNumber("+2", PARKED, NOW + timedelta(days=2)),
    ])  # fmt: skip
    assert (change.number, change.next_attempt_at) == ("+2", NOW + timedelta(days=2))


def test_a_suspicion_is_asked_again_on_another_day() -> None:
    change = _next("vacant", [PersonNumber("+1", attempts=1)], suspected=True)
    assert 24 * 3600 <= _wait_s(change) <= 48 * 3600


def test_caps_by_outcome() -> None:
    numbers = [PersonNumber("+1", attempts=2)]
    limit = {Outcome.REJECTED: 2}
    assert _next("rejected", numbers, outcomes={"rejected": 1}, retry_max=limit).state is LeadState.WAITING
    assert _next("rejected", numbers, outcomes={"rejected": 2}, retry_max=limit).state is LeadState.DONE
    assert _next("busy", numbers, outcomes={"rejected": 2, "busy": 1}, retry_max=limit).state is LeadState.WAITING


def test_dials_used_up_end_the_lead_and_a_dead_number_says_so() -> None:
    assert _next("no_answer", [PersonNumber("+1"), PersonNumber("+2")], before=5).state is LeadState.DONE
    assert _next("vacant", [PersonNumber("+1", RETIRED)], before=5).state is LeadState.RETIRED
    assert _next("vacant", [PersonNumber("+1", RETIRED), PersonNumber("+2")], before=5).state is LeadState.DONE
