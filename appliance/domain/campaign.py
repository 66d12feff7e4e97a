"""A campaign: its configuration (what a manager may set) and its life (draft, running, paused, stopped, finished)."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from appliance.domain.calling_hours import WEEKDAYS
from appliance.domain.machine import Move, refusal
from appliance.domain.survey import FormField, check_form
from appliance.errors import CallerError, ValidationErrors
from appliance.types import DEFAULT_RETRY_S, CampaignState, Outcome

ALL_DAY: dict[str, list[str]] = {day: ["00:00-24:00"] for day in WEEKDAYS}
"""Calling hours that never close (bench, tests)."""

PROMPT_ID = r"^[a-z0-9][a-z0-9_-]{0,63}$"
KEY = r"^[0-9*#]?$"
_NUMBER = re.compile(r"\+?\d{2,15}")
_SPAN = re.compile(r"^([01]\d|2[0-3]):([0-5]\d)-(([01]\d|2[0-3]):([0-5]\d)|24:00)$")


SKILL_MAX = 5


class WrapUpMode(StrEnum):
    NONE = "none"  # no wrap-up
    OPTIONAL = "optional"  # the agent may leave it without a disposition
    MANDATORY = "mandatory"  # until a disposition is set
    TIMED = "timed"  # until a disposition is set or the time is over (then disposition `none`)
    FIXED = "fixed"  # the whole time, whatever is set


class PriorityOrder(StrEnum):
    DUE = "due"  # the lead that is due longest
    PRIORITY = "priority"  # higher priority first


def _default_hours() -> dict[str, list[str]]:
    return {day: ["08:00-20:00"] for day in WEEKDAYS}


class VoiceMessage(BaseModel):
    """What a campaign without agents says, and what the keys of the person called do."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prompt: str = Field("message", title="Message", description="Prompt that is played.", pattern=PROMPT_ID)
    on_machine: Literal["hang_up", "after_beep"] = Field(
        "hang_up", title="Answering machines", description="Hang up, or leave the message after the beep."
    )
    agent_key: str = Field("", title="Key for an agent", description="Empty: none.", pattern=KEY)
    stop_key: str = Field("", title="Key for no more calls", description="Empty: none.", pattern=KEY)
    menu_wait_s: float = Field(5.0, title="Wait for a key", description="After the message, s.", ge=0, le=30)
    hand_over_wait_s: float = Field(
        10.0, title="Wait for an agent", description="After the key; then the person is told and called back, s.",
        ge=1, le=120,
    )  # fmt: skip

    @model_validator(mode="after")
    def _keys_differ(self) -> Self:
        if self.agent_key and self.agent_key == self.stop_key:
            raise ValueError("one key cannot mean two things")
        return self

    @property
    def has_menu(self) -> bool:
        return bool(self.agent_key or self.stop_key)


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
    rule_profile: str = Field(
        "neutral", title="Rules", description="Whose rules hold: neutral, cn, ru, us, uk, in or one profile's id."
    )
    rule_overrides: dict[str, float | list[str]] = Field(
        default_factory=dict, title="Stricter than the rules",
        description="{rule id: figure or spans}; what would loosen a rule is refused.",
    )  # fmt: skip
    attempts_per_day_max: int = Field(3, title="Attempts a day", description="Per number.", ge=1, le=20)
    attempts_total_max: int = Field(6, title="Attempts in all", description="Per number.", ge=1, le=100)
    retry_s: dict[Outcome, float] = Field(
        default_factory=lambda: dict(DEFAULT_RETRY_S), title="Retry intervals",
        description="Seconds until the next attempt by outcome; an outcome left out ends the lead.",
    )  # fmt: skip
    retry_max: dict[Outcome, int] = Field(
        default_factory=dict, title="Attempts by outcome",
        description="How often an outcome may come before the lead ends; one left out: as attempts in all.",
    )  # fmt: skip
    other_numbers: bool = Field(
        True, title="Other numbers", description="Try the person's other numbers when nobody is reached."
    )
    best_hour: bool = Field(
        True, title="Best hour", description="Move longer retries to hours at which people like this one answer."
    )
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
    survey: list[FormField] = Field(
        default_factory=list, title="Form", description="Questions the agent fills in.", max_length=100
    )
    fields_shown: list[str] = Field(
        default_factory=list, title="Fields shown", description="Columns of the list on screen; empty: all."
    )
    record: bool = Field(True, title="Record", description="Record answered calls.")
    record_on_demand: bool = Field(
        False, title="Record on demand", description="Only from the moment on at which the agent asks for it."
    )
    record_early: bool = Field(False, title="Record ringing", description="Record before the answer too.")
    mask_numbers: bool = Field(False, title="Mask numbers", description="Agents see the last digits only.")
    abandon_prompt: str = Field("abandoned", title="Abandon message", description="Prompt for a person left alone.")
    priority_order: PriorityOrder = Field(PriorityOrder.DUE, title="Order", description="Which lead comes first.")
    preview_skip_s: float = Field(
        3600.0, title="Skipped in preview", description="Seconds until a skipped lead is shown again.", ge=0
    )
    preview_countdown_s: int = Field(
        0, title="Countdown", description="Seconds until a record that is shown is dialled or skipped; 0: none.",
        ge=0, le=600,
    )  # fmt: skip
    preview_after: Literal["dial", "skip"] = Field("dial", title="After the countdown", description="dial or skip.")
    abandoned_limit: float = Field(
        0.01, title="Abandoned at most", ge=0.001, le=0.1,
        description="Share of the people who answer and find no agent; a rule profile may be stricter.",
    )  # fmt: skip
    abandoned_window_h: float = Field(24.0, title="Counted over", description="Hours.", ge=1, le=720)
    weight: int = Field(1, title="Weight", description="Share of agents among running campaigns.", ge=1, le=100)
    skills: dict[str, int] = Field(
        default_factory=dict, title="Skills", description="Least level (1 to 5) an agent needs, by skill."
    )
    max_lines: int | None = Field(None, title="Lines at most", description="Calls at once; empty: the trunks'.", ge=1)
    caller_ids: list[str] = Field(
        default_factory=list, title="More caller numbers", description="Used in turn with the caller number."
    )
    caller_id_daily: int | None = Field(
        None, title="Calls a day per caller number", description="Empty: no limit.", ge=1, le=100_000
    )
    callback_wait_min: int = Field(
        15, title="Own call-backs wait", ge=0, le=1440,
        description="Minutes until a call-back whose agent is not there goes to anyone.",
    )  # fmt: skip
    manual_dial: bool = Field(False, title="Typed numbers", description="Agents may dial a number they type.")
    greeting_prompt: str = Field(
        "", title="Greeting", description="Prompt that is heard until an agent is free; only where the rules allow it.",
        pattern=f"{PROMPT_ID}|^$",
    )  # fmt: skip
    greeting_wait_s: float = Field(10.0, title="Greeting at most", description="s", ge=2, le=30)
    voice: VoiceMessage = Field(
        default_factory=VoiceMessage, title="Voice message", description="For campaigns without agents."
    )

    @property
    def callers(self) -> tuple[str, ...]:
        """All caller numbers of the campaign, each once, in order."""
        return tuple(dict.fromkeys(number for number in (self.caller_id, *self.caller_ids) if number))

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
        if value and not _NUMBER.fullmatch(value):
            raise ValueError("write the caller number with digits, for instance +861012345678")
        return value

    @field_validator("caller_ids")
    @classmethod
    def _callers(cls, value: list[str]) -> list[str]:
        return [cls._caller(number) for number in value if number]

    @field_validator("survey")
    @classmethod
    def _form(cls, value: list[FormField]) -> list[FormField]:
        check_form(value)
        return value

    @field_validator("skills")
    @classmethod
    def _levels(cls, value: dict[str, int]) -> dict[str, int]:
        return checked_skills(value)


def checked_skills(value: dict[str, int]) -> dict[str, int]:
    """Return skills as they may be stored; raises ValueError: a short name, a level from 1 to 5."""
    for name, level in value.items():
        if not name or name != name.strip() or len(name) > 30:
            raise ValueError("the name of a skill has 1 to 30 characters")
        if not 1 <= level <= SKILL_MAX:
            raise ValueError(f"the level of '{name}' must be from 1 to {SKILL_MAX}")
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
