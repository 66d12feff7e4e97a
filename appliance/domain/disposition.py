"""What an agent may say about a conversation, and what must come with it."""

from __future__ import annotations

from datetime import date, datetime

from appliance.domain.campaign import CampaignConfig
from appliance.errors import ValidationErrors
from appliance.types import Disposition

NOT_FOR_AGENTS = frozenset({Disposition.ABANDONED, Disposition.NONE})


NO_FORM = frozenset({
    Disposition.WRONG_NUMBER, Disposition.NOT_AT_HOME, Disposition.MACHINE, Disposition.DO_NOT_CALL,
    Disposition.CALL_BACK, Disposition.REFUSED,
})  # fmt: skip


def wants_answers(code: str) -> bool:
    """Say whether the questions of the campaign's form that must be answered hold a result up."""
    return code not in NO_FORM


def choices(config: CampaignConfig) -> tuple[str, ...]:
    """Return the codes an agent may choose from, the campaign's own last."""
    return (*(d.value for d in Disposition if d not in NOT_FOR_AGENTS), *config.dispositions)


def check(
    config: CampaignConfig, code: str, *, callback_at: str | None, promise_amount_minor: int | None,
    promise_date: str | None, now: datetime,
) -> datetime | None:  # fmt: skip
    """Check a disposition and return the instant of its call-back; raises ValidationErrors with all mistakes."""
    errors: list[tuple[str, str, str]] = []
    if code not in choices(config):
        errors.append(("disposition", "disposition.unknown", f"'{code}' is no disposition of this campaign"))
    when: datetime | None = None
    if callback_at:
        try:
            when = datetime.fromisoformat(callback_at)
        except ValueError:
            errors.append(("callback_at", "disposition.bad_time", "write the time as 2026-03-05T14:30:00+08:00"))
        else:
            if when.tzinfo is None:
                errors.append(("callback_at", "disposition.bad_time", "the time needs its zone, for instance +08:00"))
            elif when <= now:
                errors.append(("callback_at", "disposition.past", "the call-back time is over"))
    elif code == Disposition.CALL_BACK:
        errors.append(("callback_at", "disposition.callback_needed", "a call-back needs a time"))
    if promise_amount_minor is not None and promise_amount_minor <= 0:
        errors.append(("promise_amount_minor", "disposition.bad_amount", "the promised amount must be positive"))
    if promise_date is not None:
        try:
            date.fromisoformat(promise_date)
        except ValueError:
            errors.append(("promise_date", "disposition.bad_date", "write the date as 2026-03-05"))
    elif code == Disposition.PROMISE_TO_PAY:
        errors.append(("promise_date", "disposition.date_needed", "a promise needs its date"))
    if errors:
        raise ValidationErrors(errors)
    return when
