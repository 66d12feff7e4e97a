"""From free agents to dialled numbers: how many, which leads, which trunk; written first, then sent to the switch."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime

from appliance.bus import Bus
from appliance.commands import ListenPolicy, Originate, RecordPolicy
from appliance.domain import call as calls
from appliance.domain.call_model import Call, CallPolicy, Originated, OriginateRefused
from appliance.domain.line_share import RateLimit, Situation, lines_to_start, share_agents
from appliance.domain.numbers import country
from appliance.domain.outcome import Verdict
from appliance.domain.routing import may_work_in
from appliance.engine.choosing import Chooser, Picked
from appliance.engine.core import Core
from appliance.engine.room import Campaign, LeadCard, Room
from appliance.engine.writer import Writer
from appliance.errors import CallboxError, CallerError, StoreError
from appliance.ids import new_id
from appliance.logs import get_logger
from appliance.settings import DiallingSettings
from appliance.types import E164, CampaignState, Outcome

ORIGINATE_TIMEOUT_S = 2.5
_PICK_MAX = 30
_NEXT_CHUNK_S = 0.05
_NEVER_S = 3600.0
_FAILED_REST_S = 10.0
_BACK_OFF_FIRST_S, _BACK_OFF_MAX_S = 0.5, 10.0
_DISK_LOOK_S = 60.0


class Dialler:
    """Runs one loop; `wake()` when agents, lines, campaigns or trunks changed."""

    def __init__(
        self, core: Core, bus: Bus, writer: Writer, settings: DiallingSettings, *,
        finish: Callable[[Campaign], None], changed: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._core, self._bus, self._writer, self._settings = core, bus, writer, settings
        self._finish, self._changed = finish, changed
        self._room: Room = core.room
        self._clock = core.clock
        self.chooser = Chooser(settings.timezone)
        self._rate = RateLimit(settings.originate_per_s)
        self._wake = asyncio.Event()
        self._turn = 0
        self._not_before_s = 0.0
        self._back_off_s = 0.0
        self._back_off_reason = ""
        self._sending: set[asyncio.Task[None]] = set()
        self._log = get_logger()

    def wake(self) -> None:
        self._wake.set()

    async def run(self) -> None:
        """Dial until cancelled. Sleeps until something changes or is due; no polling."""
        while True:
            wait_s = await self._round()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()
            self._wake.clear()

    # ---- how many -----------------------------------------------------------------------------------------

    def _blocked(self) -> tuple[str, float]:
        """Return why nothing may be dialled at all, and for how long (s)."""
        if self._room.disk_low:
            return "disk_full", _DISK_LOOK_S
        if not self._room.clock_trusted:
            return "clock_unknown", _DISK_LOOK_S
        if not self._bus.connected:
            return "bus_away", 1.0
        wait_s = self._not_before_s - self._clock.monotonic_s()
        return (self._back_off_reason, wait_s) if wait_s > 0 else ("", 0.0)

    async def _round(self) -> float:
        running = [c for c in self._room.campaigns.values() if c.state is CampaignState.RUNNING]
        reason, wait_s = self._blocked()
        if reason:
            for campaign in running:
                self._block(campaign, reason)
            return wait_s
        if running:
            self._turn = (self._turn + 1) % len(running)
            running = running[self._turn :] + running[: self._turn]
        ready = {
            agent.agent_id: frozenset(
                c.campaign_id for c in running if may_work_in(agent, c.campaign_id, c.config)
            )
            for agent in self._room.ready_agents()
        }  # fmt: skip
        lines = {c.campaign_id: self._room.lines(c.campaign_id) for c in running}
        shares = share_agents(ready, lines, [c.campaign_id for c in running])
        waits = [await self._turn_of(c, shares[c.campaign_id]) for c in running]
        return min(waits, default=_NEVER_S)

    async def _turn_of(self, campaign: Campaign, agents_free: int) -> float:
        try:
            return await self._campaign_round(campaign, agents_free)
        except Exception:  # noqa: BLE001 - what is wrong with one campaign must not stop the others
            self._log.exception("campaign failed", campaign=campaign.campaign_id)
            self._block(campaign, "failed")
            campaign.due_at = calls.later(self._clock.now(), _FAILED_REST_S)
            return _FAILED_REST_S

    async def _campaign_round(self, campaign: Campaign, agents_free: int) -> float:
        """Start what one campaign may start; returns the seconds until it should be looked at again."""
        if campaign.state is not CampaignState.RUNNING:  # stopped while another campaign had its turn
            return _NEVER_S
        now = self._clock.now()
        if campaign.exhausted and not self._room.busy(campaign.campaign_id):
            self._finish(campaign)
            return _NEVER_S
        if campaign.due_at is not None and campaign.due_at > now:
            return (campaign.due_at - now).total_seconds()
        allowed = self._rate.allows(self._clock.monotonic_s())
        channels = self._free_channels(campaign)
        situation = Situation(agents_free, sum(channels.values()), allowed)
        wanted = min(lines_to_start(campaign.mode, situation), _PICK_MAX)
        if wanted == 0:
            return self._why_not(campaign, situation)
        campaign.due_at = None
        try:
            picked = await self._pick(campaign, wanted, channels)
        except StoreError as error:
            campaign.look_again()
            self.back_off("store_away", error)
            return 0.0
        for call, card in picked.calls:
            self._rate.use(1)
            self.dial(call, card)
        campaign.note_due(picked.next_due_at)
        if len(picked.calls) == wanted:
            self._block(campaign, "")
            return 0.0 if wanted < agents_free else _NEVER_S
        if picked.more:
            return _NEXT_CHUNK_S
        self._block(campaign, picked.held_back_by or ("no_leads" if campaign.exhausted else "not_due"))
        return 0.0 if campaign.due_at is None else max(0.0, (campaign.due_at - now).total_seconds())

    def _why_not(self, campaign: Campaign, situation: Situation) -> float:
        if situation.agents_free == 0:
            self._block(campaign, "" if self._room.lines(campaign.campaign_id) else "no_agents")
            return _NEVER_S
        if situation.channels_free == 0:
            self._block(campaign, "no_channels")
            return self._trunk_wait_s(campaign)
        self._block(campaign, "")
        return max(0.02, self._rate.wait_s())

    def _block(self, campaign: Campaign, reason: str) -> None:
        if campaign.blocked_reason != reason:
            campaign.blocked_reason = reason
            self._log.info("campaign", campaign=campaign.campaign_id, blocked=reason or "no")
            self._changed(campaign.campaign_id)

    # ---- trunks -------------------------------------------------------------------------------------------

    def _trunks_of(self, campaign: Campaign) -> list[str]:
        wanted = campaign.config.trunk_ids or list(self._room.trunks)
        return [t for t in wanted if t in self._room.trunks and self._room.trunks[t].enabled]

    def free_trunk(self, campaign: Campaign) -> str | None:
        """Return the first trunk with a free channel (for a preview dial)."""
        return next((trunk_id for trunk_id, count in self._free_channels(campaign).items() if count), None)

    def _free_channels(self, campaign: Campaign) -> dict[str, int]:
        """Return the free channels of each trunk of the campaign, in order of preference."""
        now_s = self._clock.monotonic_s()
        trunks = (self._room.trunks[trunk_id] for trunk_id in self._trunks_of(campaign))
        return {
            t.trunk_id: max(0, t.open_channels(now_s) - self._room.channels_used(t.trunk_id))
            for t in trunks
            if t.not_before_s <= now_s
        }

    def _trunk_wait_s(self, campaign: Campaign) -> float:
        now_s = self._clock.monotonic_s()
        trunks = [self._room.trunks[t] for t in self._trunks_of(campaign)]
        rests = [at_s - now_s for t in trunks for at_s in (t.not_before_s, t.word_ends_s)]
        return min((rest for rest in rests if rest > 0), default=_NEVER_S)

    # ---- which leads ------------------------------------------------------------------------------------------

    async def _pick(self, campaign: Campaign, wanted: int, channels: dict[str, int]) -> Picked:
        """Pick, check and write attempts in one short transaction."""
        free_trunks = [trunk_id for trunk_id, count in channels.items() for _ in range(count)]
        now = self._clock.now()
        return await self._writer.now(
            lambda session: self.chooser.pick(session, campaign, wanted, free_trunks, now, self.new_call)
        )

    # ---- the dial --------------------------------------------------------------------------------------------

    def new_call(
        self, campaign: Campaign, lead_id: str, number: str, trunk_id: str, now: datetime,
        owner: tuple[str, str] | None = None,
    ) -> Call:  # fmt: skip
        """Make an attempt; `owner` (agent, seat) for a preview dial."""
        policy = CallPolicy(
            abandon_after_s=self._settings.abandon_after_s, abandon_prompt=campaign.config.abandon_prompt,
            ring_timeout_s=self._settings.ring_timeout_s,
            verdict_deadline_s=self._settings.verdict_deadline_ms / 1000,
            seat_answer_timeout_s=self._settings.seat_answer_timeout_s,
            owner_agent_id=owner[0] if owner else None, owner_seat_id=owner[1] if owner else None,
        )  # fmt: skip
        return calls.start(
            Call(new_id(), campaign.campaign_id, lead_id, number, trunk_id, created_at=now, policy=policy)
        )

    def dial(self, call: Call, card: LeadCard) -> None:
        """Take a written attempt into the room and send it to the switch."""
        self._core.open_call(call, card)
        task = asyncio.create_task(self._originate(call), name=f"originate {call.attempt_id}")
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    def originate_command(self, call: Call, issued_at_unix_s: float) -> Originate:
        config = self._room.config(call.campaign_id)
        return Originate(
            attempt_id=call.attempt_id, conversation_id=call.attempt_id, number=call.number, trunk_id=call.trunk_id,
            caller_id=config.caller_id or None, ring_timeout_s=call.policy.ring_timeout_s,
            record=RecordPolicy(enabled=config.record, early=config.record_early),
            listen=ListenPolicy(
                country=country(E164(call.number)), deadline_ms=self._settings.verdict_deadline_ms,
                machine_certainty=self._settings.machine_certainty,
            ),
            issued_at_unix_s=issued_at_unix_s, campaign_id=call.campaign_id,
        )  # fmt: skip

    async def _originate(self, call: Call) -> None:
        command = self.originate_command(call, self._clock.now().timestamp())
        try:
            await self._bus.request(command, timeout_s=ORIGINATE_TIMEOUT_S)
        except CallboxError as error:
            if error.error_id in ("bus.timeout", "bus.lost"):  # taken or not: a beat, or the sweep, will tell
                self._log.warning("switch did not answer", conversation=call.attempt_id)
                self.back_off("switch_away", error)
                return
            if error.error_id != "switch.duplicate":
                self._core.apply(call.attempt_id, OriginateRefused(refusal_verdict(error)))
                if not isinstance(error, CallerError):
                    self.back_off("switch_full" if error.error_id == "switch.full" else "switch_away", error)
                return
        self._back_off_s = 0.0
        self._core.apply(call.attempt_id, Originated())

    def back_off(self, reason: str, error: CallboxError) -> None:
        """Dial nothing for a while, twice as long each time in a row."""
        now_s = self._clock.monotonic_s()
        if now_s < self._not_before_s:
            return
        self._back_off_s = min(_BACK_OFF_MAX_S, max(_BACK_OFF_FIRST_S, self._back_off_s * 2))
        self._not_before_s, self._back_off_reason = now_s + self._back_off_s, reason
        self._log.warning("dialling rests", reason=reason, error_id=error.error_id, rest_s=self._back_off_s)
        self.wake()


def refusal_verdict(error: CallboxError) -> Verdict:
    """Return the outcome of an attempt that the switch did not take."""
    ours = error.retryable or error.error_id == "switch.expired"
    return Verdict(Outcome.CANCELLED if ours else Outcome.TRUNK_FAILED, reason=error.error_id)
