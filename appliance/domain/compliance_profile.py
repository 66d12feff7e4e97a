"""Rule profiles: what a country or a trade body allows, as dated data (`rules/*.toml`), each rule with its source.

A profile has versions by the day they came into force, so that a call of last year is judged by the rules of last year.
A name may stand for several profiles that hold together (`cn`: the standard and the bank guideline); they are joined to
one, in which every rule of all of them holds. Confidence of a source: H the rule's own text or the regulator, M a named
secondary source, L general knowledge that must be verified before anybody relies on it. Not legal advice.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from functools import cached_property, lru_cache
from importlib import resources
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from appliance.domain.calling_hours import Week, week_of
from appliance.errors import CallerError

Counted = Literal["attempts", "unanswered", "abandoned", "conversations", "robots", "messages"]
ThirdParty = Literal["free", "consent", "to_reach", "never"]
Clock = Literal["answer", "speech_onset", "greeting_end"]
_WORKDAYS, _WEEKEND = ("mon", "tue", "wed", "thu", "fri"), ("sat", "sun")
_THIRD_PARTY: tuple[ThirdParty, ...] = ("free", "consent", "to_reach", "never")  # ever stricter
_CLOCKS: tuple[Clock, ...] = ("greeting_end", "speech_onset", "answer")


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Rule(_Model):
    """`unless`: the kind of consent that lifts it, `unless_days`: how long that lasts (None: until revoked)."""

    rule: str
    source: str
    confidence: Literal["H", "M", "L"]
    unless: str = ""
    unless_days: int | None = None


class HoursRule(Rule):
    """Open spans; `weekend` also holds on public holidays of `holidays_of`. `zone`: fixed, else where the person is."""

    workdays: list[str]
    weekend: list[str]
    holidays_of: str = ""  # ISO 3166; empty: a holiday is a day like others
    days: dict[str, list[str]] | None = None  # a campaign's own hours, day by day
    zone: str = ""

    @cached_property
    def week(self) -> Week:
        if self.days is not None:
            return week_of(self.days)
        return week_of({**dict.fromkeys(_WORKDAYS, self.workdays), **dict.fromkeys(_WEEKEND, self.weekend)})


class CapRule(Rule):
    """At most `maximum` of `counts` within `days` for each `per`.

    calendar: the local day and the `days` - 1 before it; rolling: any span of `days` days.
    """

    counts: list[Counted] = Field(min_length=1)
    per: Literal["person", "number", "debt"]
    days: int = Field(ge=1, le=366)
    window: Literal["calendar", "rolling"]
    maximum: int = Field(ge=0)


class CoolDownRule(Rule):
    """No call after an event: for `hours`, or for `days` local days of which the event's is the first."""

    after: list[Counted] = Field(min_length=1)
    per: Literal["person", "number", "debt"]
    hours: int | None = Field(None, ge=1)
    days: int | None = Field(None, ge=1)
    unless_agent: bool = False  # does not hold when an agent is guaranteed


class AbandonedRule(_Model):
    """How abandoned calls are counted. `limit` None: the rule names no figure, the campaign's own limit holds.

    `latency_s`: what the ear may take to tell a person, where the rule's own words leave room for it; a person waits
    since its word, at most so much later than the clock says.
    """

    clock: Clock
    latency_s: float = Field(0.0, ge=0, le=10)
    within_s: float = Field(2.0, gt=0)
    limit: float | None = Field(None, ge=0, le=1)
    window_hours: int = Field(24, ge=1)
    estimate_dropped: bool  # people dropped as machines are estimated and added
    source: str
    confidence: Literal["H", "M", "L"]


class RobotRule(_Model):
    """Calls in which a machine speaks. `counts_as`: the counter that such a talk fills."""

    counts_as: Literal["attempts", "conversations", "messages"]
    needs_consent: bool
    says_so: bool  # must disclose that it is a machine
    greeting_allowed: bool  # a machine may greet and hold the line until an agent is free
    source: str
    confidence: Literal["H", "M", "L"]


class RecordingRule(_Model):
    required: bool
    notice: bool  # said at the start of the conversation
    keep_days: int = Field(ge=0)  # 0: no figure known
    source: str
    confidence: Literal["H", "M", "L"]


class DisclosureRule(_Model):
    """What an agent has to say in each conversation; `key` as the script marks it (domain.script)."""

    key: Literal["recording", "identity", "creditor", "debt_collection"]
    source: str
    confidence: Literal["H", "M", "L"]


class ThirdPartyRule(_Model):
    """People who are not the debtor: free, by their consent, only while the debtor cannot be reached, or never."""

    allowed: ThirdParty
    source: str
    confidence: Literal["H", "M", "L"]


