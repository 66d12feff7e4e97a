"""The knowledge base is found by words in three scripts, by index or without, and suggested where it belongs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from appliance.store.db import Store
from appliance.store.models import KbArticle
from appliance.store.read import knowledge

pytestmark = pytest.mark.integration
NOW = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def filled(store: Store) -> Store:
    articles = [
        ("a1", "How to pay by instalments", "Up to twelve months. Ask the bank.", "pay rate", ["promise_to_pay"], ""),
        ("a2", "分期付款", "客户可以分十二个月还款。", "还款 付款", [], "Offer"),
        ("a3", "Рассрочка платежа", "До двенадцати месяцев.", "оплата", ["promise_to_pay"], ""),
        ("a4", "Complaints", "Pay attention: 100% of them are \"answered\".", "", ["disputed"], "offer"),
    ]
    with store.write() as session:
        for n, (key, title, body, tags, dispositions, step) in enumerate(articles):
            session.add(
                KbArticle(id=key, title=title, body=body, tags=tags, dispositions=dispositions, step=step,
                          updated_at=NOW.replace(minute=n))
            )  # fmt: skip
    return store


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("instalments", ["a1"]), ("PAY", ["a1", "a4"]), ("还款", ["a2"]), ("分期付款", ["a2"]), ("款 十二个月", ["a2"]),
        ("рассрочка", ["a3"]), ("месяцев", ["a3"]), ("", []), ("   ", []), ("pay nothing", []), ('"answered"', ["a4"]),
        ("100%", ["a4"]), ("%", ["a4"]), ("a* OR b", []), ("title:pay", []), ("(", []), ("x" * 5000, []),
    ],
)  # fmt: skip
def test_found_as_typed(filled: Store, query: str, found: list[str]) -> None:
    rows = [row.id for row in knowledge.search(filled, query)]
    assert sorted(rows) == found


def test_a_word_in_the_title_comes_first_and_changes_are_seen(filled: Store) -> None:
    if filled.is_sqlite:
        assert [row.id for row in knowledge.search(filled, "pay")] == ["a1", "a4"]
    with filled.write() as session:
        session.get_one(KbArticle, "a4").title = "Claims"
        session.delete(session.get_one(KbArticle, "a1"))
    assert [row.id for row in knowledge.search(filled, "claims")] == ["a4"]
    assert knowledge.search(filled, "complaints") == []
    assert knowledge.search(filled, "instalments") == []
    assert knowledge.article(filled, "a1") is None


def test_suggested_by_result_then_by_step(filled: Store) -> None:
    assert [a.id for a in knowledge.suggested(filled, disposition="promise_to_pay", step="Offer")] == [
        "a3", "a1", "a4", "a2",
    ]  # fmt: skip
    assert knowledge.suggested(filled) == []
