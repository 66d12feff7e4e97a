"""Two people who are one: what they have moves to the one who is kept, and for some days back again. Audited.

The row of a merge holds, as plain data, every row that was changed or taken out. History that came after the merge
stays with the kept one when it is taken back.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Text, cast, delete, select, update
from sqlalchemy.orm import Session

from appliance import commands
from appliance.commands import Done
from appliance.errors import CallerError, ConflictError, NotFoundError
from appliance.ids import new_id
from appliance.jobs import audit
from appliance.jobs.context import Context
from appliance.store.models import (
    Attempt,
    Base,
    Contact,
    ContactMerge,
    ContactNumber,
    InboundCall,
    Lead,
    PersonFacts,
    UtcDateTime,
)
from appliance.store.repositories import contacts, users
from appliance.store.versions import version_of
from appliance.types import LeadState, Permission

UNDO_DAYS = 14


class ContactMerges:
    """One method per command; synchronous, safe to call from several threads."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def merge(self, command: commands.MergeContacts) -> Done:
        """Make one of two; raises NotFoundError, CallerError `merge.same`, `merge.in_call`, `contact.changed`."""
        now = self._context.clock.now()
        with self._context.store.write() as session:
            users.require(session, command.actor_id, Permission.LISTS_IMPORT)
            kept, gone = _both(session, command)
            _refuse_in_call(session, [kept.id, gone.id])
            before: dict[str, Any] = {
                "kept": plain(kept), "gone": plain(gone), "kept_numbers": contacts.numbers_of(session, kept.id),
                "gone_numbers": contacts.numbers_of(session, gone.id),
                "facts": _facts_together(session, kept.id, gone.id),
                **_move_calls(session, kept.id, gone.id), **_move_leads(session, kept.id, gone.id),
            }  # fmt: skip
            _take(kept, gone, command.take)
            session.execute(delete(ContactNumber).where(ContactNumber.contact_id == gone.id))
            session.delete(gone)
            session.flush()
            _set_numbers(session, kept, [*before["kept_numbers"], *before["gone_numbers"]], first=kept.number)
            before["after"] = {
                "edited": contacts.edited(session, kept), "facts": plain(session.get(PersonFacts, kept.id))
            }  # fmt: skip
            row = ContactMerge(
                id=new_id(), kept_id=kept.id, gone_id=command.gone_id, actor_id=command.actor_id, at=now,
                undo_until=now + timedelta(days=UNDO_DAYS), before=before,
            )  # fmt: skip
            session.add(row)
            _audit(session, now, command, "contact.merged", row)
        self._context.changed("person", row.kept_id)
        return Done(id=row.id, data={"undo_until": row.undo_until.isoformat()})

    def undo(self, command: commands.UndoMerge) -> Done:
        """Make two again; raises NotFoundError, CallerError `merge.too_late`, `merge.kept_gone`, `merge.number_taken`.

        What was changed by hand since the merge stays as it is with the kept one.
        """
        now = self._context.clock.now()
        with self._context.store.write() as session:
            users.require(session, command.actor_id, Permission.LISTS_IMPORT)
            row = session.get(ContactMerge, command.merge_id)
            if row is None:
                raise NotFoundError("merge.unknown", "There is no such merge.")
            if row.undone_at is not None or now > row.undo_until:
                raise CallerError("merge.too_late", "This merge cannot be taken back any more.")
            kept = session.get(Contact, row.kept_id)
            if kept is None:
                raise CallerError("merge.kept_gone", "This person was merged again; take that back first.")
            _refuse_in_call(session, [kept.id])
            _bring_back(session, row, kept)
            row.undone_at = now
            _audit(session, now, command, "contact.merge_undone", row)
        self._context.changed("person", row.gone_id)
        return Done(id=row.gone_id)


def forget(session: Session, now: datetime) -> None:
    """Drop what was kept for taking back merges that cannot be taken back any more: it is personal data."""
    session.execute(
        update(ContactMerge).where(ContactMerge.undo_until < now, cast(ContactMerge.before, Text) != "{}")
        .values(before={})
    )


def plain(row: Base | None) -> dict[str, Any] | None:
    """A row as plain data; None for none."""
    if row is None:
        return None
    values = {column.key: getattr(row, column.key) for column in row.__table__.columns}
    return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in values.items()}


def revive(model: type[Base], values: dict[str, Any]) -> dict[str, Any]:
    """The values of `plain` as the columns of a model take them; columns that came later have their default."""
    found = {}
    for column in model.__table__.columns:
        if column.key in values:
            value = values[column.key]
            is_instant = isinstance(column.type, UtcDateTime) and isinstance(value, str)
            found[column.key] = datetime.fromisoformat(value) if is_instant else value
    return found