class Profile(_Model):
    """One version of one profile, or several joined (then `version` names each)."""

    id: str
    name: str
    valid_from: date
    version: str = ""
    force: str = ""
    ring_at_least_s: float = 0.0
    abandoned: AbandonedRule
    robot: RobotRule
    recording: RecordingRule
    third_party: ThirdPartyRule
    hours: list[HoursRule] = []
    caps: list[CapRule] = []
    cool_downs: list[CoolDownRule] = []
    disclosures: list[DisclosureRule] = []
    attempts_total_max: int | None = None  # of one lead; only a campaign sets it

    @property
    def rules(self) -> Iterable[Rule]:
        return (*self.hours, *self.caps, *self.cool_downs)

    @cached_property
    def ledger_days(self) -> int:
        """How far back a ledger must reach for this profile, days."""
        spans = [cap.days for cap in self.caps] + [(c.days or 0) + (c.hours or 0) // 24 for c in self.cool_downs]
        return max(spans, default=0) + 2


_RULES = resources.files("appliance.domain") / "rules"
_NAMES = "names.toml"


@lru_cache(maxsize=1)
def _versions() -> dict[str, list[Profile]]:
    """Return all versions by profile id, oldest first."""
    found: dict[str, list[Profile]] = defaultdict(list)
    for file in _RULES.iterdir():
        if file.name.endswith(".toml") and file.name != _NAMES:
            profile = Profile.model_validate(tomllib.loads(file.read_text("utf-8")))
            found[profile.id].append(profile.model_copy(update={"version": profile.valid_from.isoformat()}))
    return {key: sorted(of, key=lambda one: one.valid_from) for key, of in found.items()}


@lru_cache(maxsize=1)
def _names() -> dict[str, list[str]]:
    """Return the profiles that a name stands for."""
    names: dict[str, list[str]] = tomllib.loads((_RULES / _NAMES).read_text("utf-8"))
    return {**{key: [key] for key in _versions()}, **names}


def profile_ids() -> list[str]:
    """Return every name a campaign may give, short ones first."""
    return sorted(_names(), key=lambda name: (len(name) > len("neutral"), name))


def versions(name: str) -> list[date]:
    """Return the days on which the rules behind a name changed, oldest first."""
    return sorted({one.valid_from for key in _members(name) for one in _versions()[key]})


def _members(name: str) -> list[str]:
    found = _names().get(name)
    if found is None:
        raise CallerError(
            "compliance.unknown_profile", f"There is no rule profile '{name}'; use {', '.join(profile_ids())}.",
            profile=name,
        )  # fmt: skip
    return found


@lru_cache(maxsize=64)
def load_profile(name: str, on: date | None = None) -> Profile:
    """Return the rules of a name as they stood on a day (None: the newest).

    Raises CallerError `compliance.unknown_profile`, `compliance.not_in_force`.
    """
    standing = [
        [one for one in _versions()[key] if on is None or one.valid_from <= on][-1:] for key in _members(name)
    ]
    parts = [one for of in standing for one in of]
    if not parts:
        raise CallerError(
            "compliance.not_in_force", f"The rules '{name}' were not in force on {on}.", profile=name, day=str(on)
        )
    return parts[0] if len(parts) == 1 else _joined(name, parts)


def kept_at_least(name: str) -> int:
    """Return for how many days the newest rules of a name want recordings kept; 0: no figure, or no such rules."""
    return load_profile(name).recording.keep_days if name in _names() else 0


def _joined(name: str, parts: Sequence[Profile]) -> Profile:
    """Return one profile in which the rules of all hold, and the strictest of what can be only one way."""
    limits = [one for one in parts if one.abandoned.limit is not None] or list(parts)
    abandoned = min((one.abandoned for one in limits), key=lambda rule: 1.0 if rule.limit is None else rule.limit)
    robots, recordings = [one.robot for one in parts], [one.recording for one in parts]
    kept_longest = max(recordings, key=lambda rule: rule.keep_days)
    counts_as = next((r.counts_as for r in robots if r.counts_as == "conversations"), robots[0].counts_as)
    return Profile(
        id=name, name="; ".join(one.name for one in parts), force="; ".join(one.force for one in parts),
        valid_from=max(one.valid_from for one in parts), version="+".join(one.version for one in parts),
        ring_at_least_s=max(one.ring_at_least_s for one in parts),
        abandoned=abandoned.model_copy(update={
            "clock": max((one.abandoned.clock for one in limits), key=_CLOCKS.index),
            "latency_s": min(one.abandoned.latency_s for one in limits),
            "within_s": min(one.abandoned.within_s for one in limits),
            "estimate_dropped": any(one.abandoned.estimate_dropped for one in parts),
        }),
        robot=robots[0].model_copy(update={
            "counts_as": counts_as, "needs_consent": any(r.needs_consent for r in robots),
            "says_so": any(r.says_so for r in robots), "greeting_allowed": all(r.greeting_allowed for r in robots),
        }),
        recording=kept_longest.model_copy(update={
            "required": any(r.required for r in recordings), "notice": any(r.notice for r in recordings),
        }),
        third_party=max((one.third_party for one in parts), key=lambda rule: _THIRD_PARTY.index(rule.allowed)),
        hours=[rule for one in parts for rule in one.hours], caps=[rule for one in parts for rule in one.caps],
        cool_downs=[rule for one in parts for rule in one.cool_downs],
        disclosures=list({rule.key: rule for one in parts for rule in one.disclosures}.values()),
    )  # fmt: skip
