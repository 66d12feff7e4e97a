"""The rules an attempt was written under, kept once and named by each attempt, so that any call can be judged again."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from appliance.domain.compliance_ledger import Ledger
from appliance.domain.compliance_profile import Profile
from appliance.store.models import RuleSet


def keep(session: Session, profile: Profile, own: dict[str, Any], box_zone: str) -> RuleSet:
    """Return a rule set, written if it is new; its id is `profile@versions#digest`."""
    digest = hashlib.sha256(json.dumps([own, box_zone], sort_keys=True).encode()).hexdigest()[:12]
    key = f"{profile.id}@{profile.version}#{digest}"[:80]
    found = session.get(RuleSet, key)
    if found is None:
        found = RuleSet(id=key, profile=profile.id, version=profile.version, own=own, box_zone=box_zone)
        session.add(found)
        session.flush()
    return found


def inputs_of(ledger: Ledger) -> dict[str, Any]:
    """Return the facts that rows of calls do not hold; what is as usual is left out."""
    plain: dict[str, Any] = {
        "channel": ledger.channel.value, "zones": list(ledger.zones), "lead_attempts": ledger.lead_attempts,
        "debt": ledger.debt, "agent_guaranteed": ledger.agent_guaranteed, "third_party": ledger.third_party,
        "debtor_unreachable": ledger.debtor_unreachable,
        "consents": [
            {"kind": one.kind, "given_at": one.given_at.isoformat(),
             "revoked_at": one.revoked_at.isoformat() if one.revoked_at else None}
            for one in ledger.consents
        ],
        "holidays": sorted(day.isoformat() for day in ledger.holidays),
    }  # fmt: skip
    return {key: value for key, value in plain.items() if value or key == "zones"}


def holidays_of(inputs: dict[str, Any]) -> frozenset[date]:
    return frozenset(date.fromisoformat(day) for day in inputs.get("holidays", ()))
