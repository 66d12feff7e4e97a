"""How many lines to start: one function per campaign mode, and the sharing of agents between campaigns and inbound.

Progressive: one line for each ready agent who has none yet. Predictive: what the campaign's `Pacer` says. Voice: as
many as there are channels. Preview: the agents dial themselves.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from appliance.types import CampaignMode

_MEMORY_S = 600.0


@dataclass(frozen=True)
class Situation:
    """What a mode may look at. `agents_free`: ready agents for whom no line is under way; `paced`: the Pacer's word."""

    agents_free: int
    channels_free: int
    rate_allows: int
    paced: int = 0


def lines_to_start(mode: CampaignMode, situation: Situation) -> int:
    """Return how many lines a campaign of this mode starts now."""
    wanted = {
        CampaignMode.PROGRESSIVE: situation.agents_free,
        CampaignMode.PREDICTIVE: situation.paced,
        CampaignMode.VOICE: situation.channels_free,
        CampaignMode.PREVIEW: 0,
    }[mode]
    return max(0, min(wanted, situation.channels_free, situation.rate_allows))


@dataclass
class FairShare:
    """Whose turn it is: agents' time by campaign, of the last minutes, in proportion to the campaigns' weights.

    What an agent has in hand now counts as much as the same share of the past, so that many agents are divided at once
    and a single one goes from campaign to campaign.
    """

    memory_s: float = _MEMORY_S
    weights: dict[str, int] = field(default_factory=dict)
    _spent_s: dict[str, float] = field(default_factory=dict)  # agent-seconds, fading
    _at_s: float = 0.0

    def take_part(self, weights: Mapping[str, int]) -> None:
        """Say which campaigns want agents; a newcomer starts level with the others, it has nothing saved up."""
        others = [self._spent_s[c] / self.weights[c] for c in self.weights if c in weights]
        level = min(others, default=0.0)
        self._spent_s = {c: self._spent_s[c] if c in self.weights else level * w for c, w in weights.items()}
        self.weights = dict(weights)

    def spend(self, campaign: str, seconds: float, now_s: float) -> None:
        """An agent worked so long for a campaign."""
        fade = math.exp(-max(0.0, now_s - self._at_s) / self.memory_s)
        self._at_s = now_s
        self._spent_s = {c: spent_s * fade for c, spent_s in self._spent_s.items()}
        if campaign in self._spent_s:
            self._spent_s[campaign] += seconds

    def next(self, asking: Sequence[str], in_hand: Mapping[str, int]) -> str:
        """Return who is next among `asking` (not empty; the first of equals), given what each has in hand."""

        def used(campaign: str) -> float:
            in_hand_s = in_hand.get(campaign, 0) * self.memory_s
            return (self._spent_s.get(campaign, 0.0) + in_hand_s) / self.weights.get(campaign, 1)

        return min(asking, key=used)


def share_agents(
    ready: Mapping[str, frozenset[str]], lines: Mapping[str, int], campaigns: Sequence[str],
    fair: FairShare | None = None,
) -> dict[str, int]:  # fmt: skip
    """Return for each campaign the ready agents free for new lines, each agent counted once.

    `ready` maps an agent to the campaigns he works in, `lines` a campaign to its lines not yet handed to an agent;
    `campaigns` in order of turn. Agents of few campaigns are used first, so that the others stay movable.
    """
    fair = fair or FairShare()
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
        campaign = fair.next(asking, {c: lines.get(c, 0) + shares[c] for c in asking})
        if take(campaign):
            shares[campaign] += 1
        else:
            asking.remove(campaign)
    return shares


def allot(
    works_in: Mapping[str, frozenset[str]], before: Mapping[str, str], again: Set[str], fair: FairShare
) -> dict[str, str]:
    """Return the campaign each agent is counted for while campaigns are paced ahead of their agents.

    `works_in`: the campaigns that want agents, by agent. Agents keep the campaign of `before` unless they are in
    `again` or it is none of theirs any more; those of few campaigns choose first.
    """
    kept = {a: before[a] for a, own in works_in.items() if a not in again and before.get(a) in own}
    in_hand: dict[str, int] = {}
    for campaign in kept.values():
        in_hand[campaign] = in_hand.get(campaign, 0) + 1
    for agent, own in sorted(works_in.items(), key=lambda item: (len(item[1]), item[0])):
        if agent not in kept and own:
            campaign = fair.next(sorted(own), in_hand)
            kept[agent] = campaign
            in_hand[campaign] = in_hand.get(campaign, 0) + 1
    return kept


@dataclass(frozen=True)
class InboundLoad:
    """What one queue asks of the agents: who may serve it, callers who wait, callers expected before a line rings out.

    `expected` may be a fraction; it is rounded to the nearest whole agent.
    """

    agents: frozenset[str]
    waiting: int = 0
    expected: float = 0.0


def kept_for_inbound(ready: Sequence[str], loads: Iterable[InboundLoad]) -> frozenset[str]:
    """Return the ready agents for whom nothing is dialled now, so that callers find them; `ready` longest idle first.

    Those who wait idle longest are left to the callers: they are the ones whom routing gives them.
    """
    kept: set[str] = set()
    for load in sorted(loads, key=lambda one: len(one.agents)):
        needed = load.waiting + math.floor(load.expected + 0.5)
        able = [agent for agent in ready if agent in load.agents and agent not in kept]
        kept.update(able[:needed])
    return frozenset(kept)


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
