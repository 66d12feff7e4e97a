"""What the rules of a campaign make its agents say. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from appliance.domain.compliance_profile import DisclosureRule, load_profile


def disclosures_of(config: Mapping[str, Any]) -> list[DisclosureRule]:
    """What must be said in each conversation of a campaign (its configuration as plain data).

    Raises CallerError `compliance.unknown_profile`.
    """
    profile = load_profile(str(config.get("rule_profile") or "neutral"))
    found = list(profile.disclosures)
    if profile.recording.notice and config.get("record", True):
        notice = profile.recording
        found.insert(0, DisclosureRule(key="recording", source=notice.source, confidence=notice.confidence))
    return found
