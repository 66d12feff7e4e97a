"""Sharing ready agents between campaigns, the lines of each mode, and the rate of new calls."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domain.line_share import RateLimit, Situation, pacer, share_agents
from appliance.errors import CallerError
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
        c: pacer(CampaignMode.PROGRESSIVE)(Situation(shares[c], channels, rate)) for c in CAMPAIGNS
    }  # fmt: skip
    for campaign in CAMPAIGNS:
        members = sum(campaign in works_in for works_in in ready.values())
        assert 0 <= started[campaign] <= min(channels, rate)
        if started[campaign]:
            assert started[campaign] + lines.get(campaign, 0) <= members
    if all(value == 0 for value in lines.values()):
        assert sum(shares.values()) == sum(bool(works_in) for works_in in ready.values())
    assert sum(shares.values()) <= len(ready)


def test_modes_that_are_not_there_yet_say_so() -> None:
    assert pacer(CampaignMode.PREVIEW)(Situation(5, 5, 5)) == 0
    for mode in (CampaignMode.PREDICTIVE, CampaignMode.VOICE):
        with pytest.raises(CallerError) as error:
            pacer(mode)
        assert error.value.error_id == "campaign.mode_not_available"


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
