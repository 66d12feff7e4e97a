"""Calling hours over clock changes, rule profiles, pacing and routing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.agent import Agent
from appliance.domain.calling_hours import next_open, week_of
from appliance.domain.campaign import ALL_DAY, CampaignConfig, parse_config
from appliance.domain.disposition import check
from appliance.domain.routing import pick
from appliance.errors import ValidationErrors
from appliance.types import AgentState

pytestmark = pytest.mark.unit
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
OFFICE = week_of({day: ["09:00-12:00", "13:00-18:00"] for day in DAYS[:5]})
OPEN = CampaignConfig(calling_hours=ALL_DAY)


def _local(text: str, zone: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize(("now", "opens"), [
    ("2026-03-05T09:00", "2026-03-05T09:00"), ("2026-03-05T11:59", "2026-03-05T11:59"),
    ("2026-03-05T12:00", "2026-03-05T13:00"), ("2026-03-05T18:00", "2026-03-06T09:00"),
    ("2026-03-06T18:00", "2026-03-09T09:00"),  # Friday evening to Monday
    ("2026-03-28T10:00", "2026-03-30T09:00"),  # over the change to summer time
])  # fmt: skip
def test_next_opening(now: str, opens: str) -> None:
    assert next_open(OFFICE, ["Europe/Berlin"], _local(now, "Europe/Berlin")) == _local(opens, "Europe/Berlin")


def test_a_wall_time_that_is_skipped_opens_after_the_gap() -> None:
    week = week_of({"sun": ["02:30-04:00"]})
    opens = next_open(week, ["Europe/Berlin"], datetime(2026, 3, 28, 12, tzinfo=UTC))
    assert opens == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)  # 02:30 does not exist that night: 03:30 summer time


def test_a_number_of_several_zones_is_called_while_all_are_open() -> None:
    week = week_of({day: ["08:00-22:00"] for day in DAYS})
    zones = ["Europe/Kaliningrad", "Asia/Kamchatka"]  # 06:00-20:00 UTC and 20:00-10:00 UTC
    assert next_open(week, zones, datetime(2026, 3, 5, 0, tzinfo=UTC)) == datetime(2026, 3, 5, 6, tzinfo=UTC)
    assert next_open(week, zones, datetime(2026, 3, 5, 11, tzinfo=UTC)) == datetime(2026, 3, 6, 6, tzinfo=UTC)
    assert next_open(week_of({}), zones, datetime(2026, 3, 5, tzinfo=UTC)) is None


@given(st.integers(0, 2 * 365 * 24 * 60), st.sampled_from(["Europe/Berlin", "Asia/Shanghai"]))
def test_an_opening_is_never_in_the_past_and_is_open(minute: int, zone: str) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    opens = next_open(OFFICE, [zone], now)
    assert opens is not None
    assert opens >= now
    local = opens.astimezone(ZoneInfo(zone))
    assert local.weekday() < 5
    assert 9 <= local.hour < 18
    assert next_open(OFFICE, [zone], opens) == opens


@pytest.mark.parametrize("wrong", [
    {"calling_hours": {"mon": ["9-17"]}}, {"calling_hours": {"mon": ["18:00-08:00"]}}, {"calling_hours": {"lun": []}},
    {"attempts_per_day_max": 0}, {"caller_id": "anonymous"}, {"no_such_setting": 1}, {"retry_s": {"nonsense": 1}},
])  # fmt: skip
def test_config_mistakes_are_told(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationErrors):
        parse_config(wrong)


def test_config_survives_the_store() -> None:
    assert parse_config(CampaignConfig().model_dump(mode="json")) == CampaignConfig()


def test_disposition_needs_what_belongs_to_it() -> None:
    with pytest.raises(ValidationErrors) as error:
        check(OPEN, "call_back", callback_at="2020-01-01T00:00:00+00:00", promise_amount_minor=0,
              promise_date="soon", now=datetime(2026, 3, 5, 4, tzinfo=UTC))  # fmt: skip
    assert [e[1] for e in error.value.errors] == [
        "disposition.past", "disposition.bad_amount", "disposition.bad_date"
    ]  # fmt: skip


def test_routing_prefers_the_agent_who_knows_then_the_longest_idle() -> None:
    now = datetime(2026, 3, 5, tzinfo=UTC)
    agents = [
        Agent(f"a{n}", state=AgentState.READY, idle_since=now - timedelta(seconds=n), campaigns=frozenset(c))
        for n, c in ((1, ["c1"]), (2, []), (3, ["c2"]))
    ] + [Agent("a4", state=AgentState.PAUSED)]

    def picked(config: CampaignConfig = OPEN, *preferred: str | None) -> str | None:
        agent = pick(agents, "c1", config, preferred)
        return agent.agent_id if agent else None

    assert picked() == "a2"
    assert picked(OPEN, None, "a1") == "a1"
    assert picked(OPEN, "a3", "a4") == "a2"  # neither may or can
    assert picked(CampaignConfig(agent_ids=["a1"])) == "a1"
    assert picked(CampaignConfig(agent_ids=["a9"])) is None
