"""How a thing that people edit looks now, as one short word: two who change the same thing do not overwrite each other.

A version is a hash of what the edit form holds, so it needs no column of its own and stays the same where nothing was
changed. Who changes says which version he saw; the check and the write are one transaction.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.commands import EditCommand
from appliance.errors import ConflictError
from appliance.settings import Settings
from appliance.store.announcements import Announcement
from appliance.store.models import (
    AuditEntry,
    Base,
    Campaign,
    ContactField,
    CustomRole,
    Department,
    KbVersion,
    PersonFacts,
    Queue,
    RetentionRule,
    SamplingPlan,
    SavedReport,
    Seat,
    Trunk,
    User,
    Webhook,
)  # fmt: skip

EDITED: dict[type[Base], tuple[str, ...]] = {
    Campaign: ("name", "mode", "config"),
    Queue: ("name", "config", "enabled"),
    Seat: ("display_name", "phone", "enabled", "recording"),
    Trunk: ("display_name", "config", "enabled"),
    User: ("login", "display_name", "role", "role_id", "department_id", "skills", "enabled"),
    CustomRole: ("name", "base", "permissions"),
    Department: ("name", "parent_id"),
    PersonFacts: ("time_zone", "contact_revoked", "third_party", "third_party_refused", "consents"),
    RetentionRule: ("keep_days",),
    KbVersion: ("title", "body", "tags", "category", "dispositions", "step"),
    ContactField: ("config", "on_pop", "retired"),
    SavedReport: ("name", "choice", "every", "at_time", "on_day", "recipients", "file_format", "language"),
    SamplingPlan: ("name", "scorecard_id", "rules", "enabled"),
    Webhook: ("name", "url", "events", "personal", "allow_private", "enabled"),
}
"""What the form of each of them holds, by the names of its command; live state is left out."""

SECRET = ("password", "secret", "token", "community", "key")
_SHOWN_MAX = 300


def version_of(values: Mapping[str, Any]) -> str:
    """The version of plain values."""
    plain = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(plain.encode()).hexdigest()[:20]


def values_of(row: Base | None) -> dict[str, Any]:
    """What is edited of a row; nothing for one that is not there (yet)."""
    if row is None:
        return {}
    if isinstance(row, PersonFacts):
        kinds = sorted(one["kind"] for one in row.consents or [] if not one.get("revoked_at"))
        return {
            "time_zone": row.time_zone, "contact_revoked": row.contact_revoked_at is not None,
            "third_party": row.third_party, "third_party_refused": row.third_party_refused, "consents": kinds,
        }  # fmt: skip
    return {name: getattr(row, name) for name in EDITED[type(row)]}


def of_settings(settings: Settings) -> dict[str, Any]:
    """What the settings page holds: all but the cards, which have a form of their own."""
    return settings.model_dump(mode="json", exclude={"hardware": {"cards"}})


def of_announcement(entry: Announcement) -> dict[str, Any]:
    """What is edited of an entry of the ear's library."""
    return {name: getattr(entry, name) for name in ("label", "name", "country", "language")}


def of_scorecard(name: str, card: Mapping[str, Any]) -> dict[str, Any]:
    """What is edited of a scorecard (plain data of domain.scorecard): a line for each question, and their order."""
    questions = [(section, one) for section in card["sections"] for one in section["questions"]]
    lines = {
        f"{section['title']}: {one['text']}": {
            "section_weight": section.get("weight", 1), **{key: one[key] for key in one if key not in ("id", "text")},
        }
        for section, one in questions
    }  # fmt: skip
    return {"name": name, "questions": lines, "order": [one["text"] for _section, one in questions]}


def check(
    session: Session, command: EditCommand, subject: str, current: Base | Mapping[str, Any] | None,
    wanted: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Raise ConflictError `edit.conflict` when `current` is not what the actor saw; `subject` as the audit log has it.

    `wanted`: what he would make of it, where the command's own fields do not say so. The error's placeholders: by
    (user id) and at (RFC 3339) of the last change, version (of now), and differences [name, value now, value wanted].
    """
    values = values_of(current) if isinstance(current, Base) else dict(current or {})
    if not command.version or command.version == version_of(values):
        return
    last = session.scalar(
        select(AuditEntry).where(AuditEntry.subject == subject).order_by(AuditEntry.id.desc()).limit(1)
    )
    if wanted is None:
        wanted = {name: getattr(command, name) for name in values if getattr(command, name, None) is not None}
    raise ConflictError(
        "edit.conflict", "Somebody else has changed this meanwhile: nothing was overwritten. Look at both values.",
        by=last.actor_id if last else "", at=last.at.isoformat() if last else "", version=version_of(values),
        differences=differences(values, wanted),
    )  # fmt: skip


def differences(current: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[list[str]]:
    """Where the two differ, as [name, value now, value wanted]; secrets are only said to differ."""
    now, then = dict(_flat(current)), dict(_flat(wanted))
    return [
        [name, *(("***", "***") if name.endswith(SECRET) else (_shown(now.get(name)), _shown(value)))]
        for name, value in then.items()
        if _shown(now.get(name)) != _shown(value)
    ]


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + str(name), value


def _shown(value: Any) -> str:
    if value is None or value == [] or value == {}:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN_MAX else text[:_SHOWN_MAX] + "…"
