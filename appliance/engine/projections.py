"""What the screens see: one agent at once, the room and its campaigns at most twice a second and only on change."""

from __future__ import annotations

import asyncio
import time

import msgspec

from appliance.bus import Bus
from appliance.clock import Clock
from appliance.domain.agent import Agent
from appliance.domain.call_model import Call
from appliance.domain.compliance_own import rules_of
from appliance.domain.inbound_model import InboundCall
from appliance.domain.numbers import zones
from appliance.domain.recording_policy import at_seat, order_for
from appliance.engine.campaigns import Campaigns
from appliance.engine.inbound_views import caller_lines, live_queues
from appliance.engine.room import Campaign, Desk, Room, Trunk
from appliance.errors import StoreError
from appliance.events import Controls, LiveAgent, LiveCampaign, LiveLine, LiveRoom, LiveTrunk
from appliance.logs import get_logger, mask
from appliance.types import E164, AgentState, CampaignState, LeadState, RecordingPolicy

_PERIOD_S = 0.5
_COUNT_SHARE = 20  # counting may take one twentieth of the time
_LIVE_STATES = frozenset({CampaignState.RUNNING, CampaignState.PAUSED})


def live_agent(room: Room, agent: Agent, desk: Desk | None, *, with_record: bool = True) -> LiveAgent:
    """Return one agent as his page sees him; the record stays out of the room's view."""
    campaign = room.campaigns.get(desk.campaign_id) if desk and desk.campaign_id else None
    call = room.calls.get(agent.conversation_id or "")
    called_us = room.inbound.calls.get(agent.conversation_id or "")
    caller = desk.card.caller if desk and desk.card else None
    talk = call or called_us
    controls = talk.controls if talk is not None else None
    own = talk is None or talk.agent_id in (None, agent.agent_id)
    told = desk.told if desk else None
    return LiveAgent(
        agent_id=agent.agent_id, display_name=agent.display_name, seat_id=agent.seat_id, state=agent.state.value,
        since_unix_s=agent.since.timestamp() if agent.since else 0.0,
        pending_state=agent.pending.value if agent.pending else None, pause_reason=agent.pause_reason,
        conversation_id=agent.conversation_id, campaign_id=desk.campaign_id if desk else None,
        campaign_name=campaign.name if campaign else "",
        record=_record(campaign, desk) if desk and with_record else None,
        on_hold=controls.held if controls and own else False, muted=controls.muted if controls and own else False,
        recording_paused=controls.recording_paused if controls else False,
        on_demand=_on_demand(room, talk, agent) if talk is not None and own else "",
        third=controls.third if controls and own else "", third_name=_third_name(room, controls) if own else "",
        joined=not own and agent.state is AgentState.TALKING,
        wrap_up_ends_unix_s=agent.wrap_up_ends.timestamp() if agent.wrap_up_ends else None,
        popped_at_unix_s=desk.popped_at.timestamp() if desk and desk.popped_at else None,
        preview_ends_unix_s=desk.preview_ends.timestamp() if desk and desk.preview_ends else None,
        heard_late=_heard_late(call),
        direction="inbound" if caller else "outbound", queue_name=caller.queue_name if caller else "",
        waited_s=round(called_us.wait_s, 1) if called_us else 0.0,
        told_by=told.by if told else "", told_what=told.what if told else "",
        told_at_unix_s=told.at.timestamp() if told else 0.0,
    )  # fmt: skip


def _heard_late(call: Call | None) -> str:
    """What the ear says of a line that the agent has: its later word, or any of it where he dialled himself."""
    word = (call.late or (call.heard if call.policy.owner_agent_id else None)) if call is not None else None
    return word.outcome.value if word is not None else ""


def _on_demand(room: Room, talk: Call | InboundCall, agent: Agent) -> str:
    """Whether the agent may begin the recording, and has."""
    if agent.state is not AgentState.TALKING:
        return ""
    if isinstance(talk, InboundCall):
        record, asked, required = talk.policy.record, talk.policy.record_on_demand, talk.policy.record_required
    else:
        config = room.config(talk.campaign_id)
        record, asked, required = config.record, config.record_on_demand, rules_of(config, "UTC").recording.required
    order = order_for(record=record, on_demand=asked, required=required, seats=room.seat_recording)
    if at_seat(order, agent.seat_id or "") is not RecordingPolicy.ON_DEMAND:
        return ""
    return "on" if talk.controls is not None and talk.controls.recording else "off"


def _third_name(room: Room, controls: Controls | None) -> str:
    """The agent who was brought in, else the seat or number."""
    if controls is None:
        return ""
    other = room.agents.get(controls.third_agent_id)
    return other.display_name if other is not None else controls.third_name


def _record(campaign: Campaign | None, desk: Desk) -> dict[str, object] | None:
    card = desk.card
    if card is None:
        return None
    shown = campaign.config.fields_shown if campaign else []
    masked = campaign is not None and campaign.config.mask_numbers
    caller: dict[str, object] = {}
    if card.caller is not None:
        caller = {"known": card.caller.known, "country": card.caller.country, "history": list(card.caller.history)}
    return caller | {
        "lead_id": card.lead_id, "name": card.name, "number": mask(card.number) if masked else card.number,
        "external_id": card.external_id, "amount_minor": card.amount_minor, "currency": card.currency,
        "fields": {key: value for key, value in card.fields.items() if not shown or key in shown},
        "attempts": card.attempts, "last_outcome": card.last_outcome,
        "time_zone": next(iter(zones(E164(card.number))), ""),
    }  # fmt: skip