def _both(session: Session, command: commands.MergeContacts) -> tuple[Contact, Contact]:
    if command.kept_id == command.gone_id:
        raise CallerError("merge.same", "Choose two different people.")
    kept, gone = session.get(Contact, command.kept_id), session.get(Contact, command.gone_id)
    if kept is None or gone is None:
        raise NotFoundError("person.unknown", "There is no such person.")
    for contact, seen in ((kept, command.kept_version), (gone, command.gone_version)):
        if seen and seen != version_of(contacts.edited(session, contact)):
            raise ConflictError("contact.changed", "Somebody else has changed this person meanwhile; look at it anew.")
    return kept, gone


def _refuse_in_call(session: Session, people: list[str]) -> None:
    """Live conversations know their person by id: they are left to end first."""
    lead = select(Lead.id).where(Lead.contact_id.in_(people), Lead.state == LeadState.RESERVED)
    caller = select(InboundCall.id).where(InboundCall.contact_id.in_(people), InboundCall.ended_at.is_(None))
    if session.scalar(lead.limit(1)) or session.scalar(caller.limit(1)):
        raise CallerError("merge.in_call", "One of them is in a call now; wait for its end.", retryable=True)


def _set_numbers(session: Session, contact: Contact, numbers: list[list[str]], *, first: str) -> None:
    """Replace a person's numbers; `first` comes first, each stands once."""
    kinds: dict[str, str] = {number: kind for number, kind in reversed(numbers)}  # noqa: C416
    order = list(dict.fromkeys([first, *(number for number, _kind in numbers)]))
    session.execute(delete(ContactNumber).where(ContactNumber.contact_id == contact.id))
    for position, number in enumerate(order):
        kind = kinds.get(number, "unknown")
        session.add(ContactNumber(contact_id=contact.id, position=position, number=number, type=kind))
    contact.number = first
    session.flush()


def _take(kept: Contact, gone: Contact, take: list[str]) -> None:
    if gone.name and ("name" in take or not kept.name):
        kept.name = gone.name
    chosen = {key: value for key, value in gone.custom.items() if key in take or kept.custom.get(key) in (None, "", [])}
    kept.custom = {**kept.custom, **chosen}


def _facts_together(session: Session, kept_id: str, gone_id: str) -> dict[str, Any]:
    """Whatever bars one of them bars the person; what allows is taken from the kept one only."""
    kept, gone = session.get(PersonFacts, kept_id), session.get(PersonFacts, gone_id)
    before = {"kept": plain(kept), "gone": plain(gone)}
    debtors = list(session.scalars(select(PersonFacts.contact_id).where(PersonFacts.debtor_id == gone_id)))
    session.execute(update(PersonFacts).where(PersonFacts.debtor_id == gone_id).values(debtor_id=kept_id))
    if gone is None:
        return {**before, "debtors": debtors}
    session.delete(gone)
    session.flush()
    if kept is None:
        kept = PersonFacts(
            contact_id=kept_id, do_not_call_reason="", time_zone="", third_party=False, third_party_refused=False,
            consents=[],
        )  # fmt: skip
        session.add(kept)
    if gone.do_not_call_since is not None and kept.do_not_call_since is None:
        kept.do_not_call_since, kept.do_not_call_reason = gone.do_not_call_since, gone.do_not_call_reason
    kept.contact_revoked_at = kept.contact_revoked_at or gone.contact_revoked_at
    kept.third_party, kept.third_party_refused = (
        kept.third_party or gone.third_party, kept.third_party_refused or gone.third_party_refused
    )  # fmt: skip
    kept.time_zone, kept.debtor_id = kept.time_zone or gone.time_zone, kept.debtor_id or gone.debtor_id
    if kept.debtor_id == kept_id:
        kept.debtor_id = None
    return {**before, "debtors": debtors}


def _move_calls(session: Session, kept_id: str, gone_id: str) -> dict[str, Any]:
    attempts = list(session.scalars(select(Attempt.id).where(Attempt.contact_id == gone_id)))
    callers = list(session.scalars(select(InboundCall.id).where(InboundCall.contact_id == gone_id)))
    session.execute(update(Attempt).where(Attempt.contact_id == gone_id).values(contact_id=kept_id))
    session.execute(update(InboundCall).where(InboundCall.contact_id == gone_id).values(contact_id=kept_id))
    return {"attempts": attempts, "callers": callers}


