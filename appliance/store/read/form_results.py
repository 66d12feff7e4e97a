"""What was answered in the form of a campaign: by question, and row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Text, cast, select
from sqlalchemy.orm import Session

from appliance.domain.survey import FieldKind, FormField, as_typed
from appliance.store.db import Store
from appliance.store.models import Attempt, Campaign, CampaignVersion, Contact, InboundCall, Lead, User

_TEXTS_SHOWN, _PAGE = 20, 500
_COUNTED = (FieldKind.CHOICE, FieldKind.SEVERAL, FieldKind.YES_NO)
_MEASURED = (FieldKind.NUMBER, FieldKind.MONEY)


@dataclass
class QuestionResult:
    """The answers to one question. Of choices `counts`; of numbers `least`, `mean`, `most`; of others newest `texts`.

    Amounts are in minor units.
    """

    question: dict[str, Any]
    asked_now: bool  # it stands in the form that agents have now
    answered: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    total: float = 0.0
    least: float | None = None
    most: float | None = None
    texts: list[str] = field(default_factory=list)

    @property
    def kind(self) -> str:
        return str(self.question["kind"])

    @property
    def mean(self) -> float | None:
        return self.total / self.answered if self.answered and self.least is not None else None


@dataclass(frozen=True)
class Answers:
    """One conversation with what was answered in it."""

    conversation_id: str
    at: datetime
    direction: str  # outbound | inbound
    number: str
    name: str
    agent: str
    disposition: str
    answers: dict[str, Any]


def questions(store: Store, campaign_id: str) -> list[tuple[dict[str, Any], bool]]:
    """Every question that was ever asked live, the present ones first; whether it is asked now."""
    query = (
        select(CampaignVersion.content)
        .where(
            CampaignVersion.campaign_id == campaign_id, CampaignVersion.part == "survey",
            CampaignVersion.live_from.is_not(None),
        )
        .order_by(CampaignVersion.version.desc())
    )  # fmt: skip
    with store.read() as db:
        campaign = db.get(Campaign, campaign_id)
        now = list(campaign.config.get("survey") or []) if campaign is not None else []
        before = [one for content in db.scalars(query) for one in content.get("questions", [])]
    found = {str(one["id"]): (one, True) for one in now}
    for one in before:
        found.setdefault(str(one["id"]), (one, False))
    return list(found.values())


def results(store: Store, campaign_id: str, since: datetime | None, until: datetime | None) -> list[QuestionResult]:
    """The answers by question."""
    found = {str(one["id"]): QuestionResult(one, now) for one, now in questions(store, campaign_id)}
    for row in rows(store, campaign_id, since, until):
        for key, value in row.answers.items():
            if key in found and value not in (None, "", []):
                _count(found[key], value)
    return list(found.values())


def _count(result: QuestionResult, value: Any) -> None:
    result.answered += 1
    if result.kind in _COUNTED:
        result.counts.update([str(one) for one in value] if isinstance(value, list) else [str(value)])
    elif result.kind in _MEASURED and isinstance(value, int | float):
        result.total += value
        result.least = value if result.least is None else min(result.least, value)
        result.most = value if result.most is None else max(result.most, value)
    elif len(result.texts) < _TEXTS_SHOWN:
        result.texts.append(str(value))


def rows(store: Store, campaign_id: str, since: datetime | None, until: datetime | None) -> Iterator[Answers]:
    """Conversations in which something was answered: those we made, newest first, then those of callers."""
    for direction, model in (("outbound", Attempt), ("inbound", InboundCall)):
        before: str | None = None
        while True:
            with store.read() as db:
                page = _page(db, model, direction, campaign_id, since, until, before)
            yield from page
            if len(page) < _PAGE:
                break
            before = page[-1].conversation_id


def _page(
    db: Session, model: type[Attempt] | type[InboundCall], direction: str, campaign_id: str, since: datetime | None,
    until: datetime | None, before: str | None,
) -> list[Answers]:  # fmt: skip
    of: Any = model
    at = Attempt.created_at if model is Attempt else InboundCall.at
    query = (
        select(of, Contact.name, Lead.name, User.display_name)
        .outerjoin(Contact, Contact.id == of.contact_id).outerjoin(Lead, Lead.id == of.lead_id)
        .outerjoin(User, User.id == of.agent_id)
        .where(of.campaign_id == campaign_id, cast(of.answers, Text) != "{}").order_by(of.id.desc()).limit(_PAGE)
    )  # fmt: skip
    limits = [at >= since if since else None, at < until if until else None, of.id < before if before else None]
    query = query.where(*[one for one in limits if one is not None])
    return [
        Answers(
            row.id, row.created_at if isinstance(row, Attempt) else row.at, direction,
            row.number if isinstance(row, Attempt) else row.caller, lead_name or name or "", agent or "",
            row.disposition, dict(row.answers),
        )
        for row, name, lead_name, agent in db.execute(query)
    ]  # fmt: skip


def table(
    store: Store, campaign_id: str, since: datetime | None, until: datetime | None
) -> tuple[Sequence[str], Iterator[Sequence[Any]]]:
    """Header and rows of the table that is taken away: one column for each question."""
    fields = [FormField.model_validate(one) for one, _now in questions(store, campaign_id)]
    header = ("conversation", "at", "direction", "number", "name", "agent", "disposition",
              *(f"{one.label} ({one.id})" for one in fields))  # fmt: skip
    return header, (
        (row.conversation_id, row.at, row.direction, row.number, row.name, row.agent, row.disposition,
         *(_cell(one, row.answers.get(one.id)) for one in fields))
        for row in rows(store, campaign_id, since, until)
    )  # fmt: skip


def _cell(question: FormField, value: Any) -> Any:
    if question.kind is FieldKind.NUMBER and isinstance(value, int | float):
        return value
    return as_typed(question, value)
