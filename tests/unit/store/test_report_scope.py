"""Which days and hours a report is about, by the clock on the wall; every figure has a name and a meaning."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from appliance.jobs.report_tables import FIGURES
from appliance.store.read.local_time import changes, offset_s
from appliance.store.read.report_scope import PERIODS, days_of, scope_of
from appliance.store.read.tallies import DIMENSIONS, Tally
from appliance.texts import LANGUAGES, figure_words

pytestmark = pytest.mark.unit

NOW = datetime(2026, 3, 4, 17, 30, tzinfo=UTC)  # Thursday 5 March, 01:30 in Shanghai
SHANGHAI = "Asia/Shanghai"


@pytest.mark.parametrize(
    ("fields", "first", "last"),
    [
        ({}, "2026-03-05", "2026-03-05"),
        ({"period": "today"}, "2026-03-05", "2026-03-05"),
        ({"period": "yesterday"}, "2026-03-04", "2026-03-04"),
        ({"period": "last_7_days"}, "2026-02-27", "2026-03-05"),
        ({"period": "this_week"}, "2026-03-02", "2026-03-05"),
        ({"period": "last_week"}, "2026-02-23", "2026-03-01"),
        ({"period": "this_month"}, "2026-03-01", "2026-03-05"),
        ({"period": "last_month"}, "2026-02-01", "2026-02-28"),
        ({"since": "2026-01-01"}, "2026-01-01", None),
        ({"since": "2026-01-01", "until": "2026-01-02", "period": "nonsense"}, "2026-01-01", "2026-01-02"),
        ({"since": "2026-01-01", "period": "today"}, "2026-03-05", "2026-03-05"),
        ({"period": "all"}, None, None),
        ({"since": "1 January"}, "2026-03-05", "2026-03-05"),
    ],
)
def test_days_of_a_choice(fields: dict[str, str], first: str | None, last: str | None) -> None:
    found = days_of(fields, SHANGHAI, NOW)
    assert found == tuple(date.fromisoformat(day) if day else None for day in (first, last))


def test_a_day_of_the_zone_in_utc() -> None:
    scope = scope_of({"period": "today", "hour": "25", "outcome": "nonsense", "agent": "-"}, SHANGHAI, NOW)
    assert scope.since == datetime(2026, 3, 4, 16, tzinfo=UTC)
    assert scope.until == datetime(2026, 3, 5, 16, tzinfo=UTC)
    assert (scope.hour, scope.outcome, scope.agent_id) == (None, None, "-")


def test_the_day_that_has_25_hours() -> None:
    scope = scope_of({"since": "2026-10-25", "until": "2026-10-25"}, "Europe/Berlin", NOW)
    assert scope.since is not None
    assert scope.until is not None
    assert scope.until - scope.since == timedelta(hours=25)


@pytest.mark.parametrize("name", ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Europe/Moscow", "UTC"])
def test_spans_of_constant_offset(name: str) -> None:
    zone, since = ZoneInfo(name), datetime(2009, 6, 1, 12, 34, tzinfo=UTC)
    until = datetime(2027, 1, 1, tzinfo=UTC)
    spans = changes(zone, since, until)
    at = since
    while at < until:
        known = next(offset for start, offset in reversed(spans) if start <= at)
        assert known == offset_s(zone, at), at
        at += timedelta(hours=5, minutes=29, seconds=59)
    for (_, before), (start, after) in pairwise(spans):
        assert (offset_s(zone, start - timedelta(seconds=1)), offset_s(zone, start)) == (before, after)


def test_every_figure_has_a_name_and_a_meaning_in_each_language() -> None:
    english = figure_words("en")
    assert {*FIGURES, *(f"by.{one}" for one in DIMENSIONS), *(f"period.{one}" for one in PERIODS)} <= set(english)
    for language in LANGUAGES:
        words = figure_words(language)
        assert set(words) == set(english)
        for name in FIGURES:
            assert words[name].title.strip(), name
            assert words[name].text.strip(), name
            assert language == "en" or words[name].text != english[name].text, name
        for name, entry in words.items():
            wanted = re.findall(r"\{\w+\}", english[name].title + english[name].text)
            assert sorted(re.findall(r"\{\w+\}", entry.title + entry.text)) == sorted(wanted), name


def test_a_ratio_without_a_denominator_is_none() -> None:
    line = Tally()
    rates = (line.connect_rate, line.contact_rate, line.rpc_rate, line.promise_rate, line.abandoned_share)
    assert set(rates) == {None}
    assert (line.utilisation, line.talk_share, line.staffed_s) == (None, None, None)
