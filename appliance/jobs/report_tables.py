"""What stands in the tables that are taken away: columns and rows, streamed, so that memory stays bounded."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from appliance.errors import NotFoundError
from appliance.jobs.context import Context
from appliance.store.models import Attempt, Lead
from appliance.store.read import call_filter, call_search, campaigns, form_results, people, recordings, reports
from appliance.store.read.measures import MEASURES
from appliance.store.read.report_scope import Scope, scope_of
from appliance.store.read.tallies import DIMENSIONS, Dimension, Tally, tallies, tally
from appliance.texts import figure_words

Rows = Iterator[Sequence[Any]]
_PAGE = 500

ATTEMPT_COLUMNS = (
    "attempt", "number", "name", "external_id", "dialled_at", "answered_at", "connected_at", "ended_at", "outcome",
    "heard_by", "confidence", "sip_status", "q850", "agent", "seat", "abandoned", "disposition", "note",
    "promise_amount_minor", "promise_date", "campaign", "trunk", "caller_id", "waits_since", "answer_within_s",
    "left_at", "disposed_at",
)  # fmt: skip
RECORDING_COLUMNS = (
    "recording", "campaign", "agent", "seat", "number", "name", "started_at", "duration_s", "outcome", "disposition",
    "state", "size_bytes", "sha256", "expires_at", "legal_hold",
)  # fmt: skip
PHONE_COLUMNS = ("phone", "phone2", "phone3", "phone4")
FIGURES = (
    "attempts", "persons", "connect_rate", "connected", "conversations", "contact_rate", "rpc", "rpc_rate", "promises",
    "promise_rate", "abandoned", "abandoned_share", "talk_s", "wrap_up_s", "staffed_s", "utilisation", "talk_share",
)  # fmt: skip
"""Columns of a report, in order; fractions are fractions, times are seconds."""

_ROUNDED = {"talk_s": 1, "wrap_up_s": 1, "staffed_s": 1}


class Tables:
    """The tables of one box."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def scope(self, choice: Mapping[str, str], now: datetime, campaign_id: str | None = None) -> Scope:
        """What a choice means at an instant; a campaign that is only named means all its days."""
        plain = {**choice, "campaign": campaign_id} if campaign_id else dict(choice)
        zone = self._context.settings.dialling.timezone
        return scope_of(plain, zone, now, period="today" if choice else "all")

    def table(self, payload: Mapping[str, Any]) -> tuple[Sequence[str], Rows]:
        """Header and rows of one table; raises NotFoundError for an unknown campaign."""
        kind, campaign_id = payload["report"], payload.get("campaign_id")
        choice, now = payload.get("choice") or {}, self._context.clock.now()
        if kind == "contacts":
            return self._contacts(choice.get("q", ""))
        if kind == "recordings":
            choice = {**choice, "campaign": campaign_id} if campaign_id else choice
            return RECORDING_COLUMNS, self._recordings(choice, payload.get("actor_id", ""))
        if campaign_id and campaigns.campaign(self._context.store, campaign_id) is None:
            raise NotFoundError("campaign.unknown", f"There is no campaign {campaign_id}.", campaign=campaign_id)
        if kind == "attempts":
            return ATTEMPT_COLUMNS, self._attempts(self.scope(choice, now, campaign_id), choice.get("measure", ""))
        if kind == "answers":
            scope = self.scope(choice, now, campaign_id)
            return form_results.table(self._context.store, scope.campaign_id or "", scope.since, scope.until)
        if kind == "figures":
            return self.figures(choice, payload.get("language", "en"), now)
        found = reports.report(self._context.store, campaign_id=campaign_id)
        return ("figure", "value"), _flat(dataclasses.asdict(found))

    def figures(self, choice: Mapping[str, str], language: str, now: datetime) -> tuple[Sequence[str], Rows]:
        """A report by one of its sides, with all lines together at the end."""
        scope, words = self.scope(choice, now), figure_words(language)
        by: Dimension = next((one for one in DIMENSIONS if one == choice.get("by")), "day")
        lines = tallies(self._context.store, scope, now=now, by=by)
        whole = dataclasses.replace(tally(self._context.store, scope, now=now), name=words["total"].title)
        header = (words[f"by.{by}"].title, *(words[name].title for name in FIGURES))
        return header, (_line(one, words["none"].title) for one in (*lines, whole))

    def _attempts(self, scope: Scope, measure: str) -> Rows:
        after = ""
        query = select(Attempt, Lead.name, Lead.external_id).join(Lead, Lead.id == Attempt.lead_id)
        query = query.where(MEASURES.get(measure, MEASURES["attempts"])).order_by(Attempt.id).limit(_PAGE)
        while True:
            with self._context.store.read() as session:
                page = session.execute(query.where(Attempt.id > after, *scope.conditions(session))).all()
            for attempt, name, external_id in page:
                yield (
                    attempt.id, attempt.number, name, external_id, attempt.originated_at, attempt.answered_at,
                    attempt.bridged_at, attempt.ended_at, attempt.outcome, attempt.kind, attempt.confidence,
                    attempt.sip_status, attempt.q850, attempt.agent_id, attempt.seat_id, attempt.abandoned,
                    attempt.disposition, attempt.note, attempt.promise_amount_minor, attempt.promise_date,
                    attempt.campaign_id, attempt.trunk_id, attempt.caller_id, attempt.clock_at,
                    attempt.answer_within_s, attempt.left_at, attempt.disposed_at,
                )  # fmt: skip
            if len(page) < _PAGE:
                return
            after = page[-1][0].id

    def _contacts(self, text: str) -> tuple[Sequence[str], Rows]:
        """People with headings that an import knows again, so that the file can be changed and sent back."""
        own = people.fields(self._context.store)
        header = ("name", *PHONE_COLUMNS, *(one.label for one in own))
        return header, (
            (
                one.name, *([n.number for n in one.numbers] + [""] * len(PHONE_COLUMNS))[: len(PHONE_COLUMNS)],
                *(people.typed(by.config, one.custom.get(by.id)) for by in own),
            )
            for one in people.everybody(self._context.store, text)
        )  # fmt: skip

    def _recordings(self, choice: Mapping[str, str], actor_id: str) -> Rows:
        """What the page of recordings finds for the same choice and the same person, in its order."""
        store, cursor, zone = self._context.store, "", ZoneInfo(self._context.settings.dialling.timezone)
        with store.read() as session:
            wanted = call_filter.filter_for(session, actor_id, choice, zone)
        while True:
            page = call_search.search(store, wanted, cursor=cursor, size=_PAGE)
            sounds = recordings.several(store, [one.recording_id for one in page.rows if one.recording_id])
            for call in page.rows:
                sound = sounds.get(call.recording_id or "")
                yield (
                    call.recording_id, call.campaign_name, call.agent_name, sound and sound.seat_id, call.number,
                    call.name, call.at, None if call.duration_s is None else round(call.duration_s, 1), call.outcome,
                    call.disposition, call.state, sound and sound.size_bytes, sound and sound.sha256,
                    sound and sound.expires_at, call.legal_hold,
                )  # fmt: skip
            if page.older is None:
                return
            cursor = page.older


def value(line: Tally, name: str) -> float | None:
    """One figure of a line; None where there is none."""
    found: float | None = getattr(line, name)
    return found


def _line(line: Tally, nobody: str) -> Sequence[Any]:
    found = [value(line, name) for name in FIGURES]
    rounded = [
        round(figure, _ROUNDED.get(name, 6)) if isinstance(figure, float) else figure
        for name, figure in zip(FIGURES, found, strict=True)
    ]
    return (line.name or nobody, *rounded)


def _flat(plain: dict[str, Any], prefix: str = "") -> Rows:
    """A report as rows (dotted name, value): nested figures one below the other."""
    for name, found in plain.items():
        match found:
            case dict():
                yield from _flat(found, f"{prefix}{name}.")
            case list():
                for number, item in enumerate(found, start=1):
                    yield from _flat(item, f"{prefix}{name}.{number}.")
            case _:
                yield f"{prefix}{name}", found
