"""How likely each number is to answer: what is known of it before the dial, and the model each paced campaign learns.

`histories` runs where leads are picked; `Foresight` belongs to the pace, which tells it starts and ends of calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from appliance.domain.answer_model import AnswerModel, Calibration, NumberHistory
from appliance.domain.call_model import Call
from appliance.domain.calling_hours import zone
from appliance.domain.pacing import SAYS_NOTHING
from appliance.logs import get_logger
from appliance.store import models
from appliance.store.repositories import attempts, numbers
from appliance.types import Outcome

KNOWN_FOR = timedelta(days=90)
"""Attempts before count no more."""


def histories(
    session: Session, leads: Sequence[models.Lead], box_zone: str, now: datetime
) -> dict[str, NumberHistory]:
    """Return what is known of the number that each lead is dialled on next, by the lead's id."""
    dialled = [lead.number for lead in leads]
    tried, known = attempts.answered_of(session, dialled, now - KNOWN_FOR), numbers.rows(session, dialled)
    found = {}
    for lead in leads:
        tries, answers = tried.get(lead.number, (0, 0))
        row = known.get(lead.number)
        where = zone(row.time_zones[0] if row is not None and row.time_zones else box_zone)
        found[lead.id] = NumberHistory(
            tries, answers, lead.last_outcome, now.astimezone(where).hour, row.line_type if row is not None else ""
        )
    return found


class Foresight:
    """The answer models of all paced campaigns, and what was known of the numbers under way."""

    def __init__(self) -> None:
        self._models: dict[str, AnswerModel] = {}
        self._dialled: dict[str, NumberHistory] = {}  # by attempt
        self._log = get_logger()

    def chance(self, campaign_id: str, history: NumberHistory) -> float:
        return self._model(campaign_id).chance(history)

    def started(self, call: Call, history: NumberHistory | None) -> float | None:
        """Return the chance that this dial is answered; None when nothing is known of its number."""
        if history is None:
            return None
        self._dialled[call.attempt_id] = history
        return self.chance(call.campaign_id, history)

    def ended(self, call: Call, outcome: Outcome) -> None:
        """Learn from a dial that came to its end; one that we ended ourselves says nothing."""
        history = self._dialled.pop(call.attempt_id, None)
        if history is not None and (call.answered_at is not None or outcome not in SAYS_NOTHING):
            self._model(call.campaign_id).learn(history, call.answered_at is not None)

    def calibration(self, campaign_id: str) -> Calibration:
        return self._model(campaign_id).calibration

    def _model(self, campaign_id: str) -> AnswerModel:
        return self._models.setdefault(campaign_id, AnswerModel())

    # ---- over a restart ------------------------------------------------------------------------------------

    def take(self, campaign_id: str, plain: dict[str, Any]) -> None:
        """Take what a campaign's model had learnt; spoilt data is left, and it learns anew."""
        try:
            self._models[campaign_id] = AnswerModel.from_plain(plain)
        except (KeyError, TypeError, ValueError):
            self._log.warning("answer model not taken", campaign=campaign_id)

    def to_plain(self, campaign_id: str) -> dict[str, Any]:
        return self._model(campaign_id).to_plain()
