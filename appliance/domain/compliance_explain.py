"""Why somebody may or may not be contacted, for people: how far each rule was used up, and each rule's figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from appliance.domain.compliance_ledger import Channel, Ledger
from appliance.domain.compliance_profile import CapRule, CoolDownRule, HoursRule, Profile, Rule
from appliance.domain.compliance_windows import concerns, counted, leaves_window


@dataclass(frozen=True)
class RuleState:
    """One rule as it stood: `kind` cap | cool_down | hours; `used` of `maximum` for a cap, else None."""

    rule_id: str
    kind: str
    figures: dict[str, Any]
    source: str
    confidence: str
    used: int | None = None
    maximum: int | None = None
    lifted_by: str = ""  # the consent under which it did not hold


def states(ledger: Ledger, profile: Profile, now: datetime) -> list[RuleState]:
    """Return every rule that concerns the contact, with what was counted against it."""
    found = []
    for cap in profile.caps:
        if concerns(cap.counts, profile, ledger.channel):
            used = sum(
                any(leaves_window(cap, at, name) > now for name in ledger.zones)
                for at in counted(cap.counts, cap.per, profile, ledger)
            )
            found.append(_state(cap, "cap", ledger, now, used, cap.maximum))
    if ledger.channel is not Channel.MESSAGE:
        found += [_state(rest, "cool_down", ledger, now) for rest in profile.cool_downs]
    return [*found, *(_state(hours, "hours", ledger, now) for hours in profile.hours)]


def _state(
    rule: Rule, kind: str, ledger: Ledger, now: datetime, used: int | None = None, maximum: int | None = None
) -> RuleState:
    lifted = bool(rule.unless) and ledger.agreed(rule.unless, now, rule.unless_days)
    return RuleState(
        rule.rule, kind, figures(rule), rule.source, rule.confidence, used, maximum, rule.unless if lifted else ""
    )


def figures(rule: Rule) -> dict[str, Any]:
    """Return what a sentence about a rule needs."""
    if isinstance(rule, CapRule):
        return {"maximum": rule.maximum, "counts": rule.counts[0], "days": rule.days, "per": rule.per}
    if isinstance(rule, CoolDownRule):
        return {"after": rule.after[0], "hours": rule.hours, "days": rule.days}
    if isinstance(rule, HoursRule):
        spans = rule.days if rule.days is not None else {"workdays": rule.workdays, "weekend": rule.weekend}
        return {"spans": spans}
    return {}
