"""People as they are found and edited: name, numbers, fields of one's own, who may be the same person twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from appliance.domain.survey import FormField, as_typed
from appliance.store.db import Store
from appliance.store.models import (
    Contact,
    ContactField,
    ContactMerge,
    ContactNumber,
    InboundCall,
    Lead,
    PhoneNumber,
    User,
)
from appliance.store.read.pages import Page, page_of
from appliance.store.repositories import contacts
from appliance.store.versions import version_of

_SHARED_MAX = 200  # pairs that are suggested
_EXPORT_PAGE = 500


@dataclass(frozen=True)
class FieldView:
    """A field of one's own; `config` as domain.survey.FormField."""

    id: str
    config: dict[str, Any]
    on_pop: bool
    retired: bool

    @property
    def label(self) -> str:
        return str(self.config["label"])

    @property
    def kind(self) -> str:
        return str(self.config["kind"])


@dataclass(frozen=True)
class PersonNumber:
    """One of a person's numbers; `state` as types.NumberState."""

    number: str
    type: str
    state: str = "good"


@dataclass(frozen=True)
class PersonCard:
    """A person with what is edited of him; `version` as store.versions."""

    id: str
    name: str
    created_at: datetime
    numbers: list[PersonNumber]
    custom: dict[str, Any]
    version: str = ""
    campaigns: list[str] = field(default_factory=list)  # ids


@dataclass(frozen=True)
class MergeView:
    """Two who were merged; `undo_until` None: it was taken back."""

    id: str
    gone_name: str
    gone_number: str
    by: str
    at: datetime
    undo_until: datetime | None


@dataclass(frozen=True)
class Pair:
    """Two people who share a number: the older one first."""

    number: str
    first: PersonCard
    second: PersonCard


def fields(store: Store, *, retired: bool = False) -> list[FieldView]:
    """The fields in their order; `retired`: those too that are not used any more."""
    query = select(ContactField).order_by(ContactField.position)
    with store.read() as db:
        rows = db.scalars(query if retired else query.where(~ContactField.retired)).all()
    return [FieldView(row.id, dict(row.config), row.on_pop, row.retired) for row in rows]


def search(store: Store, text: str, *, before: str | None = None, size: int = 50) -> Page[PersonCard]:
    """People by part of the name or of any number, or by a whole reference; newest first. Nothing typed: all."""
    query = _found(text).order_by(Contact.id.desc()).limit(size + 1)
    if before:
        query = query.where(Contact.id < before)
    with store.read() as db:
        rows = db.scalars(query).all()
        page = page_of(rows, [row.id for row in rows], size)
        return Page(_cards(db, page.rows), page.older)


def _found(text: str) -> Select[Contact]:
    query, wanted = select(Contact), text.strip()[:100]
    if not wanted:
        return query
    digits = "".join(one for one in wanted if one.isdigit())
    ways = [
        Contact.name.icontains(wanted, autoescape=True),
        Contact.id.in_(select(Lead.contact_id).where(Lead.external_id == wanted)),
    ]
    if len(digits) >= 3 and not any(one.isalpha() for one in wanted):
        ways.append(Contact.id.in_(select(ContactNumber.contact_id).where(ContactNumber.number.contains(digits))))
        ways.append(Contact.number.contains(digits))
    return query.where(or_(*ways))


def _cards(db: Session, rows: list[Contact]) -> list[PersonCard]:
    ids = [row.id for row in rows]
    numbers: dict[str, list[PersonNumber]] = {}
    query = (
        select(ContactNumber.contact_id, ContactNumber.number, ContactNumber.type, PhoneNumber.state)
        .outerjoin(PhoneNumber, PhoneNumber.number == ContactNumber.number)
        .where(ContactNumber.contact_id.in_(ids)).order_by(ContactNumber.contact_id, ContactNumber.position)
    )  # fmt: skip
    for contact_id, number, kind, state in db.execute(query):
        numbers.setdefault(contact_id, []).append(PersonNumber(number, kind, state or "good"))
    places: dict[str, list[str]] = {}
    in_campaigns = select(Lead.contact_id, Lead.campaign_id).where(Lead.contact_id.in_(ids))
    for contact_id, campaign_id in db.execute(in_campaigns):
        places.setdefault(contact_id, []).append(campaign_id)
    return [
        PersonCard(
            row.id, row.name, row.created_at, numbers.get(row.id) or [PersonNumber(row.number, "unknown")],
            dict(row.custom), campaigns=places.get(row.id, []),
        )
        for row in rows
    ]  # fmt: skip


