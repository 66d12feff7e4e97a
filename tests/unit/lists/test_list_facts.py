"""What a list says of consents, third parties and time zones: only what leaves no doubt."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from appliance.domain.list_columns import Column, guess_columns
from appliance.domain.list_facts import ListFacts, read_facts, zone_of
from appliance.domain.lists import Candidate, read_row

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(("cell", "zone"), [
    ("Asia/Shanghai", "Asia/Shanghai"), ("europe/moscow", "Europe/Moscow"), ("UTC+8", "Etc/GMT-8"),
    ("+08:00", "Etc/GMT-8"), ("МСК", "Etc/GMT-3"), ("мск+2", "Etc/GMT-5"), ("UTC-05:00", "Etc/GMT+5"),
    ("utc+0", "Etc/UTC"), ("", ""), (None, ""), ("Beijing time", None), ("+99", None),
])  # fmt: skip
def test_zones(cell: str | None, zone: str | None) -> None:
    assert zone_of(cell) == zone
    if zone:
        assert ZoneInfo(zone).key == zone


@pytest.mark.parametrize(("consent", "third", "facts", "unread"), [
    ("robot, hours", "", ListFacts(("hours", "robot")), set()),
    ("机器人；第三方", "是", ListFacts(("robot", "third_party"), third_party=True), set()),
    ("отказ", "нет", ListFacts(refused=True, third_party=False), set()),
    ("yes", "maybe", ListFacts(), {"consent", "third_party"}),
    ("robot, yes", None, ListFacts(), {"consent"}),
    ("no", 1.0, ListFacts(third_party=True), set()),
    (None, None, ListFacts(), set()),
])  # fmt: skip
def test_consents_and_third_parties(
    consent: str | None, third: str | float | None, facts: ListFacts, unread: set[str]
) -> None:
    assert read_facts(consent, third, None) == (facts, frozenset(unread))


def test_a_row_keeps_what_cannot_be_read_under_its_header() -> None:
    header = ["姓名", "手机", "时区", "同意项"]
    rows = [header, ["王一", "13800138000", "Asia/Urumqi", "机器人"], ["李二", "13800138001", "乌鲁木齐", "是"]]
    columns = guess_columns(rows, "CN")
    assert columns is not None
    assert columns.indices[Column.TIME_ZONE] == 2
    good, vague = (read_row(n, cells, columns, "CN") for n, cells in enumerate(rows[1:]))
    assert isinstance(good, Candidate)
    assert isinstance(vague, Candidate)
    assert good.facts == ListFacts(("robot",), time_zone="Asia/Urumqi")
    assert good.fields == {}
    assert vague.facts is None
    assert vague.fields == {"时区": "乌鲁木齐", "同意项": "是"}


def test_a_list_without_such_columns_says_nothing() -> None:
    rows = [["name", "phone"], ["Ann", "13800138000"]]
    columns = guess_columns(rows, "CN")
    assert columns is not None
    read = read_row(1, rows[1], columns, "CN")
    assert isinstance(read, Candidate)
    assert read.facts is None
