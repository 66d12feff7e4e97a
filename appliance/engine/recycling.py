"""After an attempt: what it says of the number, and whether, when and on which number the person is dialled again.

The table of hours is learnt from attempt rows and read anew now and then; everything else is asked in the transaction
that closes the attempt.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from appliance.domain import retry
from appliance.domain.best_hour import HourTable
from appliance.domain.call_model import Call
from appliance.domain.calling_hours import zone
from appliance.domain.campaign import CampaignConfig
from appliance.domain.hygiene import Said
from appliance.domain.outcome import Verdict
from appliance.domain.retry import LeadChange
from appliance.store import models
from appliance.store.repositories import hours, numbers

REFRESH_S = 3600.0
LEARN_FROM = timedelta(days=90)


class Recycler:
    """Decides with what the store knows of the person and the number."""

    def __init__(self, box_zone: str) -> None:
        self._box_zone: ZoneInfo = zone(box_zone)
        self.hours = HourTable()

    def learn(self, session: Session, now: datetime) -> HourTable:
        """Count the attempts of the last months; the caller sets `hours`."""
        return hours.table(session, now - LEARN_FROM, now, self._box_zone)

    def decide(
        self, session: Session, config: CampaignConfig, call: Call, verdict: Verdict, change: LeadChange, now: datetime
    ) -> LeadChange:
        """Note what the attempt said of its number, and refine what becomes of its lead (None of it for a lost line).

        Runs in the transaction that closes the attempt, after it was saved.
        """
        if not change.counted:
            return change
        end = call.trunk_end
        said = Said(
            now.astimezone(self._box_zone).date(), verdict.outcome, verdict.kind, call.attempt_id,
            end.sip_status if end else None, end.q850 if end else None,
        )  # fmt: skip
        numbers.note(session, call.number, said, now)
        lead = session.get(models.Lead, call.lead_id)
        if lead is None or change.callback:
            return change
        session.flush()  # this attempt counts
        person = numbers.person_of(session, lead, call.number, now)
        return retry.with_person(
            config, change, verdict.outcome, person, hours=self.hours, box_zone=self._box_zone.key, now=now
        )
