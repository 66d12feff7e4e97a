"""`callbox numbers`: the health of lists, a person's decision about a number, lists out of the box's own rows."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from appliance import commands
from appliance.errors import NotFoundError
from appliance.jobs.list_sources import make_list
from appliance.services.office_client import Client, client, plain, print_done, print_rows
from appliance.store.read import list_health
from appliance.store.repositories import configuration
from appliance.types import LOCAL_ACTOR, NumberState

numbers_app = typer.Typer(no_args_is_help=True, help="Numbers: what they are worth, and what becomes of them.")
Json = Annotated[bool, typer.Option("--json", help="JSON: one object, or one a line.")]
CampaignName = Annotated[str | None, typer.Option("--campaign", help="Of the people of this campaign; else of all.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(numbers_app, name="numbers")


def _campaign_id(box: Client, name: str | None) -> str | None:
    if name is None:
        return None
    with box.context.store.read() as session:
        found = configuration.campaign_by_name(session, name)
    if found is None:
        raise NotFoundError("campaign.unknown", f"There is no campaign {name!r}.", campaign=name)
    return found.id


@numbers_app.command("health")
def health(campaign: CampaignName = None, as_json: Json = False) -> None:
    """Shares of good, parked, retired and unknown numbers, and why."""
    with client() as box:
        found = list_health.health(box.context.store, campaign_id=_campaign_id(box, campaign))
    if as_json:
        reasons = [{"state": state, "reason": why, "numbers": n} for (state, why), n in found.reasons.items()]
        print(json.dumps({**dataclasses.asdict(found), "reasons": reasons}, ensure_ascii=False))
        return
    for name in ("good", "unknown", "parked", "retired"):
        count = getattr(found, name)
        print(f"{name:10} {count:8}  {found.share(count):6.1%}")
        for (state, why), n in sorted(found.reasons.items(), key=lambda item: -item[1]):
            if state == name:
                print(f"    {why:22} {n:8}")
    print(f"{'all':10} {found.numbers:8}  of these suspected: {found.suspected}")


@numbers_app.command("bad")
def bad(
    campaign: CampaignName = None,
    state: Annotated[NumberState | None, typer.Option("--state", help="Only these.")] = None,
    as_json: Json = False,
) -> None:
    """Numbers that rest, are given up or are suspected, with the attempts that say so."""
    with client() as box:
        found = list_health.bad_numbers(
            box.context.store, campaign_id=_campaign_id(box, campaign), state=state or "", limit=100_000
        )
    rows = [{**plain(one), "evidence": ", ".join(f"{e.day} {e.outcome} {e.attempt_id}" for e in one.evidence)}
            for one in found]  # fmt: skip
    print_rows(rows, ("number", "state", "reason", "since", "parked_until", "evidence"), as_json=as_json)


@numbers_app.command("set")
def set_state(
    number: str,
    state: NumberState,
    reason: Annotated[str, typer.Option("--reason", help="Why; it is audited.")] = "",
    as_json: Json = False,
) -> None:
    """Decide about a number: good (dial it again), parked (a week) or retired."""
    with client() as box:
        command = commands.SetNumberState(actor_id=LOCAL_ACTOR, number=number, state=state, reason=reason)
        done = box.ask(command)
        print_done(done, f"{done.id} is {state} now.", as_json=as_json)


@numbers_app.command("list")
def make(
    source: Annotated[str, typer.Argument(help="missed, history, callbacks or rejects.")],
    out: Annotated[Path, typer.Option("--out", help="The .xlsx file to write; then `callbox import` it.")],
    campaign: Annotated[str | None, typer.Option("--campaign", help="Only calls of this campaign.")] = None,
    outcome: Annotated[list[str] | None, typer.Option("--outcome", help="How the last call ended; repeat.")] = None,
    since: Annotated[str, typer.Option("--since", help="First day, as 2026-03-05.")] = "",
    until: Annotated[str, typer.Option("--until", help="Last day.")] = "",
    import_id: Annotated[str, typer.Option("--import", help="Whose refused rows.")] = "",
    as_json: Json = False,
) -> None:
    """Make a list from missed calls, call history, due call-backs or the rows that an import refused."""
    with client() as box:
        wanted = commands.MakeList(
            actor_id=LOCAL_ACTOR, source=source, campaign_id=_campaign_id(box, campaign), outcomes=outcome or [],
            from_day=since, to_day=until, import_id=import_id,
        )  # fmt: skip
        zone = ZoneInfo(box.context.settings.dialling.timezone)
        with box.context.store.read() as session:
            rows = make_list(session, wanted, out, zone)
    print_done(commands.Done(data={"rows": rows}), f"{rows} rows in {out}.", as_json=as_json)