def card(store: Store, contact_id: str) -> PersonCard | None:
    """One person as he is edited; None when there is none."""
    with store.read() as db:
        row = db.get(Contact, contact_id)
        if row is None:
            return None
        found = _cards(db, [row])[0]
        version = version_of(contacts.edited(db, row))
    return PersonCard(
        found.id, found.name, found.created_at, found.numbers, found.custom, version, found.campaigns
    )


def edit_version(store: Store, contact_id: str) -> str:
    """How a person looks now (store.versions); also one who is not there has a version."""
    found = card(store, contact_id)
    return found.version if found is not None else version_of({})


def by_number(store: Store, number: str) -> str | None:
    """Who is known by a number first of all; None: nobody."""
    with store.read() as db:
        return db.scalar(select(Contact.id).where(Contact.number == number))


def everybody(store: Store, text: str = "") -> Iterator[PersonCard]:
    """Whom a search finds, streamed."""
    before: str | None = None
    while True:
        page = search(store, text, before=before, size=_EXPORT_PAGE)
        yield from page.rows
        before = page.older
        if before is None:
            return


# ---- the same person twice --------------------------------------------------------------------


def pairs(store: Store, contact_id: str = "") -> list[Pair]:
    """People who share a number (as imports tell duplicates): all of them, or those of one person."""
    shared = (
        select(ContactNumber.number).group_by(ContactNumber.number)
        .having(func.count(func.distinct(ContactNumber.contact_id)) > 1).limit(_SHARED_MAX)
    )  # fmt: skip
    if contact_id:
        own = select(ContactNumber.number).where(ContactNumber.contact_id == contact_id)
        shared = shared.where(ContactNumber.number.in_(own))
    with store.read() as db:
        numbers = list(db.scalars(shared))
        rows = db.execute(
            select(ContactNumber.number, Contact).join(Contact, Contact.id == ContactNumber.contact_id)
            .where(ContactNumber.number.in_(numbers)).order_by(ContactNumber.number, Contact.id)
        ).all()  # fmt: skip
        people = {one.id: one for one in _cards(db, list({row.id: row for _number, row in rows}.values()))}
    by_number: dict[str, list[str]] = {}
    for number, row in rows:
        by_number.setdefault(number, []).append(row.id)
    found: dict[tuple[str, str], Pair] = {}
    for number, ids in by_number.items():
        for first, second in ((one, other) for one in ids for other in ids if one < other):
            if not contact_id or contact_id in (first, second):
                found.setdefault((first, second), Pair(number, people[first], people[second]))
    return list(found.values())[:_SHARED_MAX]


def merges(store: Store, contact_id: str) -> list[MergeView]:
    """Who was merged into a person, newest first."""
    query = (
        select(ContactMerge, User.display_name).outerjoin(User, User.id == ContactMerge.actor_id)
        .where(ContactMerge.kept_id == contact_id).order_by(ContactMerge.id.desc())
    )  # fmt: skip
    with store.read() as db:
        rows = db.execute(query).all()
    return [
        MergeView(
            row.id, str(row.before.get("gone", {}).get("name", "")), str(row.before.get("gone", {}).get("number", "")),
            name or "", row.at, row.undo_until if row.undone_at is None and row.before else None,
        )
        for row, name in rows
    ]  # fmt: skip


def kept_by(store: Store, contact_id: str) -> str | None:
    """Into whom a person was merged who is not there any more."""
    query = select(ContactMerge.kept_id).where(ContactMerge.gone_id == contact_id, ContactMerge.undone_at.is_(None))
    with store.read() as db:
        return db.scalars(query.order_by(ContactMerge.id.desc()).limit(1)).first()


# ---- in a call ----------------------------------------------------------------------------------


def custom_of_record(store: Store, *, lead_id: str, conversation_id: str) -> dict[str, Any]:
    """The own fields of the person whom an agent has before him: by his place in the campaign, or as a caller."""
    with store.read() as db:
        lead = db.get(Lead, lead_id) if lead_id else None
        contact_id = lead.contact_id if lead is not None else None
        if contact_id is None and conversation_id:
            contact_id = db.scalar(select(InboundCall.contact_id).where(InboundCall.id == conversation_id))
        contact = db.get(Contact, contact_id) if contact_id else None
        return dict(contact.custom) if contact is not None else {}


def typed(config: Mapping[str, Any], value: Any) -> str:
    """A value as it would be typed into its field."""
    return as_typed(FormField.model_validate(config), value)
