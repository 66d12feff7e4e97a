"""`callbox import`: a number list in, without any running service."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from appliance.domain.lists import Duplicates
from appliance.domain.reject_words import reason_text
from appliance.errors import CallerError
from appliance.jobs.import_pass import MERGED
from appliance.jobs.imports import ImportReport, run_import
from appliance.jobs.rejects import write_rejects
from appliance.settings import home_from_environment, load_settings
from appliance.store.db import migrate, open_store


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("import")(import_command)


def import_command(
    file: Annotated[Path, typer.Argument(help="The list: .xlsx, .xls, .xlsb, .ods or .csv.")],
    campaign: Annotated[str, typer.Option("--campaign", help="Name of the campaign; made when there is none.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be imported.")] = False,
    region: Annotated[
        str | None, typer.Option("--region", help="Country (CN, RU, ...) of numbers without a country code.")
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option("--column", help="ROLE=HEADER or ROLE=LETTER, e.g. phone=C; may be repeated.")
    ] = None,
    duplicates: Annotated[
        Duplicates, typer.Option("--duplicates", help="People who are there already, by any of their numbers.")
    ] = Duplicates.SKIP,
    across_campaigns: Annotated[
        bool, typer.Option("--across-campaigns", help="People who wait in another campaign are duplicates too.")
    ] = False,
    rejects: Annotated[
        Path | None, typer.Option("--rejects", help="Write the rows that were not taken to this .xlsx file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Import a number list into a campaign."""
    mapping = _mapping(column or [])
    home = home_from_environment()
    settings = load_settings(home)
    store = open_store(home, settings)
    try:
        migrate(store)
        console = Console(stderr=True)
        with Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
            console=console, transient=True, disable=as_json or not console.is_terminal,
        ) as progress:  # fmt: skip
            task = progress.add_task(file.name, total=None)
            report = run_import(
                store, file, campaign_name=campaign, region=region or settings.dialling.default_region,
                mapping=mapping or None, dry_run=dry_run, duplicates=duplicates, across_campaigns=across_campaigns,
                on_progress=lambda done, total: progress.update(task, completed=done, total=total),
            )  # fmt: skip
        if rejects is not None:
            write_rejects(store, report.import_id, rejects)
    finally:
        store.close()
    if as_json:
        print(json.dumps(dataclasses.asdict(report), ensure_ascii=False))
    else:
        _show(report, rejects)


def _mapping(columns: list[str]) -> dict[str, str]:
    mapping: dict[str, str] = {}
    for named in columns:
        role, sign, header = named.partition("=")
        if not sign or not header:
            raise CallerError("import.bad_mapping", f"--column {named}: write ROLE=HEADER, for example phone=C.")
        mapping[role] = header
    return mapping


def _show(report: ImportReport, rejects: Path | None) -> None:
    console = Console(file=sys.stdout)
    verb = "would be taken" if report.dry_run else "taken"
    made = "" if not report.campaign_is_new else " (would be made)" if report.dry_run else " (new)"
    console.print(f"Campaign: {report.campaign_name}{made}", markup=False)
    console.print(
        "Columns: " + ", ".join(f"{role} = {header}" for role, header in report.columns.items()), markup=False
    )
    table = Table(show_header=False, box=None)
    table.add_row("Rows", f"{report.rows}")
    table.add_row(verb.capitalize(), f"[green]{report.accepted}[/green]")
    table.add_row("Duplicates", f"{report.duplicates}")
    table.add_row("Rejected", f"[red]{report.rejected}[/red]" if report.rejected else "0")
    for reason, count in report.reasons.items():
        table.add_row("", f"{count}", reason_text(reason, "en"))
    for warning, count in report.warnings.items():
        told = "Added to the person who is there." if warning == MERGED else "Taken: " + reason_text(warning, "en")
        table.add_row("", f"{count}", told)
    if report.amounts_unreadable:
        table.add_row("Amounts not read", f"{report.amounts_unreadable}", "Kept as text for the agent.")
    console.print(table)
    if rejects is not None:
        console.print(f"Rejected rows: {rejects}")
    console.print(f"{report.elapsed_s:.1f} s")
