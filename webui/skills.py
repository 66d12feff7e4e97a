"""Skills as people write them: names with a level."""

from __future__ import annotations

import re

from flask_babel import gettext as _

from appliance.errors import ValidationErrors

_SPLIT = re.compile(r"[,;\n]+")
_SKILL = re.compile(r"\s*(.+?)\s*(?:[:=]\s*(\d+))?\s*")


def skills_of(text: str | None) -> dict[str, int]:
    """Read `russian:3, legal`; no level means 1. Raises ValidationErrors."""
    found: dict[str, int] = {}
    for part in _SPLIT.split(text or ""):
        if part.strip():
            match = _SKILL.fullmatch(part)
            name, level = (match[1], int(match[2] or 1)) if match else ("", 0)
            if not 1 <= len(name) <= 30 or not 1 <= level <= 5:
                message = _("Write skills as name:level, with a level from 1 to 5.")
                raise ValidationErrors([("skills_text", "skills.invalid", message)])
            found[name] = level
    return found


def skills_text(skills: dict[str, int]) -> str:
    """Write skills as `skills_of` reads them."""
    return ", ".join(f"{name}:{level}" for name, level in sorted(skills.items()))
