"""What the screens and the dialler see of callers: queues, lines, what each queue asks of the agents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from math import floor

from appliance.domain import inbound
from appliance.domain.agent import Agent
from appliance.domain.compliance_profile import load_profile
from appliance.domain.inbound_config import is_open
from appliance.domain.inbound_model import InboundPolicy, InboundState
from appliance.domain.line_share import InboundLoad
from appliance.domain.routing import may_work_in
from appliance.engine.inbound_room import CallerQueue, InboundRoom
from appliance.engine.room import Room
from appliance.events import LiveLine, LiveQueue
from appliance.logs import mask


def may_serve(room: Room, queue: CallerQueue | None) -> Callable[[Agent], bool]:
    """Return who may answer a queue: the agents of its campaign, everybody when it names none."""
    campaign_id = queue.config.campaign_id if queue is not None else ""
    if campaign_id not in room.campaigns:
        return lambda _agent: True
    config = room.config(campaign_id)
    return lambda agent: may_work_in(agent, campaign_id, config)


def policy_of(room: Room, queue: CallerQueue, seat_answer_timeout_s: float, now: datetime) -> InboundPolicy:
    """Return the figures a caller who comes in now waits under; what the campaign's rules ask for is done too."""
    policy = replace(queue.policy(seat_answer_timeout_s), record_seats=dict(room.seat_recording))
    if queue.config.campaign_id not in room.campaigns:
        return policy
    rule = load_profile(room.config(queue.config.campaign_id).rule_profile, now.date()).recording
    return replace(
        policy, record=policy.record or rule.required, record_required=rule.required,
        notice=policy.notice or rule.notice,
    )  # fmt: skip


def wait_s(room: Room, queue: CallerQueue, position: int) -> float:
    """Return the estimated wait of a place in a queue; 1 is the next."""
    able = inbound.serving(room.agents.values(), queue.config.skills, may_serve(room, queue))
    return inbound.estimated_wait_s(position, able, queue.handling.mean_s)


def loads(room: Room, now: datetime) -> list[InboundLoad]:
    """Return what each queue asks of the agents, so that dialling leaves enough of them alone."""
    found = []
    for queue in room.inbound.queues.values():
        serves = may_serve(room, queue)
        able = frozenset(
            a.agent_id for a in room.agents.values() if inbound.serving([a], queue.config.skills, serves)
        )
        waiting = len(room.inbound.waiting(queue.queue_id))
        found.append(InboundLoad(able, waiting, inbound.expected_callers(queue.arrivals, now)))
    return found


def same_need(one: list[InboundLoad], other: list[InboundLoad]) -> bool:
    """Say whether two looks at the queues ask for the same agents."""
    plain = [[(load.agents, load.waiting, floor(load.expected + 0.5)) for load in loads] for loads in (one, other)]
    return plain[0] == plain[1]


def live_queues(room: Room, now: datetime) -> list[LiveQueue]:
    """Return all queues as the supervisor sees them."""
    return [_live_queue(room, queue, now) for queue in sorted(room.inbound.queues.values(), key=lambda q: q.name)]


def _live_queue(room: Room, queue: CallerQueue, now: datetime) -> LiveQueue:
    waiting = room.inbound.waiting(queue.queue_id)
    since = waiting[0].queued_at if waiting else None
    return LiveQueue(
        queue_id=queue.queue_id, name=queue.name, open=is_open(queue.config, room.inbound.zone, now),
        waiting=len(waiting), waits_since_unix_s=since.timestamp() if since else None,
        talking=sum(
            c.queue_id == queue.queue_id and c.state is InboundState.TALKING for c in room.inbound.calls.values()
        ),
        agents=inbound.serving(room.agents.values(), queue.config.skills, may_serve(room, queue)),
        estimated_wait_s=round(wait_s(room, queue, len(waiting) + 1) if waiting else 0.0, 1),
    )  # fmt: skip


def caller_lines(callers: InboundRoom) -> list[LiveLine]:
    """Return the callers as lines of the board, numbers masked."""
    names = {queue.queue_id: queue.name for queue in callers.queues.values()}
    return [
        LiveLine(
            conversation_id=call.call_id, campaign_id=call.campaign_id, state=call.state.value,
            since_unix_s=(call.bridged_at or call.queued_at or call.at).timestamp(), agent_id=call.agent_id,
            number_masked=mask(call.caller), direction="inbound", queue_name=names.get(call.queue_id, ""),
        )
        for call in callers.calls.values()
    ]  # fmt: skip
