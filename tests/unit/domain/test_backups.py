"""Which backups stay, which names are let in, which version may follow which."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain import backups
from appliance.domain.versions import FIRST, Skew, may_restore, may_update, parse, skew

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 25, 3, 30, tzinfo=UTC)
ROOTS = ("callbox.sqlite", "prompts/")
ZONE = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize("name", ["callbox.sqlite", "prompts/greeting.wav", "prompts/zh/你好.wav", "prompts/a b.wav"])
def test_a_boxs_files_are_let_in(name: str) -> None:
    assert backups.safe_member(name, ROOTS)


@pytest.mark.parametrize(
    "name",
    ["../callbox.sqlite", "/etc/passwd", "prompts/../../x", "prompts/", "prompts//x", "prompts/.hidden", "x", "",
     "prompts\\x", "callbox.sqlite/x", "prompts/a\nb", "prompts/a\0b", "prompts/" + "d/" * 9 + "x",
     "prompts/" + "x" * 200],
)  # fmt: skip
def test_other_names_are_not(name: str) -> None:
    assert not backups.safe_member(name, ROOTS)


@given(st.text(max_size=60))
def test_no_name_leaves_its_folder(name: str) -> None:
    if backups.safe_member(name, ROOTS):
        assert ".." not in name.split("/")
        assert not name.startswith("/")


def test_a_year_of_daily_backups_leaves_days_weeks_and_months() -> None:
    made = [NOW - timedelta(days=n) for n in range(365)]
    stay = backups.kept(made, ZONE, days=7, weeks=4, months=6)
    assert {NOW - timedelta(days=n) for n in range(7)} <= stay
    assert len(stay) == 7 + 2 + 5  # the newest of two weeks and of this month are among the days
    assert min(stay) == NOW.replace(month=6, day=30)


def test_a_box_that_was_off_keeps_its_last_ones() -> None:
    made = [NOW - timedelta(days=400 + n) for n in range(3)]
    assert backups.kept(made, ZONE, days=2, weeks=0, months=0) == set(made[:2])
    assert backups.kept([], ZONE, days=2, weeks=0, months=0) == set()


@given(st.lists(st.integers(0, 5_000_000), min_size=1))
def test_the_newest_always_stays(minutes_ago: list[int]) -> None:
    made = [NOW - timedelta(minutes=n) for n in minutes_ago]
    stay = backups.kept(made, ZONE, days=1, weeks=0, months=0)
    assert stay == {max(made)}


def test_late() -> None:
    since = NOW - timedelta(days=30)
    assert not backups.is_late("day", NOW - timedelta(hours=26), since, NOW)
    assert backups.is_late("day", NOW - timedelta(hours=51), since, NOW)
    assert backups.is_late("day", None, since, NOW)
    assert not backups.is_late("day", None, NOW - timedelta(hours=1), NOW)
    assert not backups.is_late("", None, since, NOW)
    assert backups.test_is_late(None, since, NOW)
    assert not backups.test_is_late(NOW - timedelta(days=8), since, NOW)


@pytest.mark.parametrize(
    ("here", "there", "wanted"),
    [("0.1.0", "0.1.0", Skew.SAME), ("0.1.0-455-g5072e9e", "v0.1.0", Skew.SAME), ("0.1.0", "0.1.1", Skew.NEWER),
     ("0.1.0", "0.2.0", Skew.NEWER), ("0.9.3", "1.0.0", Skew.NEWER), ("0.9.3", "2.0.0", Skew.TOO_FAR),
     ("0.2.0", "0.1.9", Skew.OLDER), ("1.10.0", "1.9.0", Skew.OLDER), ("5072e9e", "0.1.0", Skew.UNKNOWN),
     ("0.1.0", "0.1", Skew.UNKNOWN), ("0.1.0", "0.1.0; reboot", Skew.UNKNOWN)],
)  # fmt: skip
def test_skew(here: str, there: str, wanted: Skew) -> None:
    assert skew(here, there) is wanted
    assert may_update(here, there) == (wanted in (Skew.SAME, Skew.NEWER))


def test_what_may_be_restored() -> None:
    assert parse(FIRST) is not None
    assert may_restore("0.3.0", FIRST)
    assert may_restore("1.0.0", FIRST)
    assert not may_restore("0.1.0", "0.2.0")
    assert not may_restore("2.0.0", FIRST)
