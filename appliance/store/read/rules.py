"""The rule profiles, for people: every rule with its figures, its source and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from appliance.domain.compliance_explain import figures
from appliance.domain.compliance_profile import CapRule, CoolDownRule, Rule, load_profile, profile_ids, versions


@dataclass(frozen=True)
class RuleView:
    rule_id: str
    kind: str  # cap | cool_down | hours
    figures: dict[str, Any]
    source: str
    confidence: str


@dataclass(frozen=True)
class ProfileView:
    """One profile as it stands on a day; `since`: when its rules changed last, `changes`: all those days."""

    id: str
    name: str
    force: str
    since: date
    changes: list[date]
    rules: list[RuleView]
    sources: dict[str, tuple[str, str]]  # source and confidence of each part
    abandoned_limit: float | None
    clock: str
    recording_days: int
    recording_notice: bool
    robot_consent: bool
    third_party: str


def profiles(on: date) -> list[ProfileView]:
    """Return every name a campaign may choose, with the rules in force on a day (none: left out)."""
    return [_view(name, on) for name in profile_ids() if min(versions(name)) <= on]


def _view(name: str, on: date) -> ProfileView:
    profile = load_profile(name, on)
    kinds: dict[type[Rule], str] = {CapRule: "cap", CoolDownRule: "cool_down"}
    sources: dict[str, tuple[str, str]] = {
        "abandoned": (profile.abandoned.source, profile.abandoned.confidence),
        "robot": (profile.robot.source, profile.robot.confidence),
        "recording": (profile.recording.source, profile.recording.confidence),
        "third_party": (profile.third_party.source, profile.third_party.confidence),
        **{f"say.{one.key}": (one.source, one.confidence) for one in profile.disclosures},
    }
    return ProfileView(
        id=name, name=profile.name, force=profile.force, since=profile.valid_from, changes=versions(name),
        rules=[
            RuleView(rule.rule, kinds.get(type(rule), "hours"), figures(rule), rule.source, rule.confidence)
            for rule in profile.rules
        ],
        sources=sources,
        abandoned_limit=profile.abandoned.limit, clock=profile.abandoned.clock,
        recording_days=profile.recording.keep_days, recording_notice=profile.recording.notice,
        robot_consent=profile.robot.needs_consent, third_party=profile.third_party.allowed,
    )  # fmt: skip
