"""What may stand in braces in a campaign's script: what every record has, people's fields, columns of its lists."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.domain.script import PLACEHOLDERS
from appliance.store.models import ContactField, Lead

_LEADS_LOOKED_AT = 50


def columns_of_lists(session: Session, campaign_id: str) -> list[str]:
    """Columns of the campaign's lists that no role was given to, as the newest people of it have them."""
    query = select(Lead.fields).where(Lead.campaign_id == campaign_id).order_by(Lead.id.desc()).limit(_LEADS_LOOKED_AT)
    found = [name for fields in session.scalars(query) for name in fields if not name.startswith("_")]
    return list(dict.fromkeys(found))


def fields_of_people(session: Session) -> dict[str, str]:
    """Label by key of the fields that the administrator defined."""
    rows = session.scalars(select(ContactField).where(~ContactField.retired).order_by(ContactField.position))
    return {row.id: str(row.config["label"]) for row in rows}


def known_placeholders(session: Session, campaign_id: str) -> set[str]:
    """All of them. A campaign without a list knows the columns of none."""
    return {*PLACEHOLDERS, *fields_of_people(session), *columns_of_lists(session, campaign_id)}
