"""How many lines to start: one function per campaign mode, and the sharing of agents between campaigns.

Progressive: one line for each ready agent who has none yet. Preview: the agents dial themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from appliance.errors import CallerError
from appliance.types import CampaignMode


@dataclass(frozen=True)
class Situation:
    """What a pacer may look at. `agents_free`: ready agents for whom no line is under way."""

    agents_free: int
    channels_free: int
    rate_allows: int


def _progressive(situation: Situation) -> int:
    return max(0, min(situation.agents_free, situation.channels_free, situation.rate_allows))


def _agents_dial(_situation: Situation) -> int:
    return 0


PACERS: dict[CampaignMode, Callable[[Situation], int]] = {
    CampaignMode.PROGRESSIVE: _progressive,
    CampaignMode.PREVIEW: _agents_dial,
}


def pacer(mode: CampaignMode) -> Callable[[Situation], int]:
    """Return the pacing function of a mode; raises CallerError `campaign.mode_not_available`."""
    found = PACERS.get(mode)
    if found is None:
        raise CallerError(
            "campaign.mode_not_available",
            f"The mode '{mode}' is not available in this version; use progressive or preview.", mode=str(mode),
        )  # fmt: skip
    return found


def share_agents(
    ready: Mapping[str, frozenset[str]], lines: Mapping[str, int], campaigns: Sequence[str]
) -> dict[str, int]:
    """Return for each campaign the ready agents free for new lines, each agent counted once.

    `ready` maps an agent to the campaigns he works in, `lines` a campaign to its lines not yet handed to an agent;
    `campaigns` in order of turn. Agents of few campaigns are used first, so that the others stay movable.
    """
    pool = dict(sorted(ready.items(), key=lambda item: (len(item[1]), item[0])))

    def take(campaign: str) -> bool:
        for agent, works_in in pool.items():
            if campaign in works_in:
                del pool[agent]
                return True
        return False

    short: set[str] = set()
    for campaign in campaigns:
        taken = [take(campaign) for _ in range(lines.get(campaign, 0))]
        if not all(taken):
            short.add(campaign)
    shares = dict.fromkeys(campaigns, 0)
    asking = [c for c in campaigns if c not in short]
    while asking:
        asking = [c for c in asking if take(c)]
        for campaign in asking:
            shares[campaign] += 1
    return shares


@dataclass
class RateLimit:
    """A token bucket over one second: at most `per_s` new calls in a second, spread when agents come in bursts."""

    per_s: float
    tokens: float = 1.0
    at_s: float = 0.0

    def allows(self, now_s: float) -> int:
        """Return how many calls may start now (monotonic seconds)."""
        self.tokens = min(max(1.0, self.per_s / 4), self.tokens + (now_s - self.at_s) * self.per_s)
        self.at_s = now_s
        return int(self.tokens)

    def use(self, calls: int) -> None:
        self.tokens -= calls

    def wait_s(self) -> float:
        """Return the seconds until the next call may start."""
        return max(0.0, (1.0 - self.tokens) / self.per_s)
