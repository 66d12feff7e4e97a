"""May this number be called now? Rules are dated data (`rules/*.toml`); the answer names the rule that decided.

`may_contact` is pure: the ledger of earlier contacts, the profile, the zones and the time come in as arguments. It is
asked when a lead is picked, just before its dial.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from importlib import resources
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from appliance.domain.calling_hours import Week, local_instant, next_open, week_of, zone
from appliance.domain.campaign import CampaignConfig
from appliance.errors import CallerError

_IN_CALL_LOOK_AGAIN = timedelta(minutes=2)
_WORKDAYS, _WEEKEND = ("mon", "tue", "wed", "thu", "fri"), ("sat", "sun")


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    rule: str
    source: str


class HoursRule(_Rule):
    workdays: list[str]
    weekend: list[str]

    @property
    def week(self) -> Week:
        return week_of({**dict.fromkeys(_WORKDAYS, self.workdays), **dict.fromkeys(_WEEKEND, self.weekend)})


class CapRule(_Rule):
    """At most `maximum` of `counts` within `days` (calendar days in the number's zone, or any span so long)."""

    counts: Literal["attempts", "unanswered", "conversations"]
    days: int = Field(ge=1, le=366)
    window: Literal["calendar", "rolling"]
    maximum: int = Field(ge=1)


class Profile(BaseModel):
    """One rule profile as it stands in `rules/<id>.toml`. `unknown_zone`: what to do with a number of no known zone."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str
    name: str
    version: str
    unknown_zone: Literal["box", "never"]
    hours: HoursRule | None = None
    caps: list[CapRule] = []


@dataclass(frozen=True)
class Contact:
    """One earlier dial of the number: when, and whether a conversation came of it."""

    at: datetime
    conversation: bool
    answered: bool
    is_open: bool = False  # this dial has not ended


@dataclass(frozen=True)
class Allowed:
    """It may be called now."""


@dataclass(frozen=True)
class NotBefore:
    at: datetime
    rule: str


@dataclass(frozen=True)
class Never:
    rule: str


Verdict = Allowed | NotBefore | Never


@lru_cache(maxsize=16)
def load_profile(profile_id: str) -> Profile:
    """Read one profile; raises CallerError `compliance.unknown_profile`."""
    file = resources.files("appliance.domain") / "rules" / f"{profile_id}.toml"
    if not profile_id.isalnum() or not file.is_file():
        raise CallerError(
            "compliance.unknown_profile", f"There is no rule profile '{profile_id}'; use neutral, cn or ru.",
            profile=profile_id,
        )  # fmt: skip
    return Profile.model_validate(tomllib.loads(file.read_text("utf-8")))


def _counts(cap: CapRule, contact: Contact) -> bool:
    if cap.counts == "conversations":
        return contact.conversation
    return cap.counts == "attempts" or not contact.answered


def _cap_opens(cap: CapRule, ledger: Sequence[Contact], where: str, now: datetime) -> datetime:
    """Return when one more is allowed (`now` or later)."""
    counted = sorted(contact.at for contact in ledger if _counts(cap, contact))
    if cap.window == "rolling":
        inside = [at for at in counted if at > now - timedelta(days=cap.days)]
        return now if len(inside) < cap.maximum else inside[-cap.maximum] + timedelta(days=cap.days)
    today = now.astimezone(zone(where)).date()
    first = local_instant(today - timedelta(days=cap.days - 1), 0, zone(where))
    if sum(at >= first for at in counted) < cap.maximum:
        return now
    return local_instant(today + timedelta(days=1), 0, zone(where))


def may_contact(
    config: CampaignConfig, profile: Profile, ledger: Sequence[Contact], *,
    lead_attempts: int, number_zones: Sequence[str], box_zone: str, now: datetime,
) -> Verdict:  # fmt: skip
    """Say now / not before T / never, with the rule: the law's profile and the campaign's own settings.

    `ledger` holds all dials of the number in the last 31 days or more, `lead_attempts` those of this lead in all.
    """
    if not number_zones and profile.unknown_zone == "never":
        return Never(rule=f"{profile.id}.unknown_zone")
    lawful_zones = tuple(number_zones) or (box_zone,)
    where = lawful_zones[0]
    own_cap = CapRule(
        rule="campaign.attempts_per_day", source="campaign", counts="attempts", days=1, window="calendar",
        maximum=config.attempts_per_day_max,
    )  # fmt: skip
    if lead_attempts >= config.attempts_total_max:
        return Never(rule="campaign.attempts_total")
    latest, rule = now, ""
    if any(contact.is_open for contact in ledger):  # whichever campaign it was that dialled
        latest, rule = now + _IN_CALL_LOOK_AGAIN, "number.in_call"
    for cap in (*profile.caps, own_cap):
        opens = _cap_opens(cap, ledger, where, now)
        if opens > latest:
            latest, rule = opens, cap.rule
    own_zones = {"number": lawful_zones, "box": (box_zone,), "fixed": (config.time_zone or box_zone,)}
    weeks = [(week_of(config.calling_hours), own_zones[config.time_zone_rule], "campaign.hours")]
    if profile.hours is not None:
        weeks.append((profile.hours.week, lawful_zones, profile.hours.rule))
    for _ in range(20):  # both must be open at once
        before = latest
        for week, zones, week_rule in weeks:
            opens_at = next_open(week, zones, latest)
            if opens_at is None:  # closed all week: asked again tomorrow, the hours may be changed
                return NotBefore(at=latest + timedelta(days=1), rule=week_rule)
            if opens_at > latest:
                latest, rule = opens_at, week_rule
        if latest == before:
            return Allowed() if latest <= now else NotBefore(at=latest, rule=rule)
    return NotBefore(at=now + timedelta(days=1), rule=rule)  # the weeks never overlap
