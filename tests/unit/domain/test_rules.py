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
from appliance.domain.compliance import Allowed, Contact, Never, NotBefore, load_profile, may_contact
from appliance.domain.disposition import check
from appliance.domain.routing import pick
from appliance.errors import CallerError, ValidationErrors
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


def _ask(profile: str, ledger: list[Contact], now: datetime, zones: tuple[str, ...] = ("Asia/Shanghai",),
         config: CampaignConfig = OPEN, attempts: int = 0) -> object:  # fmt: skip
    return may_contact(config, load_profile(profile), ledger, lead_attempts=attempts, number_zones=zones,
                       box_zone="UTC", now=now)  # fmt: skip


NOON_CN = _local("2026-03-05T12:00", "Asia/Shanghai")


def test_quiet_hours_of_the_law_stand_above_the_campaigns_own() -> None:
    late = _local("2026-03-05T22:30", "Asia/Shanghai")
    assert _ask("neutral", [], late) == Allowed()
    assert _ask("cn", [], late) == NotBefore(_local("2026-03-06T08:00", "Asia/Shanghai"), "cn.quiet_hours")
    saturday = _local("2026-03-07T08:30", "Europe/Moscow")
    moscow = ("Europe/Moscow",)
    assert _ask("ru", [], saturday, moscow) == NotBefore(_local("2026-03-07T09:00", "Europe/Moscow"), "ru.hours")


def test_caps_of_the_law() -> None:
    talked = [Contact(NOON_CN - timedelta(hours=n), conversation=True, answered=True) for n in (1, 2, 3)]
    tomorrow = _local("2026-03-06T08:00", "Asia/Shanghai")
    generous = CampaignConfig(calling_hours=ALL_DAY, attempts_per_day_max=20)
    assert _ask("cn", talked[:2], NOON_CN, config=generous) == Allowed()
    verdict = _ask("cn", talked, NOON_CN, config=generous)
    assert isinstance(verdict, NotBefore)
    assert verdict.at == tomorrow
    rung = [Contact(NOON_CN - timedelta(minutes=n), conversation=False, answered=False) for n in range(6)]
    assert isinstance(_ask("cn", rung, NOON_CN, config=generous), NotBefore)
    noon = _local("2026-03-05T12:00", "Europe/Moscow")
    week = [Contact(noon - timedelta(days=n), conversation=True, answered=True) for n in (2, 4)]
    verdict = _ask("ru", week, noon, ("Europe/Moscow",), generous)
    assert verdict == NotBefore(noon + timedelta(days=3), "ru.talks_per_week")


def test_a_number_in_a_call_is_not_dialled_whichever_campaign_called_it() -> None:
    rings = Contact(NOON_CN, conversation=False, answered=False, is_open=True)
    verdict = _ask("neutral", [rings], NOON_CN)
    assert isinstance(verdict, NotBefore)
    assert verdict.at > NOON_CN
    assert verdict.rule == "number.in_call"
    ended = Contact(NOON_CN, conversation=False, answered=False)
    assert _ask("neutral", [ended], NOON_CN) == Allowed()


def test_own_caps_and_unknown_zones() -> None:
    today = [Contact(NOON_CN, conversation=False, answered=False)] * 3
    assert _ask("neutral", today, NOON_CN) == NotBefore(
        _local("2026-03-06T00:00", "Asia/Shanghai"), "campaign.attempts_per_day"
    )
    assert _ask("neutral", [], NOON_CN, attempts=6) == Never("campaign.attempts_total")
    assert _ask("ru", [], NOON_CN, ()) == Never("ru.unknown_zone")
    assert _ask("cn", [], NOON_CN, ()) == NotBefore(datetime(2026, 3, 5, 8, tzinfo=UTC), "cn.quiet_hours")
    with pytest.raises(CallerError):
        load_profile("../cn")


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
              promise_date="soon", now=NOON_CN)  # fmt: skip
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
