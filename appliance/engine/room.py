"""The engine's memory: what lives now. Only `core` and its helpers change it, all in one thread."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from appliance.domain.abandoned import AbandonedFigure
from appliance.domain.agent import Agent
from appliance.domain.answer_model import Calibration, NumberHistory
from appliance.domain.call_model import Call, CallState
from appliance.domain.campaign import CampaignConfig
from appliance.domain.line_share import InboundLoad
from appliance.domain.routing import may_work_in
from appliance.engine.inbound_room import CallerFacts, InboundRoom
from appliance.events import TRUNK_WORD_S
from appliance.store.repositories.attempts import AttemptCounts
from appliance.types import AgentState, CampaignMode, CampaignState

UNASSIGNED = frozenset({CallState.DIALLING, CallState.EARLY, CallState.ANSWERED, CallState.HEARD})
"""A line in one of these states will need an agent, or is waiting for one."""

ASK_NOW = datetime.min.replace(tzinfo=UTC)
"""`Campaign.due_at`: ask the store at once, whatever lead is returned for later meanwhile."""

_UNLIMITED = 10_000
PREVIEW_STATES = frozenset({AgentState.PREVIEWING, AgentState.DIALLING})


@dataclass(frozen=True)
class LeadCard:
    """The record of a lead as it was when it was picked: for the agent's screen and for routing."""

    lead_id: str
    number: str
    name: str = ""
    external_id: str = ""
    amount_minor: int | None = None
    currency: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    attempts: int = 0
    last_outcome: str = ""
    last_agent_id: str | None = None
    callback_agent_id: str | None = None
    caller: CallerFacts | None = None  # inbound: the customer called us
    history: NumberHistory | None = None  # of the number before the dial, where the campaign is paced ahead


@dataclass
class Campaign:
    """One campaign. `due_at`: nothing to dial before it (None: the store is asked); `exhausted`: no lead waits."""

    campaign_id: str
    name: str
    mode: CampaignMode
    state: CampaignState
    config: CampaignConfig
    due_at: datetime | None = ASK_NOW
    exhausted: bool = False
    blocked_reason: str = ""
    lead_counts: dict[str, int] = field(default_factory=dict)
    counts: AttemptCounts = field(default_factory=AttemptCounts)
    figure: AbandonedFigure = field(default_factory=AbandonedFigure)  # over the window of its limit, as last counted
    limit: float = 0.0  # share of abandoned people that may be; 0: it is not paced ahead
    foresight: Calibration = field(default_factory=Calibration)  # of its answer model, as last counted
    next_up: tuple[NumberHistory, ...] = ()  # of the numbers next in turn, as the list stood at the last look

    def lead_returned(self, due_at: datetime) -> None:
        """A lead waits again from `due_at` on."""
        self.due_at = min(self.due_at, due_at) if self.due_at else due_at
        self.exhausted = False

    def note_due(self, next_due_at: datetime | None) -> None:
        """What the store says is next; a lead that was returned while it was asked is not forgotten."""
        if next_due_at is not None:
            self.lead_returned(next_due_at)
        elif self.due_at is None:
            self.exhausted = True
            self.due_at = datetime.max.replace(tzinfo=UTC)

    def look_again(self) -> None:
        """The list or the configuration changed: ask the store."""
        self.due_at, self.exhausted = ASK_NOW, False


@dataclass(frozen=True)
class Line:
    """What one attempt is dialled through; `caller_id` empty: whatever the gateway shows."""

    trunk_id: str
    caller_id: str = ""


@dataclass
class Trunk:
    """A group of channels; `not_before_s` (monotonic): it rests until then."""

    trunk_id: str
    channels: int
    enabled: bool
    callers: tuple[str, ...] = ()  # numbers it may show
    per_s: float | None = None  # new calls per second that its carrier takes; None: no limit of its own
    not_before_s: float = 0.0
    failures: int = 0
    usable: int | None = None  # channels by the word of `watch`; None: all
    told_s: float = 0.0  # when it said so (monotonic)

    @property
    def word_ends_s(self) -> float:
        """When the word of `watch` that narrows this trunk runs out; 0 while it is whole."""
        narrowed = self.usable is not None and self.usable < self.channels
        return self.told_s + TRUNK_WORD_S if narrowed else 0.0

    def open_channels(self, now_s: float) -> int:
        """Channels that may be used now; the word of `watch` holds only while it is there to take it back."""
        if self.usable is None or now_s - self.told_s > TRUNK_WORD_S:
            return self.channels
        return min(self.channels, self.usable)


