"""`callbox why NUMBER`: may it be called now, by which rule not, from when; or why it was called then."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from appliance.domain.numbers import NotANumber, parse_number
from appliance.errors import CallerError, NotFoundError
from appliance.services.office_client import client
from appliance.store.read import why


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("why")(why_command)


def why_command(
    number: Annotated[str, typer.Argument(help="In any spelling.")],
    at: Annotated[str, typer.Option("--at", help="ISO time, box's zone unless it says another; empty: now.")] = "",
    campaign: Annotated[str, typer.Option("--campaign", help="Name or id; empty: all that have the number.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object an answer.")] = False,
) -> None:
    """Say whether a number may be called, which rules are in the way, and from when; `--at` replays the past."""
    with client(quiet=True) as box:
        dialling, store = box.context.settings.dialling, box.context.store
        read = parse_number(number, dialling.default_region)
        if isinstance(read, NotANumber):
            raise CallerError("number.invalid", f"'{number}' is no telephone number.", number=number)
        instant = _instant(at, dialling.timezone)
        made = why.near(store, read.e164, instant) if at else []
        replayed = [why.then(store, attempt_id, box_zone=dialling.timezone) for attempt_id in made]
        answers = [one for one in replayed if one is not None and campaign in ("", one.campaign_name, one.campaign_id)]
        if not answers:
            answers = why.now(store, read.e164, instant, box_zone=dialling.timezone, campaign=campaign)
        if not answers:
            raise NotFoundError("why.unknown_number", "No campaign has this number in its list.")
    for answer in answers:
        if as_json:
            print(json.dumps(_plain(answer)))
        else:
            _show(answer, dialling.timezone)


def _instant(text: str, zone: str) -> datetime:
    if not text:
        return datetime.now(UTC)
    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        raise CallerError("why.bad_time", "Write the time as 2026-03-05T10:12 or with its zone.", time=text) from error
    return (read if read.tzinfo else read.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)


def _plain(answer: why.Answer) -> dict[str, Any]:
    plain = asdict(answer)
    plain["denials"] = [{**one, "not_before": _iso(one["not_before"])} for one in plain["denials"]]
    return {**plain, "at": _iso(answer.at), "not_before": _iso(answer.not_before)}


def _iso(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant is not None else None


def _show(answer: why.Answer, zone: str) -> None:
    place = ZoneInfo(zone)

    def local(instant: datetime | None) -> str:
        return f"{instant.astimezone(place):%Y-%m-%d %H:%M:%S}" if instant is not None else "until something changes"

    verdict = "may be called" if answer.allowed else f"may not be called before {local(answer.not_before)}"
    if answer.attempt_id:
        verdict = f"was called (attempt {answer.attempt_id}); the rules said " + ("yes" if answer.allowed else "no")
    print(f"{answer.campaign_name}: {answer.number} {verdict} at {local(answer.at)}")
    print(f"  rules {answer.profile} {answer.version}, zones {', '.join(answer.zones) or 'unknown'}, "
          f"{answer.lead_attempts} attempts of this list")  # fmt: skip
    for deny in answer.denials:
        print(f"  not by {deny.rule_id} until {local(deny.not_before)}: {deny.source}")
    table = Table()
    for name in ("rule", "used", "of", "source", "confidence"):
        table.add_column(name)
    for state in answer.rules:
        used = "" if state.used is None else str(state.used)
        table.add_row(
            state.rule_id, used, "" if state.maximum is None else str(state.maximum), state.source, state.confidence
        )
    Console().print(table)
