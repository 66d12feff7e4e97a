"""The rules case by case: each profile's figures, windows in the person's zone, consent, third parties, own limits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from appliance.domain.campaign import ALL_DAY, CampaignConfig
from appliance.domain.compliance import Allow, Deny, Reason, Verdict, denials, load_profile, may_contact
from appliance.domain.compliance_ledger import Channel, Consent, Event, EventKind, Ledger
from appliance.domain.compliance_own import rules_of
from appliance.domain.compliance_profile import profile_ids, versions
from appliance.errors import CallerError, ValidationErrors

pytestmark = pytest.mark.unit
K = EventKind
CN, RU, US, UK = "Asia/Shanghai", "Europe/Moscow", "America/New_York", "Europe/London"


def at(text: str, zone: str = CN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def dials(*instants: datetime, kind: EventKind | None = None, number: str = "n", debt: str = "d") -> tuple[Event, ...]:
    """Dials that came to `kind` (None: nobody answered)."""
    events = []
    for n, instant in enumerate(instants):
        ref = f"{instant} {n} {number}"
        events.append(Event(instant, K.ATTEMPT, number, debt, ref))
        if kind is not None:
            events += [Event(instant, K.ANSWERED, number, debt, ref), Event(instant, kind, number, debt, ref)]
    return tuple(events)


def ask(profile: str, now: datetime, zone: str = CN, config: CampaignConfig | None = None, **facts: Any) -> Verdict:
    own = config or CampaignConfig(
        calling_hours=ALL_DAY, rule_profile=profile, attempts_per_day_max=20, attempts_total_max=100
    )
    ledger = Ledger(**{"number": "n", "debt": "d", "zones": (zone,), **facts})
    return may_contact(ledger, rules_of(own, "UTC", now.date()), now)


NOON = at("2026-03-05T12:00")


def test_hours_of_the_law_stand_above_the_campaigns_own() -> None:
    late = at("2026-03-05T22:30")
    assert ask("neutral", late) == Allow()
    assert ask("cn", late) == Deny("cn-gbt.quiet_hours", Reason.HOURS, at("2026-03-06T08:00"))
    saturday = at("2026-03-07T08:30", RU)
    assert ask("ru", saturday, RU) == Deny("ru.hours", Reason.HOURS, at("2026-03-07T09:00", RU))
    assert ask("in", at("2026-03-05T19:00", "Asia/Kolkata"), "Asia/Kolkata") == Deny(
        "in.hours", Reason.HOURS, at("2026-03-06T08:00", "Asia/Kolkata")
    )


def test_a_public_holiday_has_the_hours_of_a_weekend() -> None:
    friday = at("2026-06-12T08:30", RU)  # Russia Day
    assert ask("ru", friday, RU) == Deny("ru.hours", Reason.HOURS, at("2026-06-12T09:00", RU))
    assert ask("ru", at("2026-06-11T08:30", RU), RU) == Allow()
    local = frozenset({date(2026, 6, 11)})
    assert ask("ru", at("2026-06-11T08:30", RU), RU, holidays=local) == Deny(
        "ru.hours", Reason.HOURS, at("2026-06-11T09:00", RU)
    )


def test_china_counts_talks_and_unanswered_dials_apart() -> None:
    talks = dials(*(NOON - timedelta(hours=n) for n in (1, 2, 3)), kind=K.CONVERSATION)
    tomorrow = at("2026-03-06T08:00")
    assert ask("cn", NOON, events=talks[:6]) == Allow()
    verdict = ask("cn", NOON, events=talks)
    assert verdict == Deny("cn-gbt.quiet_hours", Reason.HOURS, tomorrow)  # what holds longest is named
    robots = dials(*(NOON - timedelta(hours=n) for n in (1, 2, 3)), kind=K.ROBOT)
    assert ask("cn", NOON, events=robots) == verdict
    rung = dials(*(NOON - timedelta(minutes=n) for n in range(1, 7)))
    assert isinstance(ask("cn", NOON, events=rung), Deny)
    other = tuple(replace(event, number="m") for event in rung)
    assert ask("cn", NOON, events=other) == Allow()  # six a number
    assert isinstance(ask("cn-cba", NOON, events=rung), Deny)
    assert ask("cn-gbt45251", NOON, events=rung) == Allow()


def test_one_dial_is_one_talk_whoever_spoke() -> None:
    handed_over = Event(NOON, K.ROBOT, "n", "d", "x"), Event(NOON, K.CONVERSATION, "n", "d", "x")
    two = dials(NOON - timedelta(hours=1), kind=K.CONVERSATION)
    assert ask("cn", NOON, events=(*handed_over, *two)) == Allow()


def test_russia_one_two_eight_and_robots_since_2024() -> None:
    noon = at("2026-03-05T12:00", RU)
    week = dials(*(noon - timedelta(days=n) for n in (2, 4)), kind=K.CONVERSATION)
    assert ask("ru", noon, RU, events=week) == Deny("ru.talks_per_week", Reason.CAP, noon + timedelta(days=3))
    yesterday = at("2026-03-04T21:59", RU)
    assert ask("ru", noon, RU, events=dials(yesterday, kind=K.ROBOT)) == Allow()
    today = at("2026-03-05T08:01", RU)
    for kind in (K.ROBOT, K.CONVERSATION, K.ABANDONED):
        assert ask("ru", noon, RU, events=dials(today, kind=kind)) == Deny(
            "ru.hours", Reason.HOURS, at("2026-03-06T08:00", RU)
        )
    old_noon = at("2023-03-06T12:00", RU)  # before 467-FZ a robot's call was a message
    robot = dials(at("2023-03-06T08:01", RU), kind=K.ROBOT)
    assert ask("ru", old_noon, RU, events=robot) == Allow()
    sent = tuple(Event(noon - timedelta(minutes=n), K.MESSAGE, "n") for n in (1, 2))
    assert ask("ru", noon, RU, events=sent) == Allow()
    assert isinstance(ask("ru", noon, RU, events=sent, channel=Channel.MESSAGE), Deny)


def test_regulation_f_counts_by_debt_and_rests_after_a_talk() -> None:
    noon = at("2026-03-05T12:00", US)
    seven = dials(*(noon - timedelta(days=1, minutes=n) for n in range(1, 8)))
    assert ask("us-regf", noon, US, events=seven) == Deny(
        "us-regf.attempts_7_in_7", Reason.CAP, noon + timedelta(days=6, minutes=-7)
    )
    assert ask("us-regf", noon, US, events=seven, debt="another") == Allow()
    assert isinstance(ask("us-regf", noon, US, events=seven, debt=""), Deny)  # not known which: it counts
    agreed = Consent("frequency", noon - timedelta(days=6))
    assert ask("us-regf", noon, US, events=seven, consents=(agreed,)) == Allow()
    assert isinstance(ask("us-regf", noon, US, events=seven, consents=(replace(agreed, revoked_at=noon),)), Deny)
    old = Consent("frequency", noon - timedelta(days=8))
    assert isinstance(ask("us-regf", noon, US, events=seven, consents=(old,)), Deny)
    talked = dials(at("2026-03-01T20:00", US), kind=K.CONVERSATION)
    assert ask("us-regf", noon, US, events=talked) == Deny(
        "us-regf.hours", Reason.HOURS, at("2026-03-08T08:00", US)  # the first day is that of the talk; summer time
    )
    assert ask("us-regf", at("2026-03-08T08:00", US), US, events=talked) == Allow()


def test_a_window_of_days_is_as_long_as_the_clock_on_the_wall_says() -> None:
    """Summer time ends on 2026-11-01: seven days are 169 hours then."""
    first = at("2026-10-30T12:00", US)
    seven = dials(first, *(first + timedelta(minutes=n) for n in range(1, 7)))
    verdict = ask("us-regf", at("2026-11-05T12:00", US), US, events=seven)
    assert verdict == Deny("us-regf.attempts_7_in_7", Reason.CAP, at("2026-11-06T12:00", US))


def test_united_kingdom_rests_72_hours_after_an_abandoned_call() -> None:
    noon = at("2026-03-05T12:00", UK)
    left = dials(noon - timedelta(hours=71), kind=K.ABANDONED)
    assert ask("uk", noon, UK, events=left) == Deny("uk.after_abandoned", Reason.COOL_DOWN, noon + timedelta(hours=1))
    assert ask("uk", noon, UK, events=left, agent_guaranteed=True) == Allow()
    assert load_profile("uk").abandoned.limit == 0.0
    assert load_profile("uk", date(2016, 1, 1)).abandoned.limit == 0.03


def test_what_does_not_pass_by_waiting() -> None:
    never: dict[str, dict[str, Any]] = {
        "person.unknown_zone": {"zones": ()}, "person.contact_revoked": {"contact_revoked": True},
        "do_not_call.box": {"do_not_call": frozenset({"box", "person"})},
        "do_not_call.campaign": {"do_not_call": frozenset({"campaign"})},
        "do_not_call.person": {"do_not_call": frozenset({"person"})},
        "campaign.attempts_total": {"lead_attempts": 100},
    }  # fmt: skip
    for rule_id, facts in never.items():
        verdict = ask("neutral", NOON, **facts)
        assert isinstance(verdict, Deny)
        assert (verdict.rule_id, verdict.not_before) == (rule_id, None)


def test_other_people_are_called_only_where_the_rules_let_it() -> None:
    assert ask("neutral", NOON, third_party=True) == Allow()
    assert isinstance(ask("neutral", NOON, third_party=True, third_party_refused=True), Deny)
    assert isinstance(ask("cn", NOON, third_party=True), Deny)
    assert ask("cn", NOON, third_party=True, debtor_unreachable=True) == Allow()
    noon = at("2026-03-05T12:00", RU)
    agreed = (Consent("third_party", noon - timedelta(days=1)),)
    assert isinstance(ask("ru", noon, RU, third_party=True, debtor_unreachable=True), Deny)
    assert ask("ru", noon, RU, third_party=True, consents=agreed) == Allow()
    kolkata = "Asia/Kolkata"
    assert isinstance(ask("in", at("2026-03-05T12:00", kolkata), kolkata, third_party=True, consents=agreed), Deny)


def test_a_machine_that_speaks_wants_consent_where_the_rules_say_so() -> None:
    noon = at("2026-03-05T12:00", US)
    assert ask("us", noon, US, channel=Channel.ROBOT) == Deny("us.robot_consent", Reason.ROBOT_CONSENT, None)
    agreed = (Consent("robot", noon - timedelta(days=90)),)
    assert ask("us", noon, US, channel=Channel.ROBOT, consents=agreed) == Allow()
    assert ask("ru", at("2026-03-05T12:00", RU), RU, channel=Channel.ROBOT) == Allow()


def test_a_person_in_a_call_is_not_dialled_whichever_campaign_called() -> None:
    verdict = ask("neutral", NOON, in_call=True)
    assert verdict == Deny("person.in_call", Reason.IN_CALL, NOON + timedelta(minutes=2))


def test_agreed_hours_lift_the_laws_hours_and_not_the_campaigns() -> None:
    late = at("2026-03-05T22:30")
    agreed = (Consent("hours", late - timedelta(days=1)),)
    assert ask("cn", late, consents=agreed) == Allow()
    office = CampaignConfig(rule_profile="cn", attempts_total_max=100)
    assert ask("cn", late, config=office, consents=agreed) == Deny(
        "campaign.hours", Reason.HOURS, at("2026-03-06T08:00")
    )


def test_a_person_who_may_be_in_two_zones_is_called_when_both_are_open() -> None:
    early = at("2026-03-05T08:30", "America/New_York")
    verdict = ask("us", early, zones=("America/New_York", "America/Los_Angeles"))
    assert verdict == Deny("us-regf.hours", Reason.HOURS, at("2026-03-05T08:00", "America/Los_Angeles"))


def test_all_rules_in_the_way_are_told() -> None:
    late = at("2026-03-05T23:00")
    talks = dials(*(late - timedelta(hours=n) for n in (2, 3, 4)), kind=K.CONVERSATION)
    ledger = Ledger(number="n", events=talks, zones=(CN,), do_not_call=frozenset({"person"}))
    found = denials(ledger, load_profile("cn"), late)
    assert [deny.rule_id for deny in found] == [
        "do_not_call.person", "cn-gbt.conversations_per_day", "cn-gbt.quiet_hours", "cn-cba.quiet_hours"
    ]  # fmt: skip


def test_old_names_and_dated_versions() -> None:
    assert {"neutral", "cn", "ru", "us", "uk", "in"} <= set(profile_ids())
    assert load_profile("cn").version == "2025-02-28+2026-01-30"
    assert load_profile("cn", date(2025, 6, 1)).version == "2025-02-28"
    assert versions("ru") == [date(2017, 1, 1), date(2024, 2, 1)]
    with pytest.raises(CallerError) as error:
        load_profile("cn", date(2020, 1, 1))
    assert error.value.error_id == "compliance.not_in_force"
    with pytest.raises(CallerError):
        load_profile("../cn")


def test_every_rule_names_its_source_and_how_sure_it_is() -> None:
    for name in profile_ids():
        profile = load_profile(name)
        parts = [profile.abandoned, profile.robot, profile.recording, profile.third_party, *profile.rules]
        for part in (part.model_dump() for part in parts):
            assert part["source"]
            assert part["confidence"] in "HML"


def test_joined_rules_take_the_strictest_of_each() -> None:
    us = load_profile("us")
    assert (us.abandoned.limit, us.abandoned.clock, us.abandoned.window_hours) == (0.03, "greeting_end", 720)
    assert us.robot.needs_consent
    assert not us.robot.greeting_allowed
    assert us.recording.notice
    assert us.recording.keep_days == 1096
    assert us.third_party.allowed == "to_reach"


STRICTER: dict[str, float | list[str]] = {
    "ru.talks_per_week": 1, "ru.hours": ["10:00-12:00", "13:00-21:00"], "abandoned.limit": 0.005
}  # fmt: skip


def test_a_campaign_may_be_stricter() -> None:
    config = CampaignConfig(calling_hours=ALL_DAY, rule_profile="ru", rule_overrides=STRICTER)
    rules = rules_of(config, "UTC")
    assert rules.abandoned.limit == 0.005
    midday = at("2026-03-05T12:30", RU)
    assert ask("ru", midday, RU, config) == Deny("ru.hours", Reason.HOURS, midday + timedelta(minutes=30))
    saturday = at("2026-03-07T20:30", RU)  # the law closes at 20:00 then
    assert ask("ru", saturday, RU, config) == Deny("ru.hours", Reason.HOURS, at("2026-03-08T10:00", RU))
    noon = at("2026-03-05T11:00", RU)
    talked = dials(noon - timedelta(days=3), kind=K.CONVERSATION)
    assert ask("ru", noon, RU, config, events=talked) == Deny("ru.talks_per_week", Reason.CAP, noon + timedelta(days=4))


@pytest.mark.parametrize(("name", "override", "error_id"), [
    ("ru", {"ru.talks_per_week": 3}, "compliance.looser_than_rule"),
    ("ru", {"ru.hours": ["07:00-12:00"]}, "compliance.looser_than_rule"),
    ("us", {"us-regf.after_conversation": 6}, "compliance.looser_than_rule"),
    ("us", {"abandoned.limit": 0.04}, "compliance.looser_than_rule"),
    ("uk", {"uk.after_abandoned": 24}, "compliance.looser_than_rule"),
    ("cn", {"ru.hours": ["09:00-12:00"]}, "compliance.unknown_rule"),
    ("ru", {"ru.hours": ["nine"]}, "compliance.bad_override"),
    ("ru", {"ru.hours": 9}, "compliance.bad_override"),
    ("ru", {"ru.talks_per_week": ["1"]}, "compliance.bad_override"),
    ("ru", {"ru.talks_per_week": 0.5}, "compliance.bad_override"),
])  # fmt: skip
def test_a_campaign_may_not_loosen_a_rule(name: str, override: dict[str, Any], error_id: str) -> None:
    with pytest.raises(ValidationErrors) as error:
        rules_of(CampaignConfig(rule_profile=name, rule_overrides=override), "UTC")
    assert [found[1] for found in error.value.errors] == [error_id]
