"""People by hand: their name, numbers and fields of one's own; and which fields there are. All of it audited."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from appliance import commands
from appliance.commands import Done
from appliance.domain.numbers import NotANumber, Number, line_type_of, parse_number, zones
from appliance.domain.survey import FormField, check_answers, plain_text
from appliance.errors import NotFoundError, ValidationErrors
from appliance.ids import new_id
from appliance.jobs import audit
from appliance.jobs.context import Context
from appliance.logs import mask
from appliance.store import versions
from appliance.store.models import Contact, ContactField, ContactNumber, Lead
from appliance.store.repositories import contacts, users
from appliance.types import E164, LeadState, NumberType, Permission

NAME_MAX, NUMBERS_MAX, FIELDS_MAX = 200, 10, 60
Fault = tuple[str, str, str]


class Customers:
    """One method per command; synchronous, safe to call from several threads."""

    def __init__(self, context: Context) -> None:
        self._context = context

    # ---- people ------------------------------------------------------------------------------

    def save(self, command: commands.SaveContact) -> Done:
        """Make or change a person; raises ValidationErrors with all mistakes, ConflictError `edit.conflict`."""
        name, faults = plain_text(command.name)[:NAME_MAX], list[Fault]()
        numbers = self._numbers(command, faults)
        now = self._context.clock.now()
        with self._context.store.write() as session:
            users.require(session, command.actor_id, Permission.LISTS_IMPORT)
            contact = _found(session, command) if command.contact_id else None
            custom = _filled_in(session, dict(contact.custom) if contact is not None else {}, command.custom, faults)
            faults += _taken(session, numbers, contact)
            if faults:
                raise ValidationErrors(faults)
            wanted = {"name": name, "numbers": [[n.e164, kind.value] for n, kind in numbers], "custom": custom}
            before = contact
            if contact is None:
                contact = Contact(id=new_id(), number=numbers[0][0].e164, created_at=now, name="", custom={})
                session.add(contact)
                session.flush()
            stands = contacts.edited(session, contact)
            versions.check(session, command, f"person:{contact.id}", stands, wanted)
            changed = [key for key in wanted if stands[key] != wanted[key]]
            _rename(session, contact, name)
            contact.name, contact.custom = name, custom
            if "numbers" in changed:
                _write_numbers(session, contact, numbers)
            audit.append(
                session, now, actor_id=command.actor_id, actor_address=command.actor_address,
                action="contact.saved" if before is not None else "contact.made", subject=f"person:{contact.id}",
                detail={"changed": changed, "number": mask(contact.number)},
            )  # fmt: skip
            contact_id = contact.id
        self._context.changed("person", contact_id)
        return Done(id=contact_id)

    def _numbers(self, command: commands.SaveContact, faults: list[Fault]) -> list[tuple[Number, NumberType]]:
        found: dict[str, tuple[Number, NumberType]] = {}
        kinds = set(NumberType)
        for place, given in enumerate(command.numbers):
            text = given.get("number", "").strip()
            if not text:
                continue
            read = parse_number(text, self._context.settings.dialling.default_region)
            if isinstance(read, NotANumber):
                faults.append((f"numbers.{place}", f"number.{read.problem}", "This is no number that can be dialled."))
                continue
            kind = given.get("type", "")
            found.setdefault(read.e164, (read, NumberType(kind) if kind in kinds else NumberType.UNKNOWN))
        if not found and not faults:
            faults.append(("numbers.0", "person.no_number", "Give one number at least."))
        if len(found) > NUMBERS_MAX:
            faults.append(("numbers.0", "person.too_many", f"At most {NUMBERS_MAX} numbers are kept."))
        return list(found.values())

    # ---- fields ------------------------------------------------------------------------------

    def save_field(self, command: commands.SaveContactField) -> Done:
        """Make or change a field; raises ValidationErrors, ConflictError `edit.conflict`."""
        try:
            field = FormField.model_validate({**command.config, "when_id": "", "when_is": ""})
        except ValidationError as error:
            raise ValidationErrors(
                [(".".join(map(str, e["loc"])) or "kind", "contact_field.invalid", e["msg"]) for e in error.errors()]
            ) from error
        now = self._context.clock.now()
        with self._context.store.write() as session:
            users.require(session, command.actor_id, Permission.SETTINGS_WRITE)
            row = session.get(ContactField, field.id)
            if command.new:
                row = _new_field(session, field.id, taken=row is not None)
            elif row is None:
                raise NotFoundError("contact_field.unknown", "There is no such field.")
            elif row.config["kind"] != field.kind.value:
                raise ValidationErrors([("kind", "contact_field.kind", "The kind of a field stays as it is.")])
            else:
                versions.check(session, command, f"field:{field.id}", row)
            row.config, row.on_pop, row.retired = field.model_dump(mode="json"), command.on_pop, command.retired
            audit.append(
                session, now, actor_id=command.actor_id, actor_address=command.actor_address,
                action="contact_field.saved", subject=f"field:{field.id}", detail={"retired": command.retired},
            )  # fmt: skip
        return Done(id=field.id)

    def order_fields(self, command: commands.OrderContactFields) -> Done:
        """Put the fields in an order; unknown ids are passed over."""
        with self._context.store.write() as session:
            users.require(session, command.actor_id, Permission.SETTINGS_WRITE)
            rows = {row.id: row for row in session.scalars(select(ContactField).order_by(ContactField.position))}
            wanted = [one for one in dict.fromkeys(command.ids) if one in rows]
            for position, field_id in enumerate([*wanted, *(one for one in rows if one not in wanted)]):
                rows[field_id].position = position
            audit.append(
                session, self._context.clock.now(), actor_id=command.actor_id, actor_address=command.actor_address,
                action="contact_field.ordered", subject="fields",
            )  # fmt: skip
        return Done()


def _new_field(session: Session, field_id: str, *, taken: bool) -> ContactField:
    if taken:
        raise ValidationErrors([("id", "contact_field.id_taken", "There is already a field with this key.")])
    if (session.scalar(select(func.count()).select_from(ContactField)) or 0) >= FIELDS_MAX:
        raise ValidationErrors([("id", "contact_field.too_many", f"At most {FIELDS_MAX} fields.")])
    last = session.scalar(select(func.max(ContactField.position)))
    row = ContactField(id=field_id, position=0 if last is None else last + 1)
    session.add(row)
    return row


def _found(session: Session, command: commands.SaveContact) -> Contact:
    contact = session.get(Contact, command.contact_id)
    if contact is None:
        raise NotFoundError("person.unknown", "There is no such person.")
    return contact


def _filled_in(
    session: Session, before: dict[str, Any], given: Mapping[str, Any], faults: list[Fault]
) -> dict[str, Any]:
    """The fields after a change: those that are not named stay, empty ones are taken out."""
    fields = contacts.own_fields(session)
    named = [one for one in fields if one.id in given]
    kept, wrong = check_answers(named, dict(given), complete=True)
    faults += [(f"custom.{name.removeprefix('answers.')}", error_id, words) for name, error_id, words in wrong]
    missing = [one for one in fields if one.required and one.id not in given and before.get(one.id) in (None, "", [])]
    faults += [(f"custom.{one.id}", "survey.required", f"'{one.label}' must be answered") for one in missing]
    return {**{key: value for key, value in before.items() if key not in {one.id for one in named}}, **kept}


def _taken(
    session: Session, numbers: list[tuple[Number, NumberType]], contact: Contact | None
) -> list[Fault]:
    if not numbers:
        return []
    query = select(Contact.id).where(Contact.number == numbers[0][0].e164)
    other = session.scalar(query if contact is None else query.where(Contact.id != contact.id))
    if other is None:
        return []
    return [("numbers.0", "person.number_taken", "Another person is known by this number; merge the two.")]


def _rename(session: Session, contact: Contact, name: str) -> None:
    """The person's places in campaigns carry his name: those that had the old one get the new one."""
    if contact.name and name:
        session.execute(
            update(Lead).where(Lead.contact_id == contact.id, Lead.name == contact.name).values(name=name)
        )


def _write_numbers(session: Session, contact: Contact, numbers: list[tuple[Number, NumberType]]) -> None:
    """Replace a person's numbers; a lead that waits with one that is gone goes on with the first."""
    session.execute(delete(ContactNumber).where(ContactNumber.contact_id == contact.id))
    contact.number = numbers[0][0].e164
    session.flush()
    contacts.add_numbers(
        session, contact.id,
        [
            contacts.NewNumber(E164(one.e164), kind, one.region, line_type_of(one.kind), zones(one.e164))
            for one, kind in numbers
        ],
    )  # fmt: skip
    session.execute(
        update(Lead)
        .where(
            Lead.contact_id == contact.id, Lead.state != LeadState.RESERVED,
            Lead.number.not_in([one.e164 for one, _kind in numbers]),
        )
        .values(number=contact.number)
    )  # fmt: skip

