"""A campaign: its configuration (what a manager may set) and its life (draft, running, paused, stopped, finished)."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from appliance.domain.calling_hours import WEEKDAYS
from appliance.domain.machine import Move, refusal
from appliance.errors import CallerError, ValidationErrors
from appliance.types import CampaignState, Outcome

ALL_DAY: dict[str, list[str]] = {day: ["00:00-24:00"] for day in WEEKDAYS}
"""Calling hours that never close (bench, tests)."""

_SPAN = re.compile(r"^([01]\d|2[0-3]):([0-5]\d)-(([01]\d|2[0-3]):([0-5]\d)|24:00)$")


class WrapUpMode(StrEnum):
    NONE = "none"  # no wrap-up
    OPTIONAL = "optional"  # the agent may leave it without a disposition
    MANDATORY = "mandatory"  # until a disposition is set
    TIMED = "timed"  # until a disposition is set or the time is over (then disposition `none`)


class PriorityOrder(StrEnum):
    DUE = "due"  # the lead that is due longest
    PRIORITY = "priority"  # higher priority first


def _default_hours() -> dict[str, list[str]]:
    return {day: ["08:00-20:00"] for day in WEEKDAYS}


def _default_retry() -> dict[Outcome, float]:
    minute, hour = 60.0, 3600.0
    return {
        Outcome.BUSY: 10 * minute, Outcome.NO_ANSWER: 2 * hour, Outcome.RINGBACK: 2 * hour,
        Outcome.MACHINE: 4 * hour, Outcome.SCREENING: 4 * hour, Outcome.CONGESTION: 5 * minute,
        Outcome.REJECTED: 4 * hour, Outcome.POWERED_OFF: 4 * hour, Outcome.UNREACHABLE: 4 * hour,
        Outcome.HUMAN: 4 * hour, Outcome.UNKNOWN: 1 * hour, Outcome.LOST: 1 * minute,
    }  # fmt: skip


class CampaignConfig(BaseModel):
    """All settings of one campaign; unknown keys are errors. `Campaign.config` holds its plain form."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    calling_hours: dict[str, list[str]] = Field(
        default_factory=_default_hours, title="Calling hours",
        description="Per weekday (mon..sun) a list of spans HH:MM-HH:MM; a day left out is closed.",
    )  # fmt: skip
    time_zone_rule: Literal["number", "box", "fixed"] = Field(
        "number", title="Time zone rule",
        description="Hours hold where the number is (number), in the zone of the box, or in a fixed zone.",
    )  # fmt: skip
    time_zone: str = Field("", title="Fixed time zone", description="IANA name, for the rule 'fixed'.")
    rule_profile: str = Field("neutral", title="Rules", description="Compliance profile: neutral, cn or ru.")
    attempts_per_day_max: int = Field(3, title="Attempts a day", description="Per number.", ge=1, le=20)
    attempts_total_max: int = Field(6, title="Attempts in all", description="Per number.", ge=1, le=100)
    retry_s: dict[Outcome, float] = Field(
        default_factory=_default_retry, title="Retry intervals",
        description="Seconds until the next attempt by outcome; an outcome left out ends the lead.",
    )  # fmt: skip
    wrap_up_s: float | None = Field(
        None, title="Wrap-up", description="Longest wrap-up, s; empty: the box's setting.", ge=0, le=3600
    )
    wrap_up_mode: WrapUpMode = Field(WrapUpMode.TIMED, title="Wrap-up mode", description="How wrap-up ends.")
    after_wrap_up: Literal["ready", "paused"] = Field(
        "ready", title="After a wrap-up that ran out", description="State of an agent who set no disposition."
    )
    dispositions: list[str] = Field(
        default_factory=list, title="Own dispositions", description="Codes beside the built-in set."
    )
    trunk_ids: list[str] = Field(
        default_factory=list, title="Trunks", description="In order of preference; empty: all enabled ones."
    )
    agent_ids: list[str] = Field(
        default_factory=list, title="Agents", description="Who may work in it; empty: everyone."
    )
    caller_id: str = Field("", title="Caller number", description="E.164; empty: the trunk's own number.")
    script: str = Field("", title="Script", description="Text on the agent's screen.", max_length=20000)
    fields_shown: list[str] = Field(
        default_factory=list, title="Fields shown", description="Columns of the list on screen; empty: all."
    )
    record: bool = Field(True, title="Record", description="Record answered calls.")
    record_early: bool = Field(False, title="Record ringing", description="Record before the answer too.")
    mask_numbers: bool = Field(False, title="Mask numbers", description="Agents see the last digits only.")
    abandon_prompt: str = Field("abandoned", title="Abandon message", description="Prompt for a person left alone.")
    priority_order: PriorityOrder = Field(PriorityOrder.DUE, title="Order", description="Which lead comes first.")
    preview_skip_s: float = Field(
        3600.0, title="Skipped in preview", description="Seconds until a skipped lead is shown again.", ge=0
    )

    @field_validator("calling_hours")
    @classmethod
    def _hours(cls, value: dict[str, list[str]]) -> dict[str, list[str]]:
        for day, spans in value.items():
            if day not in WEEKDAYS:
                raise ValueError(f"'{day}' is no weekday; use {', '.join(WEEKDAYS)}")
            for span in spans:
                if not _SPAN.match(span) or span[:5] >= span[6:]:
                    raise ValueError(f"'{span}' is no span of a day; write for instance 08:00-20:00")
        return value

    @field_validator("caller_id")
    @classmethod
    def _caller(cls, value: str) -> str:
        if value and not re.fullmatch(r"\+?\d{2,15}", value):
            raise ValueError("write the caller number with digits, for instance +861012345678")
        return value


