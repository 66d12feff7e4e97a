"""After a restart: the room is rebuilt from rows, the stream and the living workers, before anything is dialled.

An open attempt is its row plus the events that the stream holds of it: they are replayed through the domain, without
carrying anything out. Then a sign of life decides: with a worker it goes on; without one it is `lost`; an attempt that
the switch never saw is taken back, and its lead waits again.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from appliance.bus import Bus
from appliance.clock import Clock
from appliance.domain import call as calls
from appliance.domain import call_model as model
from appliance.domain.agent import Agent, AgentEvent, Kind, WrapUp
from appliance.domain.call_model import Call, CallState
from appliance.domain.outcome import Verdict
from appliance.engine.choosing import card_of
from appliance.engine.core import Core
from appliance.engine.dialling import Dialler, refusal_verdict
from appliance.engine.inbound_recovery import InboundRecovery
from appliance.engine.room import Desk, LeadCard
from appliance.engine.terms import policy_of
from appliance.engine.writer import Writer
from appliance.errors import BusError, CallboxError
from appliance.logs import get_logger
from appliance.settings import DiallingSettings
from appliance.store import models
from appliance.store.repositories import agents as agent_rows
from appliance.store.repositories import attempts, inbound, leads
from appliance.types import AgentState, CampaignMode, Outcome

FIRST_BEATS_S, BEAT_WAIT_S = 1.3, 2.5
"""A living worker beats each second: most are heard within the first, all within the second."""
_PROBE_AGE_S = 60.0
_IN_CONVERSATION = frozenset({AgentState.RESERVED, AgentState.TALKING, AgentState.DIALLING})


class Recovery:
    """Listens for the workers' heartbeats from the start (`heard_of`) until `restore` has returned."""

    def __init__(
        self, core: Core, bus: Bus, writer: Writer, dialler: Dialler, settings: DiallingSettings, clock: Clock,
        callers: InboundRecovery,
    ) -> None:  # fmt: skip
        self._core, self._bus, self._writer, self._dialler = core, bus, writer, dialler
        self._settings, self._clock, self._callers = settings, clock, callers
        self._room = core.room
        self._beats: set[str] = set()
        self._restored = False
        self._wrap_ups: dict[str, WrapUp] = {}  # by agent, for a conversation that ended while we were away
        self._log = get_logger()

    def heard_of(self, attempt_id: str) -> None:
        """A worker beats."""
        if not self._restored:
            self._beats.add(attempt_id)

    async def restore(self) -> None:
        """Rebuild agents and open attempts."""
        began_s = self._clock.monotonic_s()
        rows, sessions = await self._writer.read(self._read)
        replayed = await self._calls([row for row, _ in rows], began_s)
        for session, user, wrap_up in sessions:
            self._restore_agent(session, user, wrap_up)
        for row, lead in rows:
            await self._settle(row, card_of(lead), replayed[row.id])
        await self._callers.restore(self._beats, lambda ids: self._beats_of(ids, until_s=began_s + BEAT_WAIT_S))
        self._free_agents()
        released = await self._writer.now(leads.release_orphans)
        self._core.serve_waiting()
        self._restored = True
        self._beats.clear()
        if rows or sessions or released:
            self._log.info("restored", agents=len(sessions), attempts=len(rows), living=len(self._room.calls),
                           leads_released=released)  # fmt: skip

    def _read(
        self, session: Session
    ) -> tuple[list[tuple[models.Attempt, models.Lead]], list[tuple[models.AgentSession, models.User, WrapUp]]]:
        rows = [(row, session.get_one(models.Lead, row.lead_id)) for row in attempts.open_attempts(session)]
        sessions = []
        for agent_session, user in agent_rows.open_sessions(session):
            last_id = agent_session.conversation_id or ""
            last = attempts.get(session, last_id) or inbound.get(session, last_id)
            wrap_up = self._core.agents.wrap_up(last.campaign_id or "") if last else WrapUp()
            sessions.append((agent_session, user, wrap_up))
        return rows, sessions

    # ---- attempts ----------------------------------------------------------------------------------------

    async def _calls(self, rows: list[models.Attempt], began_s: float) -> dict[str, Call]:
        """Return the open attempts as the stream tells them, by id, once each has ended or given a sign of life.

        One that is silent is read again: its conversation may have ended well while we listened.
        """
        found = dict(zip([row.id for row in rows], await self._replay_all(rows), strict=True))
        for wait_s in (FIRST_BEATS_S, BEAT_WAIT_S):
            silent = [row for row in rows if found[row.id].state is not CallState.ENDED]
            await self._beats_of({row.id for row in silent}, until_s=began_s + wait_s)
            silent = [row for row in silent if row.id not in self._beats]
            found.update(zip([row.id for row in silent], await self._replay_all(silent), strict=True))
        return found

    async def _replay_all(self, rows: list[models.Attempt]) -> list[Call]:
        return await asyncio.gather(*(self._replay(row) for row in rows))

    async def _beats_of(self, attempt_ids: set[str], *, until_s: float) -> None:
        """Wait until all of them have beaten, at most until the given time."""
        while not attempt_ids <= self._beats and self._clock.monotonic_s() < until_s:
            await asyncio.sleep(0.05)

    async def _replay(self, row: models.Attempt) -> Call:
        """Return the attempt as the stream tells it; commands that come out are not carried out again."""
        call = calls.start(self._from_row(row))
        for event in await self._bus.replay_events(row.id):
            call, _ = calls.step(call, event, calls.at(event))
        if call.state is CallState.HEARD and row.agent_id and row.seat_id and call.policy.owner_agent_id is None:
            call, _ = calls.step(call, model.AgentFound(row.agent_id, row.seat_id), self._clock.now())
        return call

    def _from_row(self, row: models.Attempt) -> Call:
        campaign = self._room.campaigns.get(row.campaign_id)
        preview = campaign is not None and campaign.mode is CampaignMode.PREVIEW
        by_hand = preview or row.seat_id is None  # the agent's name stood there before a seat was rung
        config, mode = self._room.config(row.campaign_id), campaign.mode if campaign else CampaignMode.PROGRESSIVE
        owner = (row.agent_id, None) if by_hand and row.agent_id else None
        policy = policy_of(config, mode, self._settings, row.number, owner)
        return Call(
            row.id, row.campaign_id, row.lead_id, row.number, row.trunk_id, created_at=row.created_at, policy=policy,
            originated_at=row.originated_at, abandoned=row.abandoned, caller_id=row.caller_id,
        )  # fmt: skip

    async def _settle(self, row: models.Attempt, card: LeadCard, call: Call) -> None:
        """Take the attempt into the room as it is, then close what does not live."""
        owner = call.policy.owner_agent_id
        if owner in self._room.agents:
            seat_id = self._room.agents[owner].seat_id
            call = replace(call, policy=replace(call.policy, owner_seat_id=seat_id))
        if call.state is CallState.ENDED:
            self._core.close_restored(call, card)
            return
        self._core.open_call(call, card)
        if call.state is CallState.CLOSING and call.trunk_end is None:
            self._core.hang_up_again(call)
        if call.state is CallState.MESSAGE and not call.message_done:
            self._core.speak_again(call)
        if call.state is CallState.HEARD and owner is None and not call.abandoned:
            self._room.waiting.append(call.attempt_id)
        if call.state in (CallState.CONNECTING, CallState.TALKING) and call.agent_id in self._room.agents:
            self._core.agents.bind(call)
        if row.id not in self._beats:
            await self.without_worker(call)

    async def without_worker(self, call: Call) -> None:
        """Close an attempt that shows no sign of life: `lost`, or taken back when the switch never saw it."""
        if call.last_seq == 0 and not await self._seen(call):
            refused = Verdict(Outcome.CANCELLED, reason="never reached the switch")
            self._core.apply(call.attempt_id, model.OriginateRefused(refused))
        self._core.apply(call.attempt_id, model.WorkerGone())  # ignored when it is closed by now

    async def _seen(self, call: Call) -> bool:
        """Ask the switch by an Originate that has expired: a duplicate was seen, an expired one never was."""
        if call.originated_at is not None:
            return True
        expired_at = self._clock.now().timestamp() - _PROBE_AGE_S
        try:
            await self._bus.request(self._dialler.originate_command(call, expired_at), timeout_s=1.0)
        except BusError as error:
            self._log.warning("switch not asked", conversation=call.attempt_id, error_id=error.error_id)
            return error.error_id != "bus.no_service"
        except CallboxError as error:
            return refusal_verdict(error).reason == "switch.duplicate"
        return True

    # ---- agents ---------------------------------------------------------------------------------------------

    def _restore_agent(self, row: models.AgentSession, user: models.User, wrap_up: WrapUp) -> None:
        state = AgentState(row.state)
        ends: datetime | None = None
        if state is AgentState.WRAP_UP and wrap_up.limit_s:
            ends = calls.later(row.state_since, wrap_up.limit_s)
        if state is AgentState.PREVIEWING:  # the record is gone from the screen; it waits again
            state = AgentState.READY
        agent = Agent(
            user.id, user.display_name or user.login, seat_id=row.seat_id, campaigns=frozenset(row.campaigns),
            skills=dict(user.skills),
            state=state, since=row.state_since, idle_since=row.state_since,
            pending=AgentState(row.pending_state) if row.pending_state else None, pause_reason=row.pause_reason,
            conversation_id=row.conversation_id, wrap_up=wrap_up if state is AgentState.WRAP_UP else WrapUp(),
            wrap_up_ends=ends,
        )  # fmt: skip
        self._wrap_ups[user.id] = wrap_up
        self._core.agents.restore(agent, Desk(session_id=row.id))

    def _free_agents(self) -> None:
        """An agent whose conversation ended while we were away goes to wrap-up, or is free again."""
        for agent in list(self._room.agents.values()):
            lives = agent.conversation_id in self._room.calls or agent.conversation_id in self._room.inbound.calls
            if agent.state not in _IN_CONVERSATION or lives:
                continue
            self._core.agents.apply(agent.agent_id, AgentEvent(Kind.ENDED, wrap_up=self._wrap_ups[agent.agent_id]))
