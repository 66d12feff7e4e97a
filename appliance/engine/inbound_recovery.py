"""Callers after a restart: rebuilt from their rows and the stream, as `recovery` does it for attempts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Set
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from appliance.bus import Bus
from appliance.clock import Clock
from appliance.domain import inbound_call
from appliance.domain import inbound_model as model
from appliance.domain.inbound_model import InboundCall, InboundPolicy, InboundState
from appliance.engine.choosing import card_of
from appliance.engine.inbound import Inbound
from appliance.engine.inbound_room import Known
from appliance.engine.inbound_views import policy_of
from appliance.engine.room import LeadCard, Room
from appliance.engine.writer import Writer
from appliance.logs import get_logger
from appliance.settings import DiallingSettings
from appliance.store import models
from appliance.store.repositories import inbound as rows

Wait = Callable[[set[str]], Awaitable[None]]
_AGAIN_S = 1.0
_NOW_SOON = frozenset({InboundState.WAITING, InboundState.OFFER, InboundState.CONNECTING})


class InboundRecovery:
    """Used once, between the agents' return and the first command."""

    def __init__(
        self, inbound: Inbound, room: Room, bus: Bus, writer: Writer, dialling: DiallingSettings, clock: Clock
    ) -> None:
        self._inbound, self._room, self._callers, self._bus, self._writer = inbound, room, room.inbound, bus, writer
        self._dialling, self._clock = dialling, clock
        self._log = get_logger()

    async def restore(self, beats: Set[str], wait: Wait) -> None:
        """Take open callers back into the room; `wait` returns when all of the given ids have beaten, or never will."""
        found = await self._writer.read(self._read)
        calls = {row.id: await self._replay(row) for row, _, _ in found}
        silent = {call_id for call_id, call in calls.items() if call.state is not InboundState.ENDED}
        await wait(silent)
        for row, known, card in found:
            call = calls[row.id]
            if row.id in silent - beats:
                call = await self._replay(row)  # it may have ended well while we listened
                if call.state is not InboundState.ENDED:
                    call, _ = inbound_call.step(call, model.WorkerGone(), self._clock.now())
            self._inbound.take_restored(call, known, card)
        if found:
            self._log.info("callers restored", callers=len(found), living=len(self._callers.calls))

    def _read(self, session: Session) -> list[tuple[models.InboundCall, Known, LeadCard | None]]:
        found = []
        for row in rows.open_calls(session):
            caller = rows.caller_of(session, row.caller)
            lead = session.get(models.Lead, row.lead_id) if row.lead_id else None
            card = card_of(lead) if lead is not None else None
            found.append((row, Known(caller.last_agent_id, caller.history), card))
        return found

    async def _replay(self, row: models.InboundCall) -> InboundCall:
        """Return the caller as the stream tells him; commands that come out are not carried out."""
        call = self._from_row(row)
        for event in await self._bus.replay_events(row.id):
            call, _ = inbound_call.step(call, event, inbound_call.at(event))
        if call.state in _NOW_SOON:  # a word to him soon, whatever was said before
            call = replace(call, deadline=self._clock.now() + timedelta(seconds=_AGAIN_S))
        return call

    def _from_row(self, row: models.InboundCall) -> InboundCall:
        queue, now = self._callers.queues.get(row.queue_id), self._clock.now()
        policy = (
            policy_of(self._room, queue, self._dialling.seat_answer_timeout_s, now) if queue is not None
            else InboundPolicy(closed_prompt="closed")
        )  # fmt: skip
        return InboundCall(
            row.id, row.trunk_id, row.caller, row.called, at=row.at, queue_id=row.queue_id, policy=policy,
            state=InboundState(row.state), last_seq=row.last_seq, hops=row.hops, deadline=now + timedelta(minutes=3),
            wait_ends=_wait_ends(row, policy, now), callback_at=row.callback_at, answered_at=row.answered_at,
            queued_at=row.queued_at, bridged_at=row.bridged_at, reason=row.reason, contact_id=row.contact_id,
            lead_id=row.lead_id, campaign_id=row.campaign_id or "", agent_id=row.agent_id, seat_id=row.seat_id,
        )  # fmt: skip


def _wait_ends(row: models.InboundCall, policy: InboundPolicy, now: datetime) -> datetime | None:
    """When his queue has had him long enough; one who came from another queue begins anew."""
    if row.queued_at is None:
        return None
    return (row.queued_at if row.hops == 0 else now) + timedelta(seconds=policy.max_wait_s)