def parse_config(plain: dict[str, Any]) -> CampaignConfig:
    """Check a campaign's configuration; raises ValidationErrors with all mistakes (`campaign.config_invalid`)."""
    try:
        return CampaignConfig.model_validate(plain)
    except ValidationError as error:
        raise ValidationErrors(
            [(".".join(map(str, e["loc"])), "campaign.config_invalid", e["msg"]) for e in error.errors()]
        ) from error


class CampaignEvent(StrEnum):
    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    EXHAUSTED = "exhausted"  # no lead waits and no attempt is open


_S, _E = CampaignState, CampaignEvent
TRANSITIONS: dict[tuple[CampaignState, CampaignEvent], CampaignState | Move] = {
    (_S.DRAFT, _E.START): _S.RUNNING,
    (_S.DRAFT, _E.EXHAUSTED): Move.IGNORE,
    (_S.RUNNING, _E.START): Move.IGNORE,
    (_S.RUNNING, _E.RESUME): Move.IGNORE,
    (_S.RUNNING, _E.PAUSE): _S.PAUSED,
    (_S.RUNNING, _E.STOP): _S.STOPPED,
    (_S.RUNNING, _E.EXHAUSTED): _S.FINISHED,
    (_S.PAUSED, _E.START): _S.RUNNING,
    (_S.PAUSED, _E.RESUME): _S.RUNNING,
    (_S.PAUSED, _E.PAUSE): Move.IGNORE,
    (_S.PAUSED, _E.STOP): _S.STOPPED,
    (_S.PAUSED, _E.EXHAUSTED): Move.IGNORE,
    (_S.STOPPED, _E.START): _S.RUNNING,
    (_S.STOPPED, _E.STOP): Move.IGNORE,
    (_S.STOPPED, _E.EXHAUSTED): Move.IGNORE,
    (_S.FINISHED, _E.START): _S.RUNNING,  # more leads were imported
    (_S.FINISHED, _E.STOP): Move.IGNORE,
    (_S.FINISHED, _E.EXHAUSTED): Move.IGNORE,
}


def step(state: CampaignState, event: CampaignEvent) -> CampaignState:
    """Return the next state; raises CallerError `campaign.not_now` for what the table refuses."""
    target = TRANSITIONS.get((state, event), Move.REFUSE)
    if target is Move.REFUSE:
        raise refusal("campaign", state, event)
    return state if target is Move.IGNORE else CampaignState(target)


def action_event(action: str) -> CampaignEvent:
    """Return the event of a manager's action; raises CallerError `campaign.unknown_action`."""
    if action not in ("start", "pause", "resume", "stop"):
        raise CallerError(
            "campaign.unknown_action", f"Unknown action '{action}'; use start, pause, resume or stop.", action=action
        )
    return CampaignEvent(action)