def live_campaign(room: Room, campaign: Campaign) -> LiveCampaign:
    """Return the figures of one campaign: its closed attempts as last counted, and its open ones."""
    leads, counts = campaign.lead_counts, campaign.counts
    open_calls = [call for call in room.calls.values() if call.campaign_id == campaign.campaign_id]
    talking = sum(call.state == "talking" for call in open_calls)
    agents = room.agents_for(campaign)
    return LiveCampaign(
        campaign_id=campaign.campaign_id, name=campaign.name, mode=campaign.mode.value, state=campaign.state.value,
        leads_total=sum(leads.values()), leads_waiting=leads.get(LeadState.WAITING, 0),
        leads_done=leads.get(LeadState.DONE, 0),
        leads_retired=leads.get(LeadState.RETIRED, 0) + leads.get(LeadState.DO_NOT_CALL, 0),
        attempts=counts.attempts, live_answers=counts.live_answers, connected=counts.connected,
        abandoned=counts.abandoned, dialling_now=len(open_calls) - talking, talking_now=talking,
        outcomes=counts.outcomes or {}, blocked_reason=campaign.blocked_reason,
        lines_per_agent=round(room.lines(campaign.campaign_id) / agents, 2) if agents else 0.0,
        abandoned_share=campaign.figure.share, abandoned_limit=campaign.limit,
        answers_foretold=round(campaign.foresight.foretold, 4), answers_found=round(campaign.foresight.answered, 4),
        answers_error=round(campaign.foresight.error, 4), answers_judged=round(campaign.foresight.attempts),
    )  # fmt: skip


def live_room(room: Room, clock: Clock) -> LiveRoom:
    """Return the whole room for the supervisor; numbers masked, no records."""
    return LiveRoom(
        agents=[
            live_agent(room, agent, room.desks.get(agent.agent_id), with_record=False)
            for agent in room.agents.values()
        ],
        campaigns=[live_campaign(room, c) for c in room.campaigns.values() if c.state in _LIVE_STATES],
        lines=[
            LiveLine(
                conversation_id=call.attempt_id, campaign_id=call.campaign_id, state=call.state.value,
                since_unix_s=(call.answered_at or call.created_at).timestamp(), agent_id=call.agent_id,
                number_masked=mask(call.number),
            )
            for call in room.calls.values()
        ]
        + caller_lines(room.inbound),
        queues=live_queues(room, clock.now()),
        trunks=[_live_trunk(room, trunk, clock) for trunk in room.trunks.values()],
        started=room.started, at_unix_s=clock.now().timestamp(),
    )  # fmt: skip


def _live_trunk(room: Room, trunk: Trunk, clock: Clock) -> LiveTrunk:
    now_s = clock.monotonic_s()
    return LiveTrunk(
        trunk_id=trunk.trunk_id, channels=trunk.channels, usable=trunk.open_channels(now_s),
        used=room.channels_used(trunk.trunk_id), enabled=trunk.enabled, resting=trunk.not_before_s > now_s,
    )  # fmt: skip


class Publisher:
    """Publishes the views; figures of campaigns are counted from rows, seldom enough to stay cheap."""

    def __init__(self, room: Room, campaigns: Campaigns, bus: Bus, clock: Clock) -> None:
        self._room, self._campaigns, self._bus, self._clock = room, campaigns, bus, clock
        self._dirty = asyncio.Event()
        self._to_count: set[str] = set()
        self._to_show: set[str] = set()
        self._count_not_before_s = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._log = get_logger()

    def agent_changed(self, agent_id: str) -> None:
        """Publish one agent at once."""
        agent = self._room.agents.get(agent_id)
        if agent is not None:
            self._publish(f"agent.{agent_id}", live_agent(self._room, agent, self._room.desks.get(agent_id)))
            self._dirty.set()

    def room_changed(self, campaign_id: str | None = None) -> None:
        """Publish the room soon; `campaign_id`: its rows changed too."""
        if campaign_id is not None:
            self._to_count.add(campaign_id)
            self._to_show.add(campaign_id)
        self._dirty.set()

    def _publish(self, topic: str, event: msgspec.Struct) -> None:
        task = asyncio.create_task(self._bus.publish_live(topic, event))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def run(self) -> None:
        """Publish until cancelled: a lone change at once, what follows it together half a second later."""
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            self._show()
            await self._count()
            await asyncio.sleep(_PERIOD_S)

    def _show(self) -> None:
        """Publish the room and its campaigns with the figures that are known now."""
        self._to_show.update(c.campaign_id for c in self._room.campaigns.values() if c.state in _LIVE_STATES)
        for campaign_id in self._to_show & self._room.campaigns.keys():
            campaign = self._room.campaigns[campaign_id]
            self._publish(f"campaign.{campaign_id}", live_campaign(self._room, campaign))
        self._to_show.clear()
        self._publish("room", live_room(self._room, self._clock))

    async def _count(self) -> None:
        now_s = time.monotonic()
        if now_s < self._count_not_before_s:
            if self._to_count:
                asyncio.get_running_loop().call_later(self._count_not_before_s - now_s, self._dirty.set)
            return
        wanted, self._to_count = self._to_count & self._room.campaigns.keys(), set()
        for campaign_id in wanted:
            try:
                await self._campaigns.recount(campaign_id)
            except StoreError as error:
                self._log.warning("not counted", campaign=campaign_id, error_id=error.error_id)
                self._to_count.add(campaign_id)
            else:
                self._to_show.add(campaign_id)
                self._dirty.set()  # what was counted is shown next
        self._count_not_before_s = time.monotonic() + _COUNT_SHARE * (time.monotonic() - now_s)
