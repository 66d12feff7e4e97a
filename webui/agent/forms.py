"""Form of the disposition."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from babel.numbers import get_currency_precision
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from appliance.errors import ValidationErrors
from appliance.types import Disposition


def _callback(text: str, zone: ZoneInfo, now: datetime) -> str:
    local = datetime.fromisoformat(text)
    at = local.replace(tzinfo=zone).astimezone(UTC)
    if at <= now:
        raise ValueError
    return at.isoformat()


def _amount(text: str, currency: str) -> int:
    cleaned = text.replace("\u00a0", "").replace(" ", "").replace(",", ".")
    return int(Decimal(cleaned) * 10 ** get_currency_precision(currency or "USD"))


def zone_of(name: str | None, default: ZoneInfo) -> ZoneInfo:
    """The zone a form names; `default` when it names none that exists."""
    try:
        return ZoneInfo(name) if name else default
    except (KeyError, OSError, ValueError):
        return default


def disposition_fields(form: MultiDict[str, str], *, zone: ZoneInfo, currency: str, now: datetime) -> dict[str, Any]:
    """Fields of `AgentDispose` from the form. Raises ValidationErrors with all mistakes at once."""
    errors: list[tuple[str, str, str]] = []
    chosen = form.get("disposition", "")
    fields: dict[str, Any] = {"disposition": chosen, "note": form.get("note", "").strip()[:4000]}
    fields["other_number"] = form.get("other_number", "").strip()[:40]
    if not chosen:
        errors.append(("disposition", "required", _("Choose a result first.")))
    if chosen == Disposition.CALL_BACK:
        try:
            theirs = zone_of(form.get("zone"), zone)
            fields["callback_at"] = _callback(form.get("callback_at", ""), theirs, now)
            fields["callback_to"] = "anyone" if form.get("callback_to") == "anyone" else "me"
        except ValueError:
            errors.append(("callback_at", "future", _("Give a time in the future for the call back.")))
    if chosen == Disposition.PROMISE_TO_PAY:
        fields["promise_date"] = form.get("promise_date") or None
        if not fields["promise_date"]:
            errors.append(("promise_date", "required", _("Give the day of the promised payment.")))
        try:
            if form.get("promise_amount"):
                fields["promise_amount_minor"] = _amount(form["promise_amount"], currency)
        except (InvalidOperation, ValueError):
            errors.append(("promise_amount", "number", _("The amount is not a number.")))
    if errors:
        raise ValidationErrors(errors)
    return fields
