"""Sharing ready agents between campaigns, the lines of each mode, and the rate of new calls."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.line_share import (
    FairShare,
    InboundLoad,
    RateLimit,
    Situation,
    allot,
    kept_for_inbound,
    lines_to_start,
    share_agents,
)
from appliance.types import CampaignMode

pytestmark = pytest.mark.unit

CAMPAIGNS = ["c1", "c2", "c3"]


@given(
    st.dictionaries(st.text("ab", min_size=1, max_size=4), st.frozensets(st.sampled_from(CAMPAIGNS)), max_size=12),
    st.dictionaries(st.sampled_from(CAMPAIGNS), st.integers(0, 8)),
    st.integers(0, 10), st.integers(0, 10),
)  # fmt: skip
def test_progressive_never_exceeds_agents_or_channels(
    ready: dict[str, frozenset[str]], lines: dict[str, int], channels: int, rate: int
) -> None:
    shares = share_agents(ready, lines, CAMPAIGNS)
    started = {
        c: lines_to_start(CampaignMode.PROGRESSIVE, Situation(shares[c], channels, rate)) for c in CAMPAIGNS
    }  # fmt: skip
    for campaign in CAMPAIGNS:
        members = sum(campaign in works_in for works_in in ready.values())
        assert 0 <= started[campaign] <= min(channels, rate)
        if started[campaign]:
            assert started[campaign] + lines.get(campaign, 0) <= members
    if all(value == 0 for value in lines.values()):
        assert sum(shares.values()) == sum(bool(works_in) for works_in in ready.values())
    assert sum(shares.values()) <= len(ready)


def test_each_mode_starts_what_limits_it() -> None:
    situation = Situation(agents_free=3, channels_free=20, rate_allows=10, paced=7)
    started = {mode: lines_to_start(mode, situation) for mode in CampaignMode}
    assert started == {
        CampaignMode.PREVIEW: 0, CampaignMode.PROGRESSIVE: 3, CampaignMode.PREDICTIVE: 7, CampaignMode.VOICE: 10,
    }  # fmt: skip


def test_agents_time_goes_by_weight_in_the_long_run() -> None:
    """One agent between two campaigns, another talk time each: his time follows the weights, not the calls."""
    fair, now_s, spent = FairShare(), 0.0, {"c1": 0.0, "c2": 0.0}
    fair.take_part({"c1": 3, "c2": 1})
    for _ in range(2000):
        campaign = fair.next(["c1", "c2"], {})
        talk_s = 30.0 if campaign == "c1" else 90.0
        now_s += talk_s
        spent[campaign] += talk_s
        fair.spend(campaign, talk_s, now_s)
    assert spent["c1"] / (spent["c1"] + spent["c2"]) == pytest.approx(0.75, abs=0.05)


def test_a_campaign_that_comes_later_has_nothing_saved_up() -> None:
    fair = FairShare()
    fair.take_part({"c1": 1})
    fair.spend("c1", 500.0, 10.0)
    fair.take_part({"c1": 1, "c2": 1})
    assert {fair.next(order, {}) for order in (["c1", "c2"], ["c2", "c1"])} == {"c1", "c2"}


@given(
    st.dictionaries(st.text("ab", min_size=1, max_size=4), st.frozensets(st.sampled_from(CAMPAIGNS)), max_size=12),
    st.dictionaries(st.text("ab", min_size=1, max_size=4), st.sampled_from(CAMPAIGNS)),
    st.frozensets(st.text("ab", min_size=1, max_size=4)),
)
def test_every_agent_is_counted_for_one_of_his_campaigns(
    works_in: dict[str, frozenset[str]], before: dict[str, str], again: frozenset[str]
) -> None:
    fair = FairShare()
    fair.take_part({"c1": 1, "c2": 2, "c3": 4})
    given_to = allot(works_in, before, again, fair)
    assert set(given_to) == {agent for agent, own in works_in.items() if own}
    assert all(given_to[agent] in works_in[agent] for agent in given_to)
    stays = [a for a in given_to if a not in again and before.get(a) in works_in[a]]
    assert all(given_to[agent] == before[agent] for agent in stays)


def test_agents_of_all_campaigns_are_divided_by_weight() -> None:
    fair = FairShare()
    fair.take_part({"c1": 2, "c2": 1})
    given_to = allot({f"a{n}": frozenset({"c1", "c2"}) for n in range(30)}, {}, frozenset(), fair)
    assert sorted(given_to.values()).count("c1") == 20


def test_callers_keep_agents_from_dialling() -> None:
    ready = ["a1", "a2", "a3", "a4"]
    few, all_of_them = frozenset({"a1"}), frozenset(ready)
    loads = [InboundLoad(all_of_them, waiting=1, expected=0.6), InboundLoad(few, expected=0.5)]
    assert kept_for_inbound(ready, loads) == {"a1", "a2", "a3"}
    assert kept_for_inbound(ready, []) == frozenset()
    assert kept_for_inbound(ready, [InboundLoad(all_of_them, waiting=9)]) == all_of_them


@given(st.lists(st.floats(0.0, 0.5), min_size=1, max_size=200))
def test_rate_limit_holds_over_any_second(gaps_s: list[float]) -> None:
    rate = RateLimit(10.0)
    now_s, starts = 1000.0, []
    for gap_s in gaps_s:
        now_s += gap_s
        allowed = rate.allows(now_s)
        rate.use(allowed)
        starts += [now_s] * allowed
    for start_s in starts:
        assert sum(start_s <= other < start_s + 1.0 for other in starts) <= 10 + 3