def _move_leads(session: Session, kept_id: str, gone_id: str) -> dict[str, Any]:
    """Places in campaigns move; where both have one, the kept one's takes up the calls of the other."""
    own = {lead.campaign_id: lead for lead in session.scalars(select(Lead).where(Lead.contact_id == kept_id))}
    moved, joined = list[str](), list[dict[str, Any]]()
    for lead in session.scalars(select(Lead).where(Lead.contact_id == gone_id)).all():
        stays = own.get(lead.campaign_id)
        if stays is None:
            lead.contact_id = kept_id
            moved.append(lead.id)
            continue
        attempts = list(session.scalars(select(Attempt.id).where(Attempt.lead_id == lead.id)))
        callers = list(session.scalars(select(InboundCall.id).where(InboundCall.lead_id == lead.id)))
        joined.append({"lead": plain(lead), "into": plain(stays), "attempts": attempts, "callers": callers})
        session.execute(update(Attempt).where(Attempt.lead_id == lead.id).values(lead_id=stays.id))
        session.execute(update(InboundCall).where(InboundCall.lead_id == lead.id).values(lead_id=stays.id))
        _join(stays, lead)
        session.delete(lead)
    session.flush()
    return {"moved": moved, "joined": joined}


def _join(stays: Lead, lead: Lead) -> None:
    stays.attempts += lead.attempts
    stays.external_id, stays.fields = stays.external_id or lead.external_id, {**lead.fields, **stays.fields}
    if stays.amount_minor is None:
        stays.amount_minor, stays.currency = lead.amount_minor, lead.currency
    if lead.callback_at is not None and stays.callback_at is None and stays.state != LeadState.DO_NOT_CALL:
        stays.state, stays.next_attempt_at = LeadState.WAITING, lead.next_attempt_at
        stays.callback_at, stays.callback_agent_id = lead.callback_at, lead.callback_agent_id
        stays.priority = max(stays.priority, lead.priority)


def _bring_back(session: Session, row: ContactMerge, kept: Contact) -> None:
    before = row.before
    gone_number = before["gone"]["number"]
    other = session.scalar(select(Contact.id).where(Contact.number == gone_number, Contact.id != kept.id))
    if other is not None:
        raise CallerError("merge.number_taken", "Another person is known by this number now; merge that one first.")
    own = [number for number, _kind in before["kept_numbers"]]
    theirs = {number for number, _kind in before["gone_numbers"]} - set(own)
    if contacts.edited(session, kept) == before["after"]["edited"]:
        kept.name, kept.custom = before["kept"]["name"], before["kept"]["custom"]
        numbers, first = before["kept_numbers"], before["kept"]["number"]
    else:
        has = contacts.numbers_of(session, kept.id)
        numbers = [one for one in has if one[0] not in theirs] or before["kept_numbers"]
        first = numbers[0][0]
    _set_numbers(session, kept, numbers, first=first)
    gone = Contact(**revive(Contact, before["gone"]))
    session.add(gone)
    session.flush()
    _set_numbers(session, gone, before["gone_numbers"] or [[gone_number, "unknown"]], first=gone_number)
    _facts_back(session, before, kept.id, gone.id)
    _leads_back(session, before, kept.id, gone.id)
    for model, ids in ((Attempt, before["attempts"]), (InboundCall, before["callers"])):
        session.execute(update(model).where(model.id.in_(ids), model.contact_id == kept.id).values(contact_id=gone.id))


def _facts_back(session: Session, before: dict[str, Any], kept_id: str, gone_id: str) -> None:
    facts, now = before["facts"], session.get(PersonFacts, kept_id)
    if facts["gone"] is not None:
        session.add(PersonFacts(**revive(PersonFacts, facts["gone"])))
    if now is not None and plain(now) == before["after"]["facts"]:
        if facts["kept"] is None:
            session.delete(now)
        else:
            for key, value in revive(PersonFacts, facts["kept"]).items():
                setattr(now, key, value)
    session.execute(
        update(PersonFacts).where(PersonFacts.contact_id.in_(facts["debtors"]), PersonFacts.debtor_id == kept_id)
        .values(debtor_id=gone_id)
    )  # fmt: skip


def _leads_back(session: Session, before: dict[str, Any], kept_id: str, gone_id: str) -> None:
    session.execute(
        update(Lead).where(Lead.id.in_(before["moved"]), Lead.contact_id == kept_id).values(contact_id=gone_id)
    )
    for one in before["joined"]:
        lead = Lead(**revive(Lead, one["lead"]))
        session.add(lead)
        session.flush()
        stays = session.get(Lead, one["into"]["id"])
        if stays is not None:
            stays.attempts = max(0, stays.attempts - lead.attempts)
        for model, ids in ((Attempt, one["attempts"]), (InboundCall, one["callers"])):
            session.execute(update(model).where(model.id.in_(ids)).values(lead_id=lead.id))


def _audit(
    session: Session, now: datetime, command: commands.UserCommand, action: str, row: ContactMerge
) -> None:
    before = row.before
    audit.append(
        session, now, actor_id=command.actor_id, actor_address=command.actor_address, action=action,
        subject=f"person:{row.kept_id}",
        detail={
            "other": row.gone_id, "merge": row.id, "calls": len(before["attempts"]) + len(before["callers"]),
            "campaigns": len(before["moved"]) + len(before["joined"]),
        },
    )  # fmt: skip
