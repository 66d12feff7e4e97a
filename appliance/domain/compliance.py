"""May this person be contacted now? Rules are dated data (`rules/*.toml`); the answer names the rule that decided.

`may_contact` is pure: what happened with the person, the rules and the time come in as arguments. It is asked when a
lead is chosen and again in the transaction that writes the attempt. Rules of law and a campaign's own stand side by
side in one profile (`compliance_own.rules_of`), so a campaign can only ever add to them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from appliance.domain.compliance_ledger import Channel, Ledger
from appliance.domain.compliance_profile import Profile, Rule, load_profile
from appliance.domain.compliance_windows import Counters, cap_opens, concerns, cool_down_opens, hours_open

__all__ = ["Allow", "Deny", "Reason", "Verdict", "denials", "load_profile", "may_contact"]

_IN_CALL_LOOK_AGAIN = timedelta(minutes=2)
_LOOK_TOMORROW = timedelta(days=1)
_ROUNDS_MAX = 40


class Reason(StrEnum):
    """What kind of rule it was; what is said on screen is chosen by it."""

    DO_NOT_CALL = "do_not_call"
    CONTACT_REVOKED = "contact_revoked"
    UNKNOWN_ZONE = "unknown_zone"
    THIRD_PARTY = "third_party"
    ROBOT_CONSENT = "robot_consent"
    ATTEMPTS_TOTAL = "attempts_total"
    IN_CALL = "in_call"
    CAP = "cap"
    COOL_DOWN = "cool_down"
    HOURS = "hours"
    # said by who asks, not by the rules
    NOT_RUNNING = "not_running"
    NUMBER_RETIRED = "number_retired"


@dataclass(frozen=True, slots=True)
class Allow:
    """He may be contacted now."""


@dataclass(frozen=True, slots=True)
class Deny:
    """Not now, by this rule; `not_before` None: not until something about the person or the rules changes."""

    rule_id: str
    reason: Reason
    not_before: datetime | None


Verdict = Allow | Deny


def may_contact(ledger: Ledger, profile: Profile, now: datetime) -> Verdict:
    """Say Allow or Deny; of several rules in the way the one that holds longest is named.

    `not_before` is the first instant at which all rules allow it, if nothing else happens until then. Hours that never
    open are asked about again tomorrow: somebody may change them.
    """
    standing = next(_for_good(ledger, profile, now), None)
    if standing is not None:
        return standing
    latest, last, counters = now, None, Counters(profile, ledger)
    for _ in range(_ROUNDS_MAX):  # all must agree at one instant
        before = latest
        for deny in (*_waits(ledger, profile, counters, before, asked_at=now), *_closed(ledger, profile, before)):
            if deny.not_before is None:
                return deny if deny.reason is not Reason.HOURS else replace(deny, not_before=before + _LOOK_TOMORROW)
            if deny.not_before > latest:
                latest, last = deny.not_before, deny
        if latest == before:
            return Allow() if last is None else replace(last, not_before=latest)
    return Deny(last.rule_id if last else "", Reason.HOURS, now + _LOOK_TOMORROW)  # the weeks never overlap


def denials(ledger: Ledger, profile: Profile, now: datetime) -> list[Deny]:
    """Return every rule that is in the way now, each with its own end; empty: allowed."""
    found = [*_for_good(ledger, profile, now)]
    if any(deny.reason is Reason.UNKNOWN_ZONE for deny in found):
        return found
    waits = _waits(ledger, profile, Counters(profile, ledger), now, asked_at=now)
    return [*found, *waits, *_closed(ledger, profile, now)]


def _for_good(ledger: Ledger, profile: Profile, now: datetime) -> Iterator[Deny]:
    """What does not pass by waiting."""
    for level in ("box", "campaign", "person"):
        if level in ledger.do_not_call:
            yield Deny(f"do_not_call.{level}", Reason.DO_NOT_CALL, None)
    if ledger.contact_revoked:
        yield Deny("person.contact_revoked", Reason.CONTACT_REVOKED, None)
    if not ledger.zones:
        yield Deny("person.unknown_zone", Reason.UNKNOWN_ZONE, None)
    if ledger.third_party and not _third_party_allowed(ledger, profile, now):
        yield Deny(f"{profile.id}.third_party", Reason.THIRD_PARTY, None)
    if ledger.channel is Channel.ROBOT and profile.robot.needs_consent and not ledger.agreed("robot", now):
        yield Deny(f"{profile.id}.robot_consent", Reason.ROBOT_CONSENT, None)
    if profile.attempts_total_max is not None and ledger.lead_attempts >= profile.attempts_total_max:
        yield Deny("campaign.attempts_total", Reason.ATTEMPTS_TOTAL, None)


def _third_party_allowed(ledger: Ledger, profile: Profile, now: datetime) -> bool:
    allowed = profile.third_party.allowed
    if ledger.third_party_refused or allowed == "never":
        return False
    if allowed == "consent":
        return ledger.agreed("third_party", now)
    return allowed == "free" or ledger.debtor_unreachable


def _waits(
    ledger: Ledger, profile: Profile, counters: Counters, now: datetime, *, asked_at: datetime
) -> Iterator[Deny]:
    """Counters and rests that are in the way; they end by themselves."""
    if ledger.in_call and now == asked_at:  # whichever campaign it was that dialled, and whichever of his numbers
        yield Deny("person.in_call", Reason.IN_CALL, now + _IN_CALL_LOOK_AGAIN)
    for cap in profile.caps:
        if concerns(cap.counts, profile, ledger.channel) and not _lifted(cap, ledger, now):
            opens = cap_opens(cap, counters, ledger, now)
            if opens is None or opens > now:
                yield Deny(cap.rule, Reason.CAP, opens)
    for rest in profile.cool_downs:
        if ledger.channel is not Channel.MESSAGE and not _lifted(rest, ledger, now):
            opens = cool_down_opens(rest, counters, ledger, now)
            if opens > now:
                yield Deny(rest.rule, Reason.COOL_DOWN, opens)


def _closed(ledger: Ledger, profile: Profile, now: datetime) -> Iterator[Deny]:
    for hours in profile.hours:
        if not _lifted(hours, ledger, now):
            opens = hours_open(hours, ledger, now)
            if opens is None or opens > now:
                yield Deny(hours.rule, Reason.HOURS, opens)


def _lifted(rule: Rule, ledger: Ledger, now: datetime) -> bool:
    """Say whether the person has agreed that this rule does not hold."""
    return bool(rule.unless) and ledger.agreed(rule.unless, now, rule.unless_days)
