"""A queue: what a manager may set about callers who wait. `models.Queue.config` holds its plain form."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from appliance.domain.calling_hours import next_open, week_of
from appliance.domain.campaign import ALL_DAY, PROMPT_ID, CampaignConfig, checked_skills
from appliance.errors import ValidationErrors

_NUMBER = re.compile(r"\+\d{2,15}")


class Overflow(StrEnum):
    """What becomes of a caller who has waited long enough."""

    MESSAGE = "message"  # he hears that nobody is free
    QUEUE = "queue"  # he waits in another queue
    CALLBACK = "callback"  # he is offered a call-back


class QueueConfig(BaseModel):
    """All settings of one queue; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    numbers: list[str] = Field(
        default_factory=list, title="Numbers", description="Called numbers (E.164); empty: all that no other queue has."
    )
    campaign_id: str = Field(
        "", title="Campaign", description="Whose agents answer, and where call-backs go; empty: every agent."
    )
    language: Literal["zh", "ru", "en"] = Field("zh", title="Language", description="Of what callers hear.")
    skills: dict[str, int] = Field(
        default_factory=dict, title="Skills", description="Least level (1 to 5) an agent needs, by skill."
    )
    hours: dict[str, list[str]] = Field(
        default_factory=lambda: dict(ALL_DAY), title="Opening hours",
        description="Per weekday (mon..sun) a list of spans HH:MM-HH:MM in the box's time zone.",
    )  # fmt: skip
    closed_prompt: str = Field(
        "", title="Closed message", description="Prompt heard outside the hours; empty: the box's own words.",
        pattern=f"{PROMPT_ID}|^$",
    )  # fmt: skip
    music: str = Field("music", title="Music", description="Prompt that is played over and over.", pattern=PROMPT_ID)
    record: bool = Field(True, title="Record", description="Record answered calls.")
    record_on_demand: bool = Field(
        False, title="Record on demand", description="Only from the moment on at which the agent asks for it."
    )
    notice: bool = Field(False, title="Recording notice", description="Say first that the call is recorded.")
    announce_position: bool = Field(True, title="Say the position", description="In the queue.")
    announce_wait: bool = Field(True, title="Say the wait", description="As it is estimated.")
    announce_every_s: int = Field(45, title="Say it every", description="Seconds.", ge=20, le=120)
    callback_key: bool = Field(
        True, title="Call-back instead of waiting", description="Who presses 1 is called back before the list."
    )
    max_wait_s: int = Field(600, title="Wait at most", description="Seconds.", ge=10, le=7200)
    overflow: Overflow = Field(Overflow.CALLBACK, title="After that", description="message, queue or callback.")
    overflow_queue: str = Field("", title="Other queue", description="Its name in the configuration.")

    @field_validator("numbers")
    @classmethod
    def _numbers(cls, value: list[str]) -> list[str]:
        for number in value:
            if not _NUMBER.fullmatch(number):
                raise ValueError(f"'{number}' is no number; write + and digits, for instance +861012345678")
        return value

    @field_validator("hours")
    @classmethod
    def _hours(cls, value: dict[str, list[str]]) -> dict[str, list[str]]:
        return CampaignConfig.model_validate({"calling_hours": value}).calling_hours

    @field_validator("skills")
    @classmethod
    def _levels(cls, value: dict[str, int]) -> dict[str, int]:
        return checked_skills(value)


def parse_queue(plain: dict[str, Any]) -> QueueConfig:
    """Check a queue's configuration; raises ValidationErrors with all mistakes (`queue.config_invalid`)."""
    try:
        return QueueConfig.model_validate(plain)
    except ValidationError as error:
        raise ValidationErrors(
            [(".".join(map(str, e["loc"])), "queue.config_invalid", e["msg"]) for e in error.errors()]
        ) from error


def queue_of(called: str, queues: Iterable[tuple[str, QueueConfig]]) -> str | None:
    """Return the id of the queue of a called number: the one that names it, else the one that names none."""
    rest = None
    for queue_id, config in sorted(queues, key=lambda item: item[0]):
        if called in config.numbers:
            return queue_id
        if not config.numbers and rest is None:
            rest = queue_id
    return rest


def is_open(config: QueueConfig, zone: str, now: datetime) -> bool:
    """Say whether the queue's hours hold now in the box's zone."""
    return next_open(week_of(config.hours), (zone,), now) == now
