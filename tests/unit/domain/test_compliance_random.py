"""Random ledgers judged by the rules and by the independent checker; and the checker notices each rule left out."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.bench.compliance import Tally, drive, judge
from appliance.bench.compliance_checker import LAWS, Own, broken_rules
from appliance.bench.compliance_ledgers import campaigns, draw_one
from appliance.domain.calling_hours import WEEKDAYS
from appliance.domain.campaign import CampaignConfig
from appliance.domain.compliance import Allow, may_contact
from appliance.domain.compliance_ledger import Channel, Consent, Event, EventKind, Ledger
from appliance.domain.compliance_own import rules_of
from appliance.domain.compliance_profile import load_profile

pytestmark = pytest.mark.unit
NOW = datetime(2026, 10, 26, 12, tzinfo=UTC)  # a week in which clocks change on both sides of the Atlantic
ZONES = ("Asia/Shanghai", "Europe/Moscow", "America/New_York", "Europe/London", "Asia/Kolkata")

_events = st.lists(
    st.tuples(
        st.integers(0, 33 * 1440), st.sampled_from(sorted(EventKind)), st.sampled_from("nm"),
        st.sampled_from(["", "d", "e"]), st.sampled_from(["", "1", "2", "3"]),
    ),
    max_size=25,
)  # fmt: skip
_consents = st.lists(
    st.tuples(st.sampled_from(["hours", "frequency", "robot", "third_party"]), st.integers(0, 14 * 24)), max_size=2
)


@st.composite
def _ledgers(draw: st.DrawFn) -> tuple[Ledger, datetime]:
    now = NOW + timedelta(minutes=draw(st.integers(-9 * 1440, 9 * 1440)))
    return Ledger(
        number="n", debt=draw(st.sampled_from(["", "d"])), channel=draw(st.sampled_from(sorted(Channel))),
        events=tuple(Event(now - timedelta(minutes=one[0]), *one[1:]) for one in draw(_events)),
        zones=tuple(draw(st.lists(st.sampled_from(ZONES), min_size=1, max_size=2, unique=True))),
        consents=tuple(Consent(kind, now - timedelta(hours=back)) for kind, back in draw(_consents)),
        third_party=draw(st.booleans()), debtor_unreachable=draw(st.booleans()), agent_guaranteed=draw(st.booleans()),
        lead_attempts=draw(st.integers(0, 7)),
    ), now  # fmt: skip


@pytest.mark.parametrize("profile", sorted(LAWS))
@settings(max_examples=100, deadline=None)
@given(drawn=_ledgers(), per_day=st.integers(1, 8))
def test_the_rules_and_the_checker_agree(profile: str, drawn: tuple[Ledger, datetime], per_day: int) -> None:
    ledger, now = drawn
    config = CampaignConfig(
        rule_profile=profile, attempts_per_day_max=per_day, calling_hours={day: ["07:00-23:00"] for day in WEEKDAYS}
    )
    own = Own({day: [(420, 1380)] for day in range(7)}, per_day, 6)
    verdict = may_contact(ledger, rules_of(config, "UTC"), now)
    assert isinstance(verdict, Allow) == (not broken_rules(profile, ledger, own, now, now))


@pytest.mark.parametrize("profile", sorted(LAWS))
def test_a_thousand_drawn_where_rules_bend(profile: str) -> None:
    tally = drive(profile, 800, seed=7)
    assert not tally.examples, tally.examples[0]
    assert tally.allowed > 50  # the rest is not all there is


@pytest.mark.parametrize(("profile", "rule"), [
    (profile, rule.rule) for profile in ("cn-gbt45251", "cn-cba", "ru-230fz", "us-regf", "us-tsr", "uk-ofcom-fca",
                                         "in-rbi-trai")
    for rule in load_profile(profile).rules
])  # fmt: skip
def test_the_checker_notices_a_rule_that_is_left_out(profile: str, rule: str) -> None:
    draw, tally = random.Random(rule), Tally(profile)
    choices = campaigns(profile, draw, 16)
    for _ in range(10_000):
        drawn = draw_one(profile, draw, choices)
        rules = rules_of(drawn.config, "UTC")
        lacking = rules.model_copy(update={
            name: [one for one in getattr(rules, name) if one.rule != rule] for name in ("hours", "caps", "cool_downs")
        })  # fmt: skip
        judge(profile, drawn, draw, tally, lacking)
        if tally.violations:
            return
    pytest.fail(f"nothing noticed that {rule} is gone")
