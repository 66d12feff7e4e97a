"""How many lines each campaign may have now: pacers that are told what happens, and agents shared by weight.

Progressive campaigns take ready agents as they come. A predictive campaign dials ahead of its agents, so each agent
who works in one is counted for one campaign at a time; whoever needs him first still gets him.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from appliance.clock import Clock
from appliance.domain.agent import Agent
from appliance.domain.answer_model import Calibration, NumberHistory
from appliance.domain.call_model import Call
from appliance.domain.campaign import CampaignConfig
from appliance.domain.hearing import overruled
from appliance.domain.line_share import FairShare, allot, kept_for_inbound, share_agents
from appliance.domain.outcome import Verdict
from appliance.domain.pacing import (
    Abandoned,
    AgentState,
    Answered,
    AttemptEnded,
    AttemptStarted,
    Connected,
    Pacer,
    PacerConfig,
    PacerEvent,
)
from appliance.domain.routing import may_work_in
from appliance.engine.foresight import Foresight
from appliance.engine.room import Campaign, Room
from appliance.engine.terms import Terms, patience_s, terms_of
from appliance.logs import get_logger
from appliance.settings import DiallingSettings
from appliance.types import AgentState as Is
from appliance.types import CampaignMode, CampaignState

_WORKING = frozenset({Is.TALKING, Is.WRAP_UP})
_SHARES = frozenset({CampaignMode.PREDICTIVE, CampaignMode.PROGRESSIVE})


class Pace:
    """Told by the core what happens to calls and agents, asked by the dialler each round."""

    def __init__(self, room: Room, settings: DiallingSettings, clock: Clock) -> None:
        self._room, self._settings, self._clock = room, settings, clock
        self._pacers: dict[str, Pacer] = {}
        self._learnt: dict[str, dict[str, Any]] = {}  # states of campaigns whose pacer is not made yet
        self._terms: dict[str, tuple[CampaignConfig, Terms]] = {}
        self._foresight = Foresight()
        self._fair = FairShare()
        self._asking: frozenset[str] = frozenset()
        self._again: set[str] = set()  # agents who became ready: they may be counted for another campaign
        self._told: dict[str, tuple[str, str, bool]] = {}  # campaign, state, soon over: told a pacer last, by agent
        self._no_person: set[str] = set()  # agents who talk, and the ear says: with a machine
        self._worked_since: dict[str, tuple[str, float]] = {}  # campaign and begin of the agent's present work
        self._log = get_logger()

    # ---- what happens --------------------------------------------------------------------------------------

    def call_started(self, call: Call, history: NumberHistory | None = None) -> None:
        """A dial began; `history`: what was known of its number."""
        if call.policy.owner_agent_id is None:
            chance = self._foresight.started(call, history)
            self._tell(call.campaign_id, AttemptStarted(call.attempt_id, call.created_at.timestamp(), chance))
            self.call_changed(replace(call, answered_at=None, bridged_at=None), call)  # one that lived on without us

    def call_changed(self, before: Call, call: Call) -> None:
        """A transition: tell what is new of the call."""
        if call.policy.owner_agent_id is not None:
            return
        if call.answered_at and not before.answered_at:
            self._tell(call.campaign_id, Answered(call.attempt_id, call.answered_at.timestamp()))
        if call.bridged_at and not before.bridged_at:
            at_s = call.bridged_at.timestamp()
            self._tell(call.campaign_id, Connected(call.attempt_id, call.agent_id or "", at_s))
        if call.abandoned and not before.abandoned:
            self._tell(call.campaign_id, Abandoned(call.attempt_id, self._now_s()))

    def late_word(self, agent: Agent, call: Call) -> None:
        """The ear knows better what the agent has on the line; with a machine nobody talks for long."""
        if overruled(call.heard, call.late):
            self._no_person.add(agent.agent_id)
            self.agent_changed(agent.state, agent, call.campaign_id)

    def call_ended(self, call: Call, verdict: Verdict) -> None:
        self._foresight.ended(call, verdict.outcome)
        if call.policy.owner_agent_id is None:
            self._tell(call.campaign_id, AttemptEnded(call.attempt_id, verdict.outcome, self._now_s()))

    def agent_changed(self, before: Is, agent: Agent, campaign_id: str | None) -> None:
        """An agent's state changed; `campaign_id`: of the conversation he has or had."""
        now_s = self._now_s()
        if before in _WORKING and agent.state not in _WORKING and agent.agent_id in self._worked_since:
            campaign, since_s = self._worked_since.pop(agent.agent_id)
            self._fair.spend(campaign, now_s - since_s, now_s)
        if agent.state in _WORKING and agent.agent_id not in self._worked_since and campaign_id:
            self._worked_since[agent.agent_id] = (campaign_id, now_s)
        if agent.state is Is.READY:
            self._again.add(agent.agent_id)
        if agent.state is not Is.TALKING:
            self._no_person.discard(agent.agent_id)
        given = self._room.given.get(agent.agent_id)
        if given is not None:
            self._tell_agent(agent.agent_id, given, agent.state, soon_over=self._soon_over(agent))
        if agent.state is Is.OFFLINE:
            self._room.given.pop(agent.agent_id, None)
            self._told.pop(agent.agent_id, None)

    # ---- who dials for whom ----------------------------------------------------------------------------------

    def share(self, running: Sequence[Campaign]) -> dict[str, int]:
        """Return for each running campaign the ready agents for whom it may dial at once (progressive).

        `running` in order of turn. Agents of predictive campaigns are shared out before, and their pacers told.
        """
        now = self._clock.now()
        asking = [c for c in running if c.mode in _SHARES and self._wants_agents(c, now.timestamp())]
        works_in = {
            agent.agent_id: frozenset(c.campaign_id for c in asking if may_work_in(agent, c.campaign_id, c.config))
            for agent in self._room.agents.values()
        }
        self._fair.take_part({c.campaign_id: c.config.weight for c in asking})
        paced = {c.campaign_id for c in asking if c.mode is CampaignMode.PREDICTIVE}
        self._share_out(works_in, frozenset(c.campaign_id for c in asking), paced)
        kept = self._kept()
        for agent_id, campaign_id in self._room.given.items():
            if campaign_id in paced:
                agent = self._room.agents[agent_id]
                state = Is.RESERVED if agent_id in kept else agent.state
                self._tell_agent(agent_id, campaign_id, state, soon_over=self._soon_over(agent))
        ready = {
            agent.agent_id: works_in[agent.agent_id] - paced
            for agent in self._room.ready_agents()
            if agent.agent_id not in kept and self._room.given.get(agent.agent_id) not in paced
        }
        lines = {c.campaign_id: self._room.lines(c.campaign_id) for c in running}
        order = [c.campaign_id for c in running if c.mode is CampaignMode.PROGRESSIVE]
        return {c.campaign_id: 0 for c in running} | share_agents(ready, lines, order, self._fair)

    def lines_wanted(self, campaign: Campaign) -> int:
        """Return what a predictive campaign's pacer asks for now, knowing who would be dialled next."""
        chances = [self._foresight.chance(campaign.campaign_id, history) for history in campaign.next_up]
        return self._pacer(campaign).decide(self._now_s(), chances)

    def calibration(self, campaign_id: str) -> Calibration:
        """How far the answer chances of a campaign's numbers came true."""
        return self._foresight.calibration(campaign_id)

    def _wants_agents(self, campaign: Campaign, now_s: float) -> bool:
        due = campaign.due_at is None or campaign.due_at.timestamp() <= now_s
        return (due and not campaign.exhausted) or self._room.lines(campaign.campaign_id) > 0

    def _share_out(self, works_in: dict[str, frozenset[str]], asking: frozenset[str], paced: set[str]) -> None:
        """Count each agent who works in a predictive campaign for one of his campaigns."""
        movable = {agent_id: own for agent_id, own in works_in.items() if own & paced}
        again = frozenset(self._again) if asking == self._asking else frozenset(movable)
        self._asking, self._again = asking, set()
        given = allot(movable, self._room.given, again, self._fair)
        for agent_id, campaign_id in self._room.given.items():
            if given.get(agent_id) != campaign_id:
                self._tell_agent(agent_id, campaign_id, Is.OFFLINE)
        self._room.given = given

    def _kept(self) -> frozenset[str]:
        """Return the ready agents who are left to callers."""
        ready = sorted(self._room.ready_agents(), key=lambda a: a.idle_since.timestamp() if a.idle_since else 0.0)
        return kept_for_inbound([agent.agent_id for agent in ready], self._room.inbound_loads)

    # ---- pacers ------------------------------------------------------------------------------------------------

    def config_of(self, campaign: Campaign, config: CampaignConfig | None = None) -> PacerConfig:
        """How a campaign is paced, or would be under another configuration."""
        config = config or campaign.config
        terms = self._terms_of(campaign) if config is campaign.config else terms_of(config, self._settings)
        return PacerConfig(
            abandoned_limit=allowance(terms, campaign), window_s=terms.window_s,
            answer_within_s=patience_s(config, terms), max_lines=config.max_lines,
        )  # fmt: skip

    def snapshot(self, campaign: Campaign) -> tuple[Pacer, list[float]]:
        """A copy of what its pacer knows, and the answer chances of who is next in turn: to look ahead with."""
        pacer = self._pacer(campaign)
        chances = [self._foresight.chance(campaign.campaign_id, history) for history in campaign.next_up]
        return Pacer.from_plain(pacer.to_plain(), pacer.config), chances

    def _pacer(self, campaign: Campaign) -> Pacer:
        config = self.config_of(campaign)
        pacer = self._pacers.get(campaign.campaign_id)
        if pacer is None:
            pacer = self._pacers[campaign.campaign_id] = self._made(campaign.campaign_id, config)
        if pacer.config != config:
            pacer.reconfigure(config)
        return pacer

    def _terms_of(self, campaign: Campaign) -> Terms:
        """The terms of its configuration, worked out once: they are asked for at each event."""
        known = self._terms.get(campaign.campaign_id)
        if known is None or known[0] is not campaign.config:
            known = self._terms[campaign.campaign_id] = (campaign.config, terms_of(campaign.config, self._settings))
        return known[1]

    def _tell(self, campaign_id: str, event: PacerEvent) -> None:
        campaign = self._room.campaigns.get(campaign_id)
        if campaign is not None and campaign.mode is CampaignMode.PREDICTIVE:
            self._pacer(campaign).observe(event)

    def _tell_agent(self, agent_id: str, campaign_id: str, state: Is, *, soon_over: bool = False) -> None:
        """Tell a pacer the state of an agent once."""
        if self._told.get(agent_id) != (campaign_id, state, soon_over):
            self._told[agent_id] = (campaign_id, state, soon_over)
            self._tell(campaign_id, AgentState(agent_id, state, self._now_s(), soon_over))

    def _soon_over(self, agent: Agent) -> bool:
        """Say whether a talk is known to end soon: its disposition stands, or no person is on the line."""
        return agent.state is Is.TALKING and (agent.disposed or agent.agent_id in self._no_person)

    def _now_s(self) -> float:
        return self._clock.now().timestamp()

    # ---- over a restart ------------------------------------------------------------------------------------------

    def take(self, states: dict[str, dict[str, Any]]) -> None:
        """Take what pacers had learnt before a restart."""
        self._learnt = dict(states)

    def _made(self, campaign_id: str, config: PacerConfig) -> Pacer:
        """A pacer with what it had learnt before a restart; agents and calls are told to it anew."""
        state = self._learnt.pop(campaign_id, None)
        if state is None:
            return Pacer(config)
        if "answers" in state:
            self._foresight.take(campaign_id, state["answers"])
        try:
            pacer = Pacer.from_plain(state, config)
        except (KeyError, TypeError, ValueError):  # of another version, or spoilt: it learns anew
            self._log.warning("pacer state not taken", campaign=campaign_id)
            return Pacer(config)
        pacer.forget_room()
        return pacer

    def states(self) -> dict[str, dict[str, Any]]:
        """Return what the pacers of running campaigns have learnt."""
        return {
            campaign_id: {**pacer.to_plain(), "answers": self._foresight.to_plain(campaign_id)}
            for campaign_id, pacer in self._pacers.items()
            if campaign_id in self._room.campaigns and self._room.campaigns[campaign_id].state is CampaignState.RUNNING
        }


def allowance(terms: Terms, campaign: Campaign) -> float:
    """Return the share of abandoned people that pacing may spend: less where people dropped as machines count too."""
    figure = campaign.figure
    if not terms.estimate_dropped or not figure.people:
        return terms.limit
    left = terms.limit * (figure.people + figure.dropped) - figure.dropped
    return round(min(terms.limit, max(0.0, left / figure.people)), 4)