@dataclass(frozen=True)
class Told:
    """What a supervisor did with an agent: ready | pause | log_out | taken_over."""

    by: str
    what: str
    at: datetime


@dataclass
class Desk:
    """What belongs to an agent beside his state: his session row, the record on his screen."""

    session_id: str
    card: LeadCard | None = None
    campaign_id: str | None = None
    popped_at: datetime | None = None
    preview_ends: datetime | None = None  # then the record on the screen is dialled or skipped
    told: Told | None = None  # until he does something himself


@dataclass
class Room:
    """Everything that lives. A conversation id is its attempt id."""

    campaigns: dict[str, Campaign] = field(default_factory=dict)
    trunks: dict[str, Trunk] = field(default_factory=dict)
    agents: dict[str, Agent] = field(default_factory=dict)
    desks: dict[str, Desk] = field(default_factory=dict)
    calls: dict[str, Call] = field(default_factory=dict)
    cards: dict[str, LeadCard] = field(default_factory=dict)  # by attempt
    last_sign_s: dict[str, float] = field(default_factory=dict)  # by attempt, monotonic
    waiting: list[str] = field(default_factory=list)  # attempts with a live person and no agent, first come first
    given: dict[str, str] = field(default_factory=dict)  # campaign by agent, while campaigns are paced ahead
    inbound_loads: list[InboundLoad] = field(default_factory=list)  # what queues ask of the agents
    inbound: InboundRoom = field(default_factory=InboundRoom)
    failing_over: list[str] = field(default_factory=list)  # campaigns of numbers on their way to another trunk
    seat_recording: dict[str, str] = field(default_factory=dict)  # seats with a recording policy of their own
    disk_low: bool = False
    clock_trusted: bool = True  # calling hours depend on it
    started: dict[str, float] = field(default_factory=dict)  # LiveRoom.started

    def config(self, campaign_id: str) -> CampaignConfig:
        """Return a campaign's configuration; the default one when the campaign is gone."""
        campaign = self.campaigns.get(campaign_id)
        return campaign.config if campaign else CampaignConfig()

    def lines(self, campaign_id: str) -> int:
        """Return the lines that will need a ready agent (preview dials have their own)."""
        return self.failing_over.count(campaign_id) + sum(
            call.campaign_id == campaign_id and call.state in UNASSIGNED and call.policy.owner_agent_id is None
            for call in self.calls.values()
        )

    def lines_left(self, campaign: Campaign) -> int:
        """Return how many more lines the campaign may have at once."""
        most = campaign.config.max_lines
        used = sum(call.campaign_id == campaign.campaign_id for call in self.calls.values()) if most else 0
        return max(0, most - used) if most else _UNLIMITED

    def agents_for(self, campaign: Campaign) -> int:
        """Return how many agents who may work in the campaign are there, not on a pause, and not counted elsewhere."""
        return sum(
            agent.state not in (AgentState.PAUSED, AgentState.OFFLINE)
            and self.given.get(agent.agent_id, campaign.campaign_id) == campaign.campaign_id
            and may_work_in(agent, campaign.campaign_id, campaign.config)
            for agent in self.agents.values()
        )

    def busy(self, campaign_id: str) -> bool:
        """Say whether an attempt of the campaign is open or its record stands on a screen before the dial."""
        if campaign_id in self.failing_over:
            return True
        return any(call.campaign_id == campaign_id for call in self.calls.values()) or any(
            desk.campaign_id == campaign_id and self.agents[agent_id].state in PREVIEW_STATES
            for agent_id, desk in self.desks.items()
        )

    def channels_used(self, trunk_id: str) -> int:
        """Return the channels of a trunk that are in use, by called people and by callers."""
        return sum(call.trunk_id == trunk_id for call in self.calls.values()) + self.inbound.on_trunk(trunk_id)

    def ready_agents(self) -> list[Agent]:
        return [agent for agent in self.agents.values() if agent.state is AgentState.READY]
