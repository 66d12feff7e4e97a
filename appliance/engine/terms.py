"""What one campaign's calls run under: its settings, never looser than its rule profile, and the box's."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.domain.abandoned import Clock
from appliance.domain.call_model import CallPolicy
from appliance.domain.campaign import CampaignConfig
from appliance.domain.compliance_own import rules_of
from appliance.domain.inbound_prompts import NOTICE, sentence
from appliance.domain.numbers import country
from appliance.settings import DiallingSettings
from appliance.types import E164, CampaignMode

_LANGUAGES = {"CN": "zh", "RU": "ru", "BY": "ru", "KZ": "ru"}


@dataclass(frozen=True)
class Terms:
    """When a person counts as abandoned, and how many may. `limit`: share of the people who answer in `window_s`."""

    clock: Clock
    latency_s: float
    within_s: float
    limit: float
    window_s: float
    estimate_dropped: bool
    greeting_allowed: bool
    notice: bool  # a person must be told that the conversation is recorded


def terms_of(config: CampaignConfig, dialling: DiallingSettings) -> Terms:
    """Raises CallerError `compliance.unknown_profile`, ValidationErrors `compliance.looser_than_rule`..."""
    profile = rules_of(config, "UTC")
    rule = profile.abandoned
    binds = rule.limit is not None and rule.limit <= config.abandoned_limit
    return Terms(
        clock=rule.clock, latency_s=rule.latency_s, within_s=min(dialling.abandon_after_s, rule.within_s),
        limit=config.abandoned_limit if rule.limit is None else min(config.abandoned_limit, rule.limit),
        window_s=3600.0 * (rule.window_hours if binds else config.abandoned_window_h),
        estimate_dropped=rule.estimate_dropped,
        greeting_allowed=profile.robot.greeting_allowed and not profile.robot.needs_consent,
        notice=profile.recording.notice and (config.record or profile.recording.required),
    )  # fmt: skip


def patience_s(config: CampaignConfig, terms: Terms) -> float:
    """Return how long after his clock's start a person can be kept for an agent: by a greeting, until its end."""
    return max(terms.within_s, config.greeting_wait_s) if _greets(config, terms) else terms.within_s


def _greets(config: CampaignConfig, terms: Terms) -> bool:
    return bool(config.greeting_prompt) and terms.greeting_allowed


def policy_of(
    config: CampaignConfig, mode: CampaignMode, dialling: DiallingSettings, number: str,
    owner: tuple[str, str | None] | None = None,
) -> CallPolicy:  # fmt: skip
    """Return the figures of a new attempt; `owner` (agent, seat) of a dial by hand."""
    terms = terms_of(config, dialling)
    voice = config.voice if mode is CampaignMode.VOICE and owner is None else None
    greets = _greets(config, terms) and owner is None and voice is None
    return CallPolicy(
        abandon_after_s=terms.within_s, clock=terms.clock, clock_latency_s=terms.latency_s,
        greeting=config.greeting_prompt if greets else "", greeting_s=config.greeting_wait_s if greets else 0.0,
        notice=sentence(_LANGUAGES.get(country(E164(number)) or "", "en"), NOTICE) if terms.notice else "",
        voice=voice, abandon_prompt=config.abandon_prompt, ring_timeout_s=dialling.ring_timeout_s,
        verdict_deadline_s=dialling.verdict_deadline_ms / 1000, seat_answer_timeout_s=dialling.seat_answer_timeout_s,
        owner_agent_id=owner[0] if owner else None, owner_seat_id=owner[1] if owner else None,
    )  # fmt: skip
