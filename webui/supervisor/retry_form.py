"""The part of a campaign's form about dialling again: delays that matter, caps, other numbers, the best hour."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, FloatField, Form, IntegerField
from wtforms.validators import NumberRange, Optional

from appliance.types import DEFAULT_RETRY_S

# field -> (outcomes that share it, seconds in its unit)
_DELAYS: dict[str, tuple[tuple[str, ...], float]] = {
    "again_busy_min": (("busy",), 60.0),
    "again_no_answer_h": (("no_answer", "ringback"), 3600.0),
    "again_machine_h": (("machine", "screening"), 3600.0),
    "again_off_h": (("powered_off", "unreachable"), 3600.0),
}
_CAPS = {"busy_max": ("busy",), "machine_max": ("machine",), "rejected_max": ("rejected",)}


class RetryFields(Form):  # type: ignore[misc]
    """Everything else about retries keeps its default."""

    again_busy_min = FloatField(_l("Busy: again after, minutes"), [Optional(), NumberRange(1, 1440)])
    again_no_answer_h = FloatField(_l("No answer: again after, hours"), [Optional(), NumberRange(0.1, 240)])
    again_machine_h = FloatField(_l("Answering machine: again after, hours"), [Optional(), NumberRange(0.1, 240)])
    again_off_h = FloatField(_l("Switched off: again after, hours"), [Optional(), NumberRange(0.1, 240)])
    busy_max = IntegerField(_l("Busy: at most, times"), [Optional(), NumberRange(1, 100)])
    machine_max = IntegerField(_l("Answering machine: at most, times"), [Optional(), NumberRange(1, 100)])
    rejected_max = IntegerField(
        _l("Rejected: at most, times"), [Optional(), NumberRange(1, 100)],
        description=_l("Empty: as often as attempts in all allow."),
    )  # fmt: skip
    other_numbers = BooleanField(_l("Try the person's other numbers when nobody is reached"), default=True)
    best_hour = BooleanField(_l("Try again at hours at which people like this one answer"), default=True)

    @staticmethod
    def retry_values(config: dict[str, Any]) -> dict[str, Any]:
        """What the form shows of a configuration."""
        delays, caps = config.get("retry_s", DEFAULT_RETRY_S), config.get("retry_max") or {}
        values: dict[str, Any] = {key: config.get(key, True) for key in ("other_numbers", "best_hour")}
        for name, (outcomes, unit) in _DELAYS.items():
            values[name] = round(delays[outcomes[0]] / unit, 2) if outcomes[0] in delays else None
        for name, capped in _CAPS.items():
            values[name] = caps.get(capped[0])
        return values

    def retry_config(self, before: dict[str, Any]) -> dict[str, Any]:
        """The configuration's part: a delay that is left empty stays as it was, an empty cap is none."""
        delays = {str(outcome): wait_s for outcome, wait_s in before.get("retry_s", DEFAULT_RETRY_S).items()}
        caps = dict(before.get("retry_max") or {})
        for name, (outcomes, unit) in _DELAYS.items():
            if self[name].data is not None:
                delays.update(dict.fromkeys(outcomes, self[name].data * unit))
        for name, capped in _CAPS.items():
            for outcome in capped:
                caps.pop(outcome, None)
                if self[name].data is not None:
                    caps[outcome] = self[name].data
        return {
            "retry_s": delays, "retry_max": caps, "other_numbers": self.other_numbers.data,
            "best_hour": self.best_hour.data,
        }  # fmt: skip
