"""The part of a campaign's form about rules: whose they are, and which the campaign makes stricter."""

from __future__ import annotations

import re
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import SelectField, TextAreaField

from appliance.errors import ValidationErrors
from webui.forms import choices

RULES = {
    "neutral": _l("Only the hours below"), "cn": _l("China"), "ru": _l("Russia (law 230-FZ on collection)"),
    "us": _l("United States (Regulation F)"), "uk": _l("United Kingdom (Ofcom, FCA)"), "in": _l("India (RBI)"),
}  # fmt: skip
_LINE = re.compile(r"\s*([a-z0-9_.-]+)\s*[=:]\s*(.+?)\s*")
_FIGURE = re.compile(r"\d+(\.\d+)?")


class RuleFields:
    """Fields; `rule_values` fills them, `rule_config` reads them."""

    rule_profile = SelectField(_l("Rules of the country"), choices=choices(RULES.items()))
    stricter = TextAreaField(
        _l("Stricter than these rules"), render_kw={"rows": 2, "placeholder": "ru.talks_per_week = 1"},
        description=_l("One rule a line: its name, =, and a stricter figure or narrower hours."),
    )  # fmt: skip

    @staticmethod
    def rule_values(config: dict[str, Any]) -> dict[str, Any]:
        """The text of the overrides."""
        overrides: dict[str, Any] = config.get("rule_overrides") or {}
        lines = [
            f"{key} = {', '.join(value) if isinstance(value, list) else format(value, 'g')}"
            for key, value in overrides.items()
        ]
        return {"stricter": "\n".join(lines)}

    def offer_rules(self) -> None:
        """A profile that was set elsewhere stays what it is."""
        known = {str(choice.value) for choice in self.rule_profile.choices}
        if self.rule_profile.data and self.rule_profile.data not in known:
            self.rule_profile.choices = [*self.rule_profile.choices, *choices([(self.rule_profile.data,) * 2])]

    def rule_config(self) -> dict[str, Any]:
        """The overrides as the configuration holds them; raises ValidationErrors for a line that is none."""
        found: dict[str, Any] = {}
        for line in (self.stricter.data or "").splitlines():
            if not line.strip():
                continue
            read = _LINE.fullmatch(line)
            if read is None:
                text = _("Write for instance: %(example)s", example="ru.talks_per_week = 1")
                raise ValidationErrors([("stricter", "compliance.bad_line", text)])
            key, value = read.groups()
            found[key] = float(value) if _FIGURE.fullmatch(value) else [part.strip() for part in value.split(",")]
        return {"rule_overrides": found}


def rules_named_as_here(wrong: ValidationErrors) -> ValidationErrors:
    """Name the complaints about single rules by the field they were written in."""
    named = []
    for name, error_id, text in wrong.errors:
        about = name.partition(".")[0]
        named.append(("stricter" if about == "rule_overrides" else name, error_id, text))
    return ValidationErrors(named)
