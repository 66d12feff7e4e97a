"""What a call is found by: numbers by their end, words by their beginning, Chinese by its signs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.call_words import CallFacts, of_lengths, of_number, of_scores, of_text, tokens

pytestmark = pytest.mark.unit


def _finds(wanted: list[str], call: CallFacts) -> bool:
    return bool(wanted) and set(wanted) <= set(tokens(call))


@pytest.mark.parametrize(
    ("looked_for", "is_found"),
    [("5678", True), ("678", True), ("345678", True), ("1234", False), ("13812345", True), ("+86 138-1234-5678", True),
     ("99912345", False), ("56", False)],
)  # fmt: skip
def test_numbers(looked_for: str, is_found: bool) -> None:
    assert _finds(of_number(looked_for), CallFacts(number="+8613812345678")) is is_found


@pytest.mark.parametrize(
    ("note", "looked_for", "is_found"),
    [("客户答应月底还款", "还款", True), ("客户答应月底还款", "月底 客户", True), ("客户答应月底还款", "款", True),
     ("客户答应月底还款", "还账", False), ("Оплатит завтра", "оплат", True), ("обещал оплатить", "оплатила", True),
     ("Paid, see HT-2025", "paid ht", True), ("unpaid", "paid", False), ("合同HT2025已付", "ht2025", True),
     ("合同HT2025已付", "已付", True)],
)  # fmt: skip
def test_words(note: str, looked_for: str, is_found: bool) -> None:
    assert _finds(of_text("t", looked_for), CallFacts(note=note)) is is_found


def test_names_and_notes_are_apart() -> None:
    assert not _finds(of_text("p", "paid"), CallFacts(note="paid"))


@given(st.floats(0, 90_000), st.floats(0, 90_000), st.floats(0, 90_000))
def test_a_length_in_the_bounds_has_one_of_their_tokens(length: float, low: float, high: float) -> None:
    if low <= length <= high:
        assert set(of_lengths(low, high)) & set(tokens(CallFacts(duration_s=length)))


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_score_in_the_bounds_has_one_of_their_tokens(score: float, low: float, high: float) -> None:
    if low <= score <= high:
        assert set(of_scores(low, high)) & set(tokens(CallFacts(score=score)))


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_token_has_a_blank_whatever_was_written(name: str, note: str) -> None:
    assert all(token.split() == [token] and '"' not in token for token in tokens(
        CallFacts(name=name, note=note, agent_id=name, disposition=note)))  # fmt: skip


@given(st.text(max_size=60))
def test_every_text_finds_itself(text: str) -> None:
    wanted = of_text("t", text)
    assert set(wanted) <= set(tokens(CallFacts(note=text)))
