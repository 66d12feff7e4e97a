"""What becomes of a lead after an attempt or a disposition."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from appliance.domain.campaign import CampaignConfig
from appliance.types import HYGIENE_OUTCOMES, LIVE_OUTCOMES, Disposition, LeadState, NumberState, Outcome

NOT_DIALLED_RETRY_S = 3.0
_PARKED = frozenset({Outcome.OUT_OF_SERVICE})


@dataclass(frozen=True)
class LeadChange:
    """New state of the lead; `counted`: the attempt used up one of its dials; `number_state` of its number."""

    state: LeadState
    next_attempt_at: datetime | None = None
    counted: bool = True
    number_state: NumberState | None = None
    callback: bool = False


def after_attempt(
    config: CampaignConfig, outcome: Outcome, *, dialled: bool, connected: bool, attempts_before: int, now: datetime
) -> LeadChange:
    """Return what an ended attempt does to its lead.

    `dialled` is False when the exchange never saw the call; `connected` when an agent spoke with the customer.
    """
    if not dialled:
        return LeadChange(LeadState.WAITING, now + timedelta(seconds=NOT_DIALLED_RETRY_S), counted=False)
    if outcome in HYGIENE_OUTCOMES:
        number_state = NumberState.PARKED if outcome in _PARKED else NumberState.RETIRED
        return LeadChange(LeadState.RETIRED, number_state=number_state)
    if connected and outcome in LIVE_OUTCOMES | {Outcome.LOST}:
        return LeadChange(LeadState.DONE)  # the disposition may bring it back
    return _again(config, outcome, attempts_before + 1, now)


def _again(config: CampaignConfig, outcome: Outcome, attempts: int, now: datetime) -> LeadChange:
    wait_s = config.retry_s.get(outcome)
    if wait_s is None or attempts >= config.attempts_total_max:
        return LeadChange(LeadState.DONE)
    return LeadChange(LeadState.WAITING, now + timedelta(seconds=wait_s))


def after_disposition(
    config: CampaignConfig, disposition: str, *, callback_at: datetime | None, attempts: int, now: datetime
) -> LeadChange | None:
    """Return what the agent's word does to the lead (`attempts` include this one); None: nothing more."""
    if disposition == Disposition.CALL_BACK and callback_at is not None:
        return LeadChange(LeadState.WAITING, callback_at, callback=True)
    if disposition == Disposition.DO_NOT_CALL:
        return LeadChange(LeadState.DO_NOT_CALL)
    if disposition == Disposition.WRONG_NUMBER:
        return LeadChange(LeadState.RETIRED, number_state=NumberState.PARKED)
    if disposition == Disposition.NOT_AT_HOME:
        return _again(config, Outcome.NO_ANSWER, attempts, now)
    if disposition == Disposition.MACHINE:
        return _again(config, Outcome.MACHINE, attempts, now)
    return None
