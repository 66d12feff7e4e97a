"""From free agents to dialled numbers: how many, which leads, which trunk; written first, then sent to the switch."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from appliance.bus import Bus
from appliance.commands import ListenPolicy, Originate
from appliance.domain import call as calls
from appliance.domain.call_model import Call, Originated, OriginateRefused
from appliance.domain.compliance import Deny
from appliance.domain.compliance_own import rules_of
from appliance.domain.line_share import Situation, lines_to_start
from appliance.domain.numbers import country
from appliance.domain.outcome import Verdict
from appliance.domain.recording_policy import order_for
from appliance.engine.choosing import Chooser, Picked
from appliance.engine.core import Core
from appliance.engine.lines import NEVER_S, SPENT, Lines
from appliance.engine.lookup import Lookup
from appliance.engine.room import Campaign, LeadCard, Line, Room
from appliance.engine.terms import policy_of
from appliance.engine.writer import Writer
from appliance.errors import BoxError, CallboxError, CallerError, StoreError
from appliance.ids import new_id
from appliance.logs import get_logger
from appliance.settings import DiallingSettings
from appliance.store import models
from appliance.types import E164, CampaignMode, CampaignState, LeadState, Outcome

ORIGINATE_TIMEOUT_S = 2.5
_PICK_MAX = 30
_NEXT_CHUNK_S, _PACED_S = 0.05, 1.0
_FAILED_REST_S = 10.0
_SHORT_S = 1.0  # a trunk that is held back by its rate for less is not worth a word
_BACK_OFF_FIRST_S, _BACK_OFF_MAX_S = 0.5, 10.0
_DISK_LOOK_S = 60.0


class Dialler:
    """Runs one loop; `wake()` when agents, lines, campaigns or trunks changed."""

    def __init__(
        self, core: Core, bus: Bus, writer: Writer, settings: DiallingSettings, lookup: Lookup, *,
        finish: Callable[[Campaign], None], changed: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._core, self._bus, self._writer, self._settings = core, bus, writer, settings
        self._lookup = lookup
        self._pace = core.pace
        self._finish, self._changed = finish, changed
        self._room: Room = core.room
        self._clock = core.clock
        self.chooser = Chooser(settings.timezone, core.clock)
        self._lines = Lines(core.room, settings, core.clock)
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
        shares = self._pace.share(running)
        waits = [await self._turn_of(c, shares[c.campaign_id]) for c in running]
        return min(waits, default=NEVER_S)

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
            return NEVER_S
        now = self._clock.now()
        if campaign.exhausted and not self._room.busy(campaign.campaign_id):
            self._finish(campaign)
            return NEVER_S
        if campaign.due_at is not None and campaign.due_at > now:
            return (campaign.due_at - now).total_seconds()
        channels = self._lines.free(campaign)
        situation = Situation(
            agents_free=agents_free, channels_free=sum(channels.values()), rate_allows=self._lines.allowed_now(),
            paced=self._pace.lines_wanted(campaign) if campaign.mode is CampaignMode.PREDICTIVE else 0,
        )  # fmt: skip
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
            self.dial(call, card)
        campaign.note_due(picked.next_due_at)
        campaign.next_up = picked.next_up
        if len(picked.calls) == wanted:
            self._block(campaign, "")
            return 0.0 if wanted < lines_to_start(campaign.mode, _unlimited(situation)) else self._next_look_s(campaign)
        if picked.more and picked.held_back_by != SPENT:
            return _NEXT_CHUNK_S
        if campaign.exhausted and not self._room.busy(campaign.campaign_id):
            return 0.0  # the next round ends it
        self._block(campaign, picked.held_back_by or ("no_leads" if campaign.exhausted else "not_due"))
        return 0.0 if campaign.due_at is None else max(0.0, (campaign.due_at - now).total_seconds())

    def _next_look_s(self, campaign: Campaign) -> float:
        """A pacer is asked each second: agents come nearer to their end without an event."""
        return _PACED_S if campaign.mode is CampaignMode.PREDICTIVE else NEVER_S

    def _why_not(self, campaign: Campaign, situation: Situation) -> float:
        wanted = lines_to_start(campaign.mode, _unlimited(situation))
        if campaign.mode is not CampaignMode.VOICE and wanted == 0:
            standing = self._room.lines(campaign.campaign_id) or self._room.agents_for(campaign)
            self._block(campaign, "" if standing else "no_agents")
            return self._next_look_s(campaign)
        if situation.channels_free == 0:
            at_most, wait_s = self._room.lines_left(campaign) == 0, self._lines.wait_s(campaign)
            self._block(campaign, "" if at_most or wait_s < _SHORT_S else "no_channels")
            return NEVER_S if at_most else wait_s
        self._block(campaign, "")
        return self._lines.rate_wait_s()

    def _block(self, campaign: Campaign, reason: str) -> None:
        if campaign.blocked_reason != reason:
            campaign.blocked_reason = reason
            self._log.info("campaign", campaign=campaign.campaign_id, blocked=reason or "no")
            self._changed(campaign.campaign_id)

    # ---- which leads ------------------------------------------------------------------------------------------

    async def _pick(self, campaign: Campaign, wanted: int, channels: dict[str, int]) -> Picked:
        """Pick, check and write attempts in one short transaction."""
        now = self._clock.now()
        self.chooser.ready = frozenset(agent.agent_id for agent in self._room.ready_agents())

        def work(session: Session) -> Picked:
            lines = self._lines.choose(session, campaign, channels, wanted, now)
            if not lines:
                return Picked([], more=True, next_due_at=self._lines.next_midnight(now), held_back_by=SPENT)
            return self.chooser.pick(session, campaign, len(lines), lines, now, self.new_call)

        return await self._writer.now(work)

    def line(self, session: Session, campaign: Campaign, now: datetime) -> Line:
        """Return a free line for a dial by hand.

        Raises BoxError `trunk.no_channel`, CallerError `trunk.caller_ids_spent`.
        """
        channels = self._lines.free(campaign)
        if not any(channels.values()):
            raise BoxError("trunk.no_channel", "All lines are busy; try again in a moment.", retryable=True)
        lines = self._lines.choose(session, campaign, channels, 1, now)
        if not lines:
            raise CallerError(
                "trunk.caller_ids_spent", "Each caller number has made its calls of today; add numbers to the campaign."
            )
        return lines[0]

    async def fail_over(self, call: Call, card: LeadCard) -> None:
        """Dial a number again at once through another trunk; the rules are asked again. Nothing happens without one."""
        campaign = self._room.campaigns.get(call.campaign_id)
        failed = (*call.failed_trunks, call.trunk_id)
        if campaign is None or campaign.state is not CampaignState.RUNNING or self._blocked()[0]:
            return
        channels = {t: free for t, free in self._lines.free(campaign).items() if free and t not in failed}
        if not channels:
            return
        now = self._clock.now()

        def work(session: Session) -> Call | None:
            lead = session.get(models.Lead, call.lead_id)
            lines = self._lines.choose(session, campaign, channels, 1, now)
            if lead is None or lead.state != LeadState.WAITING or not lines:
                return None
            again = replace(self.new_call(campaign, lead.id, lead.number, lines[0], now), failed_trunks=failed)
            if isinstance(self.chooser.write(session, campaign, lead, again, now), Deny):
                return None
            lead.state = LeadState.RESERVED
            return again

        self._room.failing_over.append(call.campaign_id)  # its agent is spoken for
        try:
            again = await self._writer.now(work)
        finally:
            self._room.failing_over.remove(call.campaign_id)
        if again is not None:
            self._log.info("failover", conversation=again.attempt_id, trunk=again.trunk_id, failed=call.trunk_id)
            self.dial(again, card)

    # ---- the dial --------------------------------------------------------------------------------------------

    def new_call(
        self, campaign: Campaign, lead_id: str, number: str, line: Line, now: datetime,
        owner: tuple[str, str] | None = None,
    ) -> Call:  # fmt: skip
        """Make an attempt; `owner` (agent, seat) for a dial by hand."""
        policy = policy_of(campaign.config, campaign.mode, self._settings, number, owner)
        return calls.start(
            Call(new_id(), campaign.campaign_id, lead_id, number, line.trunk_id, created_at=now, policy=policy,
                 caller_id=line.caller_id)
        )  # fmt: skip

    def dial(self, call: Call, card: LeadCard) -> None:
        """Take a written attempt into the room and send it to the switch."""
        self._lines.used(call.trunk_id)
        self._core.open_call(call, card)
        task = asyncio.create_task(self._originate(call), name=f"originate {call.attempt_id}")
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    def originate_command(self, call: Call, issued_at_unix_s: float) -> Originate:
        config = self._room.config(call.campaign_id)
        return Originate(
            attempt_id=call.attempt_id, conversation_id=call.attempt_id, number=call.number, trunk_id=call.trunk_id,
            caller_id=call.caller_id or None, ring_timeout_s=call.policy.ring_timeout_s,
            record=order_for(
                record=config.record, on_demand=config.record_on_demand, early=config.record_early,
                required=rules_of(config, self._settings.timezone).recording.required,
                seats=self._room.seat_recording, speaks_itself=call.policy.voice is not None,
            ),
            listen=ListenPolicy(
                country=country(E164(call.number)), deadline_ms=self._settings.verdict_deadline_ms,
                machine_certainty=self._settings.machine_certainty,
                until_beep=call.policy.voice is not None and call.policy.voice.on_machine == "after_beep",
            ),
            issued_at_unix_s=issued_at_unix_s, campaign_id=call.campaign_id,
        )  # fmt: skip

    async def _may_dial(self, call: Call) -> bool:
        """Ask the customer's own system, where one is named; its fields go on the agent's screen."""
        card = self._room.cards.get(call.attempt_id)
        if not self._lookup.on or card is None:
            return True
        values = {
            "phone": call.number, "call_id": call.attempt_id, "lead_id": call.lead_id, "name": card.name,
            "external_id": card.external_id, "campaign": self._room.campaigns[call.campaign_id].name,
        }  # fmt: skip
        found = await self._lookup.ask(values, card.fields)
        if found.dial:
            self._room.cards[call.attempt_id] = replace(card, fields={**card.fields, **found.fields})
            return True
        outcome = Outcome.CALL_BARRED if found.never else Outcome.CANCELLED
        self._core.apply(call.attempt_id, OriginateRefused(Verdict(outcome, reason=found.reason)))
        return False

    async def _originate(self, call: Call) -> None:
        if not await self._may_dial(call):
            return
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


def _unlimited(situation: Situation) -> Situation:
    """The same, were there any number of lines."""
    return replace(situation, channels_free=_PICK_MAX, rate_allows=_PICK_MAX)
