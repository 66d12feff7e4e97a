"""Scores, samples and agreement: what answers are worth, who is drawn, how far people agree."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain import sampling, scorecard
from appliance.domain.agreement import agreement, cohens_kappa, share_equal
from appliance.errors import ValidationErrors

pytestmark = pytest.mark.unit

CARD = {
    "sections": [
        {"title": "Opening", "weight": 1, "questions": [
            {"id": "name", "text": "Said his name", "weight": 1},
            {"id": "law", "text": "Said the notice", "weight": 1, "knock_out": True},
        ]},
        {"title": "Talk", "weight": 3, "questions": [
            {"id": "tone", "text": "Tone", "kind": "scale", "top": 4, "weight": 2},
            {"id": "need", "text": "Asked why", "weight": 1, "may_skip": True},
        ]},
    ]
}  # fmt: skip


def _card() -> scorecard.Scorecard:
    return scorecard.parse(CARD)


def test_weights_of_questions_and_sections() -> None:
    found = scorecard.score(_card(), {"name": 0, "law": 1, "tone": 3, "need": 1})
    assert found.sections == pytest.approx((0.5, (2 * 0.75 + 1) / 3))
    assert found.value == pytest.approx((0.5 + 3 * (2.5 / 3)) / 4)


def test_what_does_not_apply_counts_for_nothing() -> None:
    assert scorecard.score(_card(), {"name": 1, "law": 1, "tone": 4, "need": None}).value == 1.0


def test_a_knock_out_makes_all_of_it_nothing() -> None:
    found = scorecard.score(_card(), {"name": 1, "law": 0, "tone": 4, "need": 1})
    assert (found.value, found.knocked_out) == (0.0, ("law",))


@given(st.fixed_dictionaries({"name": st.integers(0, 1), "law": st.integers(0, 1), "tone": st.integers(0, 4),
                              "need": st.none() | st.integers(0, 1)}))  # fmt: skip
def test_a_score_is_between_nothing_and_all(answers: dict[str, int | None]) -> None:
    scorecard.check_answers(_card(), answers)
    assert 0.0 <= scorecard.score(_card(), answers).value <= 1.0


@pytest.mark.parametrize(
    ("answers", "wrong"),
    [({"name": 1, "law": 1, "tone": 5, "need": 1}, "tone"), ({"name": 1, "law": 1, "need": 1}, "tone"),
     ({"name": None, "law": 1, "tone": 1, "need": 1}, "name"),
     ({"name": 1, "law": 1, "tone": 1, "need": 1, "more": 1}, "more")],
)  # fmt: skip
def test_wrong_answers_are_told_by_their_question(answers: dict[str, int | None], wrong: str) -> None:
    with pytest.raises(ValidationErrors) as told:
        scorecard.check_answers(_card(), answers)
    assert [field for field, _id, _text in told.value.errors] == [wrong]


def test_a_card_survives_plain_data_and_gives_ids_to_new_questions() -> None:
    card = _card()
    assert scorecard.parse(scorecard.to_plain(card)) == card
    two = scorecard.parse({"sections": [{"title": "A", "questions": [{"text": "x", "id": "q1"}, {"text": "y"}]}]})
    assert [one.id for one in two.questions] == ["q1", "q2"]


@pytest.mark.parametrize(
    "plain",
    [{"sections": []}, {"sections": [{"title": "", "questions": [{"text": "x"}]}]},
     {"sections": [{"title": "A", "questions": []}]}, {"sections": [{"title": "A", "questions": [{"text": " "}]}]},
     {"sections": [{"title": "A", "questions": [{"text": "x", "weight": "much"}]}]},
     {"sections": [{"title": "A", "questions": [{"text": "x", "kind": "scale", "top": 10}]}]},
     {"sections": [{"title": "A", "questions": [{"text": "x", "weight": 0}]}]}],
)  # fmt: skip
def test_bad_cards_are_refused(plain: dict[str, Any]) -> None:
    with pytest.raises(ValidationErrors):
        scorecard.parse(plain)


def _calls(count: int, agents: int = 3) -> list[sampling.Candidate]:
    return [sampling.Candidate(f"r{n}", f"agent{n % agents}") for n in range(count)]


def test_the_draw_is_the_same_again_and_another_for_another_seed() -> None:
    def drawn(seed: str, calls: list[sampling.Candidate]) -> list[sampling.Candidate]:
        return sampling.draw(calls, per_agent=2, seed=seed, week="2026-W48", already={})

    assert drawn("a", _calls(90)) == drawn("a", _calls(90)[::-1])
    assert drawn("a", _calls(90)) != drawn("b", _calls(90))


@given(count=st.integers(0, 60), per_agent=st.integers(1, 9), have=st.integers(0, 5))
def test_nobody_gets_more_than_his_number(count: int, per_agent: int, have: int) -> None:
    found = sampling.draw(_calls(count), per_agent=per_agent, seed="s", week="w", already={"agent0": have})
    mine = [one for one in found if one.agent_id == "agent0"]
    assert len(mine) == max(0, min(per_agent - have, len(range(0, count, 3))))
    assert len({one.recording_id for one in found}) == len(found)


def test_weeks_follow_the_clock_of_the_zone() -> None:
    zone = ZoneInfo("Asia/Shanghai")
    assert sampling.week_of(datetime(2026, 11, 22, 16, 30, tzinfo=UTC), zone) == "2026-W48"
    since, until = sampling.bounds_of("2026-W48", zone)
    assert (since, (until - since).days) == (datetime(2026, 11, 22, 16, tzinfo=UTC), 7)


@pytest.mark.parametrize("plain", [{"per_agent": 0}, {"per_agent": "x"}, {"at_least_s": 60, "at_most_s": 30}])
def test_bad_rules_are_refused(plain: dict[str, Any]) -> None:
    with pytest.raises(ValidationErrors):
        sampling.parse(plain)


def test_kappa_of_a_textbook_table() -> None:
    """20 both yes, 5 and 10 one each way, 15 both no: observed 0.7, by chance 0.5, kappa 0.4."""
    first = ["y"] * 25 + ["n"] * 25
    second = ["y"] * 20 + ["n"] * 5 + ["y"] * 10 + ["n"] * 15
    assert share_equal(first, second) == pytest.approx(0.7)
    assert cohens_kappa(first, second) == pytest.approx(0.4)


def test_kappa_says_nothing_where_all_is_the_same() -> None:
    assert cohens_kappa([1, 1, 1], [1, 1, 1]) is None


def test_agreement_of_three() -> None:
    found = agreement([{"a": 1, "b": 0}, {"a": 1, "b": 0}, {"a": 1, "b": 1}])
    assert found is not None
    assert found.questions == {"a": 1.0, "b": pytest.approx(1 / 3)}
    assert found.share == pytest.approx(2 / 3)


@pytest.mark.parametrize("people", [[], [{"a": 1}], [{"a": 1}, {"b": 1}]])
def test_no_agreement_without_anything_in_common(people: list[dict[str, int]]) -> None:
    assert agreement(people) is None
