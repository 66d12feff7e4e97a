"""Scripts and forms of campaigns as they are written: versions, of which the newest live one holds. Audited."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance import commands
from appliance.commands import Done
from appliance.domain import script
from appliance.domain.campaign import parse_config
from appliance.domain.disclosures import disclosures_of
from appliance.domain.survey import plain_lines
from appliance.errors import ValidationErrors
from appliance.jobs import audit
from appliance.jobs.context import Context
from appliance.store import versions
from appliance.store.models import Campaign, CampaignVersion
from appliance.store.read.script_words import known_placeholders
from appliance.store.repositories import campaign_texts as texts
from appliance.store.repositories import configuration, users
from appliance.types import Permission

SCRIPT, SURVEY = "script", "survey"


class CampaignTexts:
    """One method per command; synchronous, safe to call from several threads."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def save_script(self, command: commands.SaveScript) -> Done:
        """Write a version; raises ValidationErrors for faults of what goes live, ConflictError `edit.conflict`."""
        text = plain_lines(command.text)
        if len(text) > script.SCRIPT_MAX:
            raise ValidationErrors([("text", "script.too_long", f"Use at most {script.SCRIPT_MAX} characters.")])
        with self._context.store.write() as session:
            campaign = self._campaign(session, command)
            if command.live:
                known = known_placeholders(session, campaign.id)
                said = [one.key for one in disclosures_of(campaign.config)]
                faults = script.problems(text, known=known, disclosures=said)
                if faults:
                    raise ValidationErrors([("text", f"script.{one.fault}", one.what) for one in faults])
            return self._write(session, command, campaign, SCRIPT, text, {"text": text})

    def save_form(self, command: commands.SaveForm) -> Done:
        """Write a version; raises ValidationErrors with all mistakes, ConflictError `edit.conflict`."""
        checked = parse_config({"survey": command.questions})
        questions = [one.model_dump(mode="json") for one in checked.survey]
        with self._context.store.write() as session:
            campaign = self._campaign(session, command)
            return self._write(session, command, campaign, SURVEY, questions, {"questions": questions})

    def _campaign(self, session: Session, command: commands.SaveScript | commands.SaveForm) -> Campaign:
        users.require(session, command.actor_id, Permission.CAMPAIGNS_WRITE)
        return configuration.campaign(session, command.campaign_id)

    def _write(
        self, session: Session, command: commands.SaveScript | commands.SaveForm, campaign: Campaign, part: str,
        value: Any, content: dict[str, Any],
    ) -> Done:  # fmt: skip
        now = self._context.clock.now()
        note_standing(session, campaign, now)
        stands = texts.newest_content(session, campaign, part)
        versions.check(session, command, f"campaign:{campaign.id}", stands, content)
        number = texts.newest(session, campaign.id, part) + 1
        version = CampaignVersion(
            campaign_id=campaign.id, part=part, version=number, content=content, at=now, actor_id=command.actor_id,
            live_from=now if command.live else None,
        )  # fmt: skip
        session.add(version)
        if command.live:
            campaign.config = {**campaign.config, part: value}
        audit.append(
            session, now, actor_id=command.actor_id, actor_address=command.actor_address,
            action=f"{'script' if part == SCRIPT else 'form'}.{'live' if command.live else 'drafted'}",
            subject=f"campaign:{campaign.id}", detail={"campaign": campaign.name, "version": number},
        )  # fmt: skip
        if command.live:
            self._context.changed("campaign", campaign.id)
        return Done(id=campaign.id, data={"number": number})


def note_standing(session: Session, campaign: Campaign, now: datetime, actor_id: str = "") -> None:
    """Keep what stands in a campaign's configuration as a version, when no live version says the same.

    Scripts and forms also come with the campaign's form, by the API or the command line.
    """
    for part, key, nothing in ((SCRIPT, "text", ""), (SURVEY, "questions", [])):
        stands: Any = campaign.config.get(part) or nothing
        live = session.scalar(
            select(CampaignVersion)
            .where(
                CampaignVersion.campaign_id == campaign.id, CampaignVersion.part == part,
                CampaignVersion.live_from.is_not(None),
            )
            .order_by(CampaignVersion.live_from.desc(), CampaignVersion.version.desc())
            .limit(1)
        )  # fmt: skip
        if stands == (live.content[key] if live is not None else nothing):
            continue
        version = CampaignVersion(
            campaign_id=campaign.id, part=part, version=texts.newest(session, campaign.id, part) + 1,
            content={key: stands}, at=now, actor_id=actor_id,
            live_from=now if live is not None else campaign.created_at,
        )  # fmt: skip
        session.add(version)
        session.flush()
