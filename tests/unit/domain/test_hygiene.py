"""Number hygiene: what retires, parks and clears a number."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.hygiene import PARK, Health, Said, after, by_hand
from appliance.types import HYGIENE_OUTCOMES, NumberState, Outcome

pytestmark = pytest.mark.unit

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
GOOD, PARKED, RETIRED = NumberState.GOOD, NumberState.PARKED, NumberState.RETIRED


def _told(*words: tuple[int, str] | tuple[int, str, str, int | None], health: Health | None = None) -> Health:
    """Words as (day, outcome[, kind, q850])."""
    found = health or Health()
    for n, word in enumerate(words):
        day, outcome, kind, q850 = word if len(word) == 4 else (*word, "announcement", None)
        now = NOON + timedelta(days=day)
        found = after(found, Said(now.date(), Outcome(outcome), kind, f"a{n}", 183, q850), now)
    return found


@pytest.mark.parametrize(("words", "state", "reason"), [
    ([(0, "vacant")], GOOD, ""),
    ([(0, "vacant"), (0, "vacant")], GOOD, ""),  # one day
    ([(0, "vacant"), (1, "vacant")], RETIRED, "vacant"),
    ([(0, "vacant"), (1, "sit_vacant")], RETIRED, "vacant"),
    ([(0, "fax"), (3, "modem")], RETIRED, "fax"),
    ([(0, "vacant"), (1, "number_changed")], GOOD, ""),  # different kinds do not confirm each other
    ([(0, "vacant", "announcement", 1)], RETIRED, "vacant"),  # ear and cause agree
    ([(0, "sit_vacant", "sit", 28)], RETIRED, "vacant"),
    ([(0, "vacant", "signalling", 1)], GOOD, ""),  # the exchange alone
    ([(0, "vacant", "announcement", 16)], GOOD, ""),  # a cause that says something else
    ([(0, "number_changed", "announcement", 22)], RETIRED, "number_changed"),
    ([(0, "vacant"), (1, "human"), (2, "vacant")], GOOD, ""),  # somebody answered between
    ([(0, "vacant"), (1, "busy"), (2, "vacant")], GOOD, ""),
    ([(0, "fax"), (1, "busy"), (2, "fax")], RETIRED, "fax"),  # a fax may be busy
    ([(0, "vacant"), (1, "congestion"), (2, "vacant")], RETIRED, "vacant"),  # says nothing of the number
    ([(0, "out_of_service")], PARKED, "out_of_service"),
    ([(0, "out_of_service"), (7, "no_answer")], GOOD, ""),
    ([(0, "out_of_service"), (7, "out_of_service")], PARKED, "out_of_service"),
    ([(0, "out_of_service"), (7, "out_of_service"), (14, "out_of_service"), (21, "out_of_service")],
     RETIRED, "out_of_service"),
    ([(0, "powered_off"), (1, "unreachable"), (2, "no_answer"), (3, "machine")], GOOD, ""),
])  # fmt: skip
def test_what_becomes_of_a_number(words: list[tuple[int, str]], state: NumberState, reason: str) -> None:
    found = _told(*words)
    assert (found.state, found.reason) == (state, reason)


def test_the_evidence_is_kept() -> None:
    found = _told((0, "vacant"), (1, "vacant"))
    assert [(one.day, one.attempt_id) for one in found.verdicts] == [("2026-03-02", "a0"), ("2026-03-03", "a1")]
    assert found.since == NOON + timedelta(days=1)


def test_parked_for_a_week() -> None:
    assert _told((0, "out_of_service")).parked_until == NOON + PARK == NOON + timedelta(days=7)


def test_a_suspicion_is_seen() -> None:
    assert _told((0, "vacant")).suspected
    assert not _told((0, "vacant"), (1, "human")).suspected


def test_only_a_person_lets_a_retired_number_dial_again() -> None:
    retired = _told((0, "vacant"), (1, "vacant"))
    assert _told((2, "human"), health=retired) == retired
    again = by_hand(retired, GOOD, "asked the customer", NOON)
    assert (again.state, again.verdicts) == (GOOD, ())
    assert _told((3, "vacant"), health=again).state is GOOD  # its past does not count


@given(st.lists(st.tuples(st.integers(0, 40), st.sampled_from(sorted(Outcome))), max_size=30))
def test_retired_only_by_two_days_of_one_kind_or_by_agreement(words: list[tuple[int, str]]) -> None:
    """Whatever comes in whatever order: no number is lost by one day's verdicts of the ear alone."""
    found = _told(*sorted(words))
    against = {(NOON + timedelta(days=day)).date() for day, outcome in words if outcome in HYGIENE_OUTCOMES}
    if found.state is RETIRED:
        assert len(against) >= 2
        assert len({date.fromisoformat(one.day) for one in found.verdicts}) >= 2
    if not against:
        assert found == Health()
    assert (found.parked_until is not None) == (found.state is PARKED)
