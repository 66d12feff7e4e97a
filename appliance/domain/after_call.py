"""What becomes of a lead, and of the search for a line, once an attempt has closed."""

from __future__ import annotations

from datetime import datetime, timedelta

from appliance.domain import call as calls
from appliance.domain import retry
from appliance.domain.call_model import Call
from appliance.domain.campaign import CampaignConfig
from appliance.domain.outcome import Verdict
from appliance.domain.retry import LeadChange
from appliance.types import Kind, LeadState, Outcome

LOOKUP_LATE, LOOKUP_NEVER = "lookup.no_answer", "lookup.do_not_call"
"""Reasons of an attempt that was not dialled by the word, or for want of a word, of the customer's own system."""

_TRUNKS_MAX = 3
_ASK_AGAIN_S = 300.0
_CALL_BACK_AFTER = timedelta(minutes=10)


def lead_change(
    config: CampaignConfig, call: Call, verdict: Verdict, *, attempts_before: int, now: datetime
) -> LeadChange:
    """Return what the closed attempt does to its lead; an agent's disposition goes before it."""
    if call.stop_asked:
        return LeadChange(LeadState.DO_NOT_CALL)
    if call.refused is not None and verdict.reason.startswith(LOOKUP_NEVER):
        return LeadChange(LeadState.DONE, counted=False)
    if call.refused is not None and verdict.reason == LOOKUP_LATE:
        # no dial is used up, and a slow system is not asked without end: as the campaign retries what was cancelled
        wait_s = config.retry_s.get(Outcome.CANCELLED, _ASK_AGAIN_S)
        return LeadChange(LeadState.WAITING, now + timedelta(seconds=wait_s), counted=False)
    if call.policy.voice is not None and call.bridged_at is None:
        if call.abandoned:  # asked for an agent by key, and there was none
            return LeadChange(LeadState.WAITING, now + _CALL_BACK_AFTER, callback=True)
        if call.message_done:
            return LeadChange(LeadState.DONE)
    return retry.after_attempt(
        config, verdict.outcome, dialled=calls.was_dialled(call) and not _trunk_failed(call, verdict),
        connected=call.bridged_at is not None, attempts_before=attempts_before, now=now,
    )  # fmt: skip


def may_fail_over(call: Call, verdict: Verdict) -> bool:
    """Say whether another trunk should be tried at once: ours gave the call up before the subscriber's side answered.

    A busy, absent or refusing subscriber is an answer: he is not rung again by another way.
    """
    if call.answered_at is not None or call.policy.owner_agent_id is not None:
        return False
    congested = verdict.outcome is Outcome.CONGESTION and verdict.kind == Kind.SIGNALLING and not call.progressed
    tried = len(call.failed_trunks) + 1
    return tried < _TRUNKS_MAX and call.originated_at is not None and (_trunk_failed(call, verdict) or congested)


def _trunk_failed(call: Call, verdict: Verdict) -> bool:
    return verdict.outcome is Outcome.TRUNK_FAILED and not call.progressed
