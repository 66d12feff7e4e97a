"""A campaign's own limits beside the law's: they are added to the profile's rules, so they can only make it stricter.

`rule_overrides` changes a rule of the profile itself ({rule id: new figure}); what would loosen it is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

from appliance.domain.calling_hours import week_of
from appliance.domain.campaign import CampaignConfig
from appliance.domain.compliance_profile import CapRule, CoolDownRule, HoursRule, Profile, Rule, load_profile
from appliance.errors import ValidationErrors

_OWN = "the campaign's own setting"
ABANDONED_LIMIT = "abandoned.limit"


def rules_of(config: CampaignConfig, box_zone: str, on: date | None = None) -> Profile:
    """Return the rules that one campaign dials by on a day: those of its profile and its own.

    Raises CallerError `compliance.unknown_profile`, ValidationErrors (`compliance.looser_than_rule` ...).
    """
    return _rules_of(config.model_dump_json(include=_INPUTS), config.rule_profile, box_zone, on)


_INPUTS = {
    "calling_hours", "time_zone_rule", "time_zone", "rule_profile", "attempts_per_day_max", "attempts_total_max",
    "rule_overrides",
}  # fmt: skip


def own_inputs(config: CampaignConfig) -> dict[str, Any]:
    """Return the part of a campaign's configuration that its rules are made of, as kept with an attempt."""
    return config.model_dump(mode="json", include=_INPUTS)


@lru_cache(maxsize=256)
def _rules_of(inputs: str, name: str, box_zone: str, on: date | None) -> Profile:
    config = CampaignConfig.model_validate_json(inputs)
    profile = overridden(load_profile(name, on), config.rule_overrides)
    own_zone = {"number": "", "box": box_zone, "fixed": config.time_zone or box_zone}[config.time_zone_rule]
    hours = HoursRule(
        rule="campaign.hours", source=_OWN, confidence="H", workdays=[], weekend=[],
        days={day: list(spans) for day, spans in config.calling_hours.items()}, zone=own_zone,
    )  # fmt: skip
    cap = CapRule(
        rule="campaign.attempts_per_day", source=_OWN, confidence="H", counts=["attempts"], per="number", days=1,
        window="calendar", maximum=config.attempts_per_day_max,
    )  # fmt: skip
    return profile.model_copy(
        update={
            "hours": [*profile.hours, hours], "caps": [*profile.caps, cap],
            "attempts_total_max": config.attempts_total_max,
        }
    )  # fmt: skip


def overridden(profile: Profile, overrides: Mapping[str, float | list[str]]) -> Profile:
    """Return the profile with stricter figures: {rule id: maximum, hours or days of rest, or spans}.

    `abandoned.limit` is the share of abandoned calls. Raises ValidationErrors with all mistakes.
    """
    errors: list[tuple[str, str, str]] = []
    rules = {rule.rule: rule for rule in profile.rules}
    changed: dict[str, Rule] = {}
    update: dict[str, Any] = {}
    for key, value in overrides.items():
        try:
            if key == ABANDONED_LIMIT:
                update["abandoned"] = profile.abandoned.model_copy(update={"limit": _limit(profile, value)})
            elif key in rules:
                changed[key] = _stricter(rules[key], value)
            else:
                raise _Mistake("compliance.unknown_rule", f"the profile {profile.id} has no rule '{key}'")
        except _Mistake as mistake:
            errors.append((f"rule_overrides.{key}", mistake.error_id, str(mistake)))
    if errors:
        raise ValidationErrors(errors)
    return profile.model_copy(
        update={
            "hours": [changed.get(rule.rule, rule) for rule in profile.hours],
            "caps": [changed.get(rule.rule, rule) for rule in profile.caps],
            "cool_downs": [changed.get(rule.rule, rule) for rule in profile.cool_downs], **update,
        }
    )  # fmt: skip


class _Mistake(Exception):
    def __init__(self, error_id: str, text: str) -> None:
        super().__init__(text)
        self.error_id = error_id


def _limit(profile: Profile, value: float | list[str]) -> float:
    law = profile.abandoned.limit
    if isinstance(value, list) or not 0 <= value <= 1:
        raise _Mistake("compliance.bad_override", "write a share from 0 to 1")
    if law is not None and value > law:
        raise _looser(ABANDONED_LIMIT, value, law)
    return value


def _stricter(rule: Rule, value: float | list[str]) -> Rule:
    if isinstance(rule, HoursRule):
        return _narrower(rule, value)
    if isinstance(value, list) or value != int(value) or value < 0:
        raise _Mistake("compliance.bad_override", f"'{rule.rule}' wants a whole number")
    wanted = int(value)
    if isinstance(rule, CapRule):
        if wanted > rule.maximum:
            raise _looser(rule.rule, wanted, rule.maximum)
        return rule.model_copy(update={"maximum": wanted, "unless": ""})
    assert isinstance(rule, CoolDownRule)
    field = "hours" if rule.hours is not None else "days"
    law = rule.hours if rule.hours is not None else rule.days or 0
    if wanted < law:
        raise _looser(rule.rule, wanted, law)
    return rule.model_copy(update={field: wanted, "unless": ""})


def _narrower(rule: HoursRule, value: float | list[str]) -> HoursRule:
    """Spans inside the rule's own of a work day; at weekends what lies in both."""
    try:
        wanted = _spans(value)
    except (TypeError, ValueError, IndexError) as error:
        raise _Mistake("compliance.bad_override", f"'{rule.rule}' wants spans, for instance 09:00-18:00") from error
    law = _spans(rule.workdays)
    if not all(any(low <= start and end <= high for low, high in law) for start, end in wanted):
        raise _looser(rule.rule, value, ", ".join(rule.workdays))
    weekend = [
        (max(start, low), min(end, high))
        for start, end in wanted for low, high in _spans(rule.weekend) if max(start, low) < min(end, high)
    ]  # fmt: skip
    plain = rule.model_dump(exclude={"workdays", "weekend", "unless"})
    return HoursRule(**plain, workdays=[_text(span) for span in wanted], weekend=[_text(span) for span in weekend])


def _spans(value: float | Sequence[str]) -> list[tuple[int, int]]:
    if not isinstance(value, Sequence):
        raise TypeError
    return [span for span in week_of({"mon": value}).spans[0] if span[0] < span[1]]


def _text(span: tuple[int, int]) -> str:
    return "-".join(f"{minute // 60:02d}:{minute % 60:02d}" for minute in span)


def _looser(rule: str, wanted: object, law: object) -> _Mistake:
    return _Mistake(
        "compliance.looser_than_rule",
        f"'{rule}' may only be made stricter: {wanted} is looser than the rule's {law}",
    )
