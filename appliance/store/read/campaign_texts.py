"""Scripts and forms of campaigns: what holds for a record, versions, what is wrong, what a sample says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select

from appliance.domain.campaign import parse_config
from appliance.domain.disclosures import disclosures_of
from appliance.domain.script import PLACEHOLDERS, Problem, Step, parse, plain, problems
from appliance.domain.survey import FormField, as_typed
from appliance.errors import CallerError, ValidationErrors
from appliance.store.db import Store
from appliance.store.models import Attempt, Campaign, CampaignVersion, Contact, InboundCall, Lead, User
from appliance.store.read import script_words
from appliance.store.repositories.campaign_texts import held, live, newest_content
from appliance.store.versions import version_of

__all__ = ["Problem", "Step", "parse", "plain"]  # of the domain, for pages

SCRIPT, SURVEY = "script", "survey"
_VERSIONS_SHOWN = 100


@dataclass(frozen=True)
class VersionView:
    """One version; `holds`: it is the one that agents have now."""

    version: int
    at: datetime
    by: str
    live_from: datetime | None
    content: dict[str, Any]
    holds: bool = False

    @property
    def text(self) -> str:
        """The version as lines that can be compared."""
        if "text" in self.content:
            return str(self.content["text"])
        return "\n".join(_question_line(one) for one in self.content.get("questions", []))


@dataclass(frozen=True)
class Sample:
    """A record of the campaign's list for the preview."""

    lead_id: str
    name: str
    record: dict[str, Any] = field(default_factory=dict)


def versions(store: Store, campaign_id: str, part: str) -> list[VersionView]:
    """The newest versions first."""
    query = (
        select(CampaignVersion, User.display_name)
        .outerjoin(User, User.id == CampaignVersion.actor_id)
        .where(CampaignVersion.campaign_id == campaign_id, CampaignVersion.part == part)
        .order_by(CampaignVersion.version.desc()).limit(_VERSIONS_SHOWN)
    )  # fmt: skip
    with store.read() as db:
        rows = db.execute(query).all()
        holds = live(db, campaign_id, part)
    return [
        VersionView(
            row.version, row.at, name or "", row.live_from, dict(row.content),
            holds=holds is not None and holds.version == row.version,
        )
        for row, name in rows
    ]  # fmt: skip


def edit_version(store: Store, campaign_id: str, part: str) -> str:
    """How the newest version looks (store.versions): who changes an older one is told."""
    with store.read() as db:
        campaign = db.get(Campaign, campaign_id)
        return version_of({} if campaign is None else newest_content(db, campaign, part))


def held_in(
    store: Store, campaign_id: str, part: str, *, conversation_id: str = "", shown_at: datetime | None = None
) -> Any:
    """The script or form that a conversation began with: what goes live meanwhile is for the next. None: as configured.

    `shown_at`: when the record was shown, for what is not talked of yet; None: now.
    """
    with store.read() as db:
        row = db.get(Attempt, conversation_id) or db.get(InboundCall, conversation_id) if conversation_id else None
        return held(db, campaign_id, part, (row.bridged_at if row is not None else None) or shown_at)


def faults(store: Store, campaign_id: str, config: Mapping[str, Any], text: str) -> list[Problem]:
    """What is wrong with a script of this campaign."""
    with store.read() as db:
        known = script_words.known_placeholders(db, campaign_id)
    return problems(text, known=known, disclosures=[one.key for one in disclosures_of(config)])


def must_say(config: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(key, source, confidence) of what the campaign's rules make its agents say; unknown rules: nothing."""
    try:
        return [(one.key, one.source, one.confidence) for one in disclosures_of(config)]
    except CallerError:
        return []


def placeholders(store: Store, campaign_id: str) -> list[tuple[str, str]]:
    """(placeholder, label) in the order of the list; a label of "" is the placeholder's own name."""
    with store.read() as db:
        fields = script_words.fields_of_people(db)
        columns = script_words.columns_of_lists(db, campaign_id)
    found = {**dict.fromkeys(PLACEHOLDERS, ""), **fields, **{name: "" for name in columns if name not in fields}}
    return list(found.items())


def samples(store: Store, campaign_id: str, *, limit: int = 8) -> list[Sample]:
    """Some people of the campaign's lists, newest first."""
    query = (
        select(Lead, Contact.custom).join(Contact, Contact.id == Lead.contact_id)
        .where(Lead.campaign_id == campaign_id).order_by(Lead.id.desc()).limit(limit)
    )  # fmt: skip
    with store.read() as db:
        rows = db.execute(query).all()
        return [Sample(lead.id, lead.name or lead.number, _record(lead, dict(custom))) for lead, custom in rows]


def _record(lead: Lead, custom: dict[str, Any]) -> dict[str, Any]:
    return {
        "lead_id": lead.id, "name": lead.name, "number": lead.number, "external_id": lead.external_id,
        "amount_minor": lead.amount_minor, "currency": lead.currency, "fields": {**lead.fields}, "custom": custom,
    }  # fmt: skip


def check_questions(questions: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """What is wrong with a form, as (field, error id, message); nothing when it may be kept."""
    try:
        parse_config({"survey": questions})
    except ValidationErrors as wrong:
        return wrong.errors
    return []


def typed(question: Mapping[str, Any], value: Any) -> str:
    """An answer as it would be typed; for templates."""
    return as_typed(FormField.model_validate(question), value)


def _question_line(one: Mapping[str, Any]) -> str:
    parts = [f"{one['id']}: {one['label']} [{one['kind']}]"]
    parts += ["required"] if one.get("required") else []
    parts += [" | ".join(one["choices"])] if one.get("choices") else []
    parts += [f"{key} {one[key]}" for key in ("least", "most", "longest", "shape", "currency") if one.get(key)]
    parts += [f"when {one['when_id']} = {one['when_is']}"] if one.get("when_id") else []
    return "; ".join(parts)
