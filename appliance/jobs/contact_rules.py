"""Who must not be called, and what the rules must know of a person: by hand, or from a table. All of it audited."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from appliance import commands
from appliance.commands import Done
from appliance.domain.numbers import Cell, NotANumber, Number, NumberProblem, parse_number
from appliance.errors import CallerError, NotFoundError, ValidationErrors
from appliance.jobs import audit
from appliance.jobs.context import Context
from appliance.logs import mask
from appliance.outside.tables import Workbook
from appliance.store import versions
from appliance.store.models import CampaignDoNotCall, Contact, ContactNumber, DoNotCall, Lead, PersonFacts
from appliance.store.repositories import configuration, users
from appliance.types import LeadState, Permission

CONSENTS = ("hours", "frequency", "robot", "third_party")
_BATCH = 500
_SAYS = {NumberProblem.EMPTY: 0, NumberProblem.NO_DIGITS: 1}  # how much a problem tells; any other: 2
_REJECTS_TOLD = 50


class ContactRules:
    """One method per command."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def save_do_not_call(self, command: commands.SaveDoNotCall) -> Done:
        """Bar a number or take that back; raises ValidationErrors for what is no telephone number."""
        self._allow(command.actor_id)
        number = self._number(command.number)
        now = self._context.clock.now()
        reason = command.reason.strip()[:120]
        with self._context.store.write() as session:
            if command.level == "box":
                _bar_box(session, number, reason, now, remove=command.remove)
            elif command.level == "campaign":
                campaign = configuration.campaign(session, command.campaign_id or "")
                _bar_in_campaign(session, campaign.id, number, reason, now, remove=command.remove)
            elif command.level == "person":
                for contact_id in _people(session, number):
                    facts = _facts(session, contact_id)
                    facts.do_not_call_since = None if command.remove else facts.do_not_call_since or now
                    facts.do_not_call_reason = "" if command.remove else reason
            else:
                raise CallerError("do_not_call.unknown_level", "Use box, campaign or person.", level=command.level)
            if command.remove:
                _ask_again(session, _owners(session, number), now)
            audit.append(
                session, now, actor_id=command.actor_id, actor_address=command.actor_address,
                action="do_not_call.removed" if command.remove else "do_not_call.added",
                subject=f"number:{mask(number)}",
                detail={"reason": reason, "level": command.level, "campaign": command.campaign_id or ""},
            )  # fmt: skip
        self._context.changed("do_not_call", number)
        return Done(id=number)

    def import_do_not_call(self, command: commands.ImportDoNotCall) -> Done:
        """Bar all numbers of a table: each row's first cell that is one. Raises CallerError for what is no table."""
        self._allow(command.actor_id)
        region = self._context.settings.dialling.default_region
        rows, added, known = 0, 0, 0
        rejected: list[dict[str, Any]] = []
        batch: list[str] = []
        seen: set[str] = set()
        path = Path(command.path).resolve()
        if not path.is_relative_to(self._context.home.uploads.resolve()) or not path.is_file():
            raise CallerError("import.no_file", "Send the file first.")
        with Workbook(path) as workbook:
            for position, cells in _rows(workbook):
                rows += 1
                read = _first_number(cells, region)
                if isinstance(read, Number):
                    if read.e164 not in seen:
                        seen.add(read.e164)
                        batch.append(read.e164)
                elif position > 1 or read.problem is not NumberProblem.NO_DIGITS:  # a header is no mistake
                    rejected.append({"row": position, "cell": read.detail[:60], "problem": read.problem.value})
                else:
                    rows -= 1
                if len(batch) >= _BATCH:
                    added += self._bar_all(command, batch)
                    batch.clear()
        added += self._bar_all(command, batch)
        known = len(seen) - added
        now = self._context.clock.now()
        with self._context.store.write() as session:
            audit.append(
                session, now, actor_id=command.actor_id, actor_address=command.actor_address,
                action="do_not_call.imported", subject=f"file:{command.file_name}"[:120],
                detail={"added": added, "rejected": len(rejected), "campaign": command.campaign_id or ""},
            )  # fmt: skip
        self._context.changed("do_not_call", "")
        found = {"rows": rows, "added": added, "known": known, "rejected_count": len(rejected)}
        return Done(data={**found, "rejected": rejected[:_REJECTS_TOLD]})

    def _bar_all(self, command: commands.ImportDoNotCall, numbers: list[str]) -> int:
        now, reason = self._context.clock.now(), command.reason.strip()[:120]
        with self._context.store.write() as session:
            if command.campaign_id is None:
                known = set(session.scalars(select(DoNotCall.number).where(DoNotCall.number.in_(numbers))))
            else:
                configuration.campaign(session, command.campaign_id)
                known = set(session.scalars(select(CampaignDoNotCall.number).where(
                    CampaignDoNotCall.campaign_id == command.campaign_id, CampaignDoNotCall.number.in_(numbers)
                )))  # fmt: skip
            for number in numbers:
                if number in known:
                    continue
                if command.campaign_id is None:
                    _bar_box(session, number, reason, now, remove=False)
                else:
                    _bar_in_campaign(session, command.campaign_id, number, reason, now, remove=False)
        return len(numbers) - len(known)

    def save_person(self, command: commands.SavePerson) -> Done:
        """Keep what the rules must know of a person; raises ValidationErrors with all mistakes."""
        self._allow(command.actor_id)
        faults = []
        if command.time_zone and command.time_zone not in available_timezones():
            faults.append(("time_zone", "person.unknown_zone", "Use an IANA name, for instance Asia/Shanghai."))
        if unknown := [kind for kind in command.consents if kind not in CONSENTS]:
            faults.append(("consents", "person.unknown_consent", f"'{unknown[0]}' is none of {', '.join(CONSENTS)}."))
        now = self._context.clock.now()
        with self._context.store.write() as session:
            if session.get(Contact, command.contact_id) is None:
                raise NotFoundError("person.unknown", "There is no such person.")
            debtor_id = None
            if command.debtor_number:
                debtors = _people(session, self._number(command.debtor_number, field="debtor_number"))
                debtor_id = next((one for one in debtors if one != command.contact_id), None)
                if debtor_id is None:
                    faults.append(("debtor_number", "person.unknown_debtor", "No person with this number is known."))
            if faults:
                raise ValidationErrors(faults)
            known = session.get(PersonFacts, command.contact_id)
            versions.check(session, command, f"person:{command.contact_id}", known)
            facts = _facts(session, command.contact_id)
            facts.time_zone = command.time_zone
            revoked_at = facts.contact_revoked_at or now
            facts.contact_revoked_at = revoked_at if command.contact_revoked else None
            facts.third_party, facts.third_party_refused = command.third_party, command.third_party_refused
            facts.debtor_id = debtor_id
            facts.consents = _consents(facts.consents or [], set(command.consents), now)
            _ask_again(session, [command.contact_id], now)
            audit.append(
                session, now, actor_id=command.actor_id, actor_address=command.actor_address,
                action="person.saved", subject=f"person:{command.contact_id}",
                detail={
                    "time_zone": command.time_zone, "revoked": command.contact_revoked,
                    "third_party": command.third_party, "refused": command.third_party_refused,
                    "consents": sorted(command.consents),
                },
            )  # fmt: skip
        self._context.changed("person", command.contact_id)
        return Done(id=command.contact_id)

    def _allow(self, actor_id: str) -> None:
        with self._context.store.read() as session:
            users.require(session, actor_id, Permission.LISTS_IMPORT)

    def _number(self, text: str, field: str = "number") -> str:
        read = parse_number(text, self._context.settings.dialling.default_region)
        if isinstance(read, NotANumber):
            raise ValidationErrors([(field, f"number.{read.problem}", "This is no number that can be dialled.")])
        return read.e164


def _bar_box(session: Session, number: str, reason: str, now: datetime, *, remove: bool) -> None:
    entry = session.get(DoNotCall, number)
    if remove:
        if entry is not None:
            session.delete(entry)
        return
    entry = entry or DoNotCall(number=number, created_at=now)
    entry.reason = reason
    session.add(entry)


def _bar_in_campaign(
    session: Session, campaign_id: str, number: str, reason: str, now: datetime, *, remove: bool
) -> None:
    entry = session.get(CampaignDoNotCall, (campaign_id, number))
    if remove:
        if entry is not None:
            session.delete(entry)
        return
    entry = entry or CampaignDoNotCall(campaign_id=campaign_id, number=number, created_at=now)
    entry.reason = reason
    session.add(entry)


def _owners(session: Session, number: str) -> list[str]:
    found = set(session.scalars(select(Contact.id).where(Contact.number == number)))
    return sorted(found | set(session.scalars(select(ContactNumber.contact_id).where(ContactNumber.number == number))))


def _people(session: Session, number: str) -> list[str]:
    """Return who has a number; raises NotFoundError `person.unknown`."""
    found = _owners(session, number)
    if not found:
        raise NotFoundError("person.unknown", "No person with this number is known.")
    return found


def _ask_again(session: Session, contact_ids: list[str], now: datetime) -> None:
    """Let the barred leads of people wait again: the rules are asked before any of them is dialled."""
    session.execute(
        update(Lead)
        .where(Lead.contact_id.in_(contact_ids), Lead.state == LeadState.DO_NOT_CALL)
        .values(state=LeadState.WAITING, next_attempt_at=now)
    )


def _facts(session: Session, contact_id: str) -> PersonFacts:
    facts = session.get(PersonFacts, contact_id)
    if facts is None:
        facts = PersonFacts(
            contact_id=contact_id, do_not_call_reason="", time_zone="", third_party=False, third_party_refused=False,
            consents=[],
        )  # fmt: skip
        session.add(facts)
    return facts


def _consents(before: list[Any], holding: set[str], now: datetime) -> list[dict[str, Any]]:
    """Return the entries after a change; nothing is ever taken out, so any call can be judged by what held then."""
    after = []
    standing = set()
    for one in before:
        if one.get("revoked_at") is None:
            if one["kind"] in holding:
                standing.add(one["kind"])
            else:
                one = {**one, "revoked_at": now.isoformat()}
        after.append(one)
    new = sorted(holding - standing)
    return [*after, *({"kind": kind, "given_at": now.isoformat(), "revoked_at": None} for kind in new)]


def _rows(workbook: Workbook) -> Iterator[tuple[int, list[Cell]]]:
    """Yield (row number, cells) of the first sheet that has any."""
    head = next((one for one in workbook.heads if one.rows), None)
    if head is None:
        return
    for row in workbook.rows(head.index):
        yield row.number, list(row.cells)


def _first_number(cells: list[Cell], region: str) -> Number | NotANumber:
    """Return the first number of a row, or what is wrong with the cell that looks most like one."""
    problem = NotANumber(NumberProblem.EMPTY)
    for cell in cells:
        read = parse_number(cell, region)
        if isinstance(read, Number):
            return read
        if _SAYS.get(read.problem, 2) > _SAYS.get(problem.problem, 2):
            problem = read
    return problem
