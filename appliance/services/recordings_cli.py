"""`callbox recordings | retention | audit`: what is kept, for how long, and who did what."""

from __future__ import annotations

import base64
import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from appliance import commands
from appliance.errors import BoxError, CallerError
from appliance.jobs import audit
from appliance.jobs.archive import Archive
from appliance.services.office_client import client, plain, print_done, print_json, print_rows
from appliance.store.db import Store
from appliance.store.read import recordings, retention
from appliance.store.repositories import recordings as recording_rows
from appliance.store.sealed import SealedReader
from appliance.types import LOCAL_ACTOR

Json = Annotated[bool, typer.Option("--json", help="JSON: one object, or one a line.")]

recordings_app = typer.Typer(no_args_is_help=True, help="Recorded conversations.")
retention_app = typer.Typer(no_args_is_help=True, help="How long recordings are kept.")
audit_app = typer.Typer(no_args_is_help=True, help="The audit log.")
_PAGE = 500


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(recordings_app, name="recordings")
    app.add_typer(retention_app, name="retention")
    app.add_typer(audit_app, name="audit")


def _all(store: Store, wanted: recordings.RecordingFilter) -> Iterator[recordings.RecordingView]:
    before: str | None = None
    while True:
        page = recordings.search(store, wanted, before=before, size=_PAGE)
        yield from page.rows
        before = page.older
        if before is None:
            return


@recordings_app.command("list")
def recordings_list(
    campaign: Annotated[str | None, typer.Option("--campaign", help="Id of the campaign.")] = None,
    as_json: Json = False,
) -> None:
    """Recordings, newest first."""
    with client() as box:
        rows = (plain(row) for row in _all(box.context.store, recordings.RecordingFilter(campaign_id=campaign)))
        columns = ("id", "started_at", "duration_s", "campaign_name", "agent_name", "outcome", "state", "expires_at")
        print_rows(rows, columns, as_json=as_json)


@recordings_app.command("verify")
def recordings_verify(as_json: Json = False) -> None:
    """Read every archived recording back from the disk and compare it with its hash; exit 1 when one is damaged."""
    found: dict[str, Any] = {"verified": 0, "not_archived": 0, "damaged": []}
    with client() as box:
        archive = Archive(box.context)
        for view in _all(box.context.store, recordings.RecordingFilter(kind="")):
            if view.state != recording_rows.ARCHIVED:
                found["not_archived"] += 1
                continue
            with box.context.store.read() as session:
                recording = recording_rows.get(session, view.id)
            try:
                archive.check(recording)
            except (BoxError, OSError) as error:
                found["damaged"].append({"id": view.id, "error": str(error)})
            else:
                found["verified"] += 1
    if as_json:
        print_json(found)
    else:
        print(f"{found['verified']} verified, {found['not_archived']} not archived, {len(found['damaged'])} damaged")
        for one in found["damaged"]:
            print(f"  {one['id']}: {one['error']}")
    raise typer.Exit(1 if found["damaged"] else 0)


@recordings_app.command("export")
def recordings_export(
    recording_id: str,
    out: Annotated[Path, typer.Option("--out", help="File to write (Ogg/Opus, stereo).")],
    as_json: Json = False,
) -> None:
    """Write one recording in the clear; goes into the audit log."""
    with client() as box:
        command = commands.OpenRecording(actor_id=LOCAL_ACTOR, recording_id=recording_id, purpose="export")
        ticket = box.ask(command).data
    try:
        with (
            SealedReader(Path(ticket["path"]), base64.b64decode(ticket["key_b64"])) as reader,
            os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as target,
        ):
            for chunk in reader.chunks():
                target.write(chunk)
            found = {"id": recording_id, "out": str(out), "size_bytes": reader.size, "sha256": ticket["sha256"]}
    except OSError as error:
        raise CallerError("cli.not_written", f"{out} could not be written: {error.strerror}.", path=str(out)) from error
    if as_json:
        print_json(found)
    else:
        print(f"{out}: {found['size_bytes']} bytes")


@retention_app.command("show")
def retention_show(as_json: Json = False) -> None:
    """The rules (longest of campaign and seat, else default), and how much is archived."""
    with client() as box:
        rules = retention.rules(box.context.store)
        rules.setdefault("default", box.context.settings.recording.keep_days)
        archived = dataclasses.asdict(retention.archive_figures(box.context.store))
    if as_json:
        print_json({"rules": rules, "archived": archived})
        return
    rows = [{"scope": scope, "days": days} for scope, days in sorted(rules.items())]
    print_rows(rows, ("scope", "days"), as_json=False)
    print(f"{archived['count']} recordings, {archived['size_bytes'] / 1e6:.1f} MB, {archived['held']} on legal hold")


@retention_app.command("set")
def retention_set(scope: str, days: int, as_json: Json = False) -> None:
    """Set a rule: SCOPE is default, campaign:<id> or seat:<id>; 0 days takes it away."""
    with client() as box:
        done = box.ask(commands.SaveRetention(actor_id=LOCAL_ACTOR, scope=scope, keep_days=days))
    print_done(done, f"{scope}: {days} days.", as_json=as_json)


@retention_app.command("run")
def retention_run(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be deleted.")] = False,
    as_json: Json = False,
) -> None:
    """Delete what has expired (done once a day by itself)."""
    with client() as box:
        command = commands.RunRetention(actor_id=LOCAL_ACTOR, dry_run=dry_run)
        found = box.run_retention(command, LOCAL_ACTOR, dry_run=dry_run).data
    if as_json:
        print_json(found)
        return
    print_rows(found["recordings"], ("id", "started_at", "expires_at", "campaign_id", "seat_id"), as_json=False)
    print(f"expired {found['expired']}, deleted {found['deleted']}, on hold {found['on_hold']}, kept {found['kept']}")


@audit_app.command("verify")
def audit_verify(as_json: Json = False) -> None:
    """Check the chain of hashes; exit 1 when a line was changed, left out or put in."""
    with client() as box:
        report = audit.verify(box.context.store)
    if as_json:
        print_json(dataclasses.asdict(report))
    elif report.broken_at is None:
        print(f"{report.entries} lines, unbroken; head {report.head_id} {report.head_hash}")
    else:
        print(f"Broken at line {report.broken_at}: {report.reason}.")
    raise typer.Exit(0 if report.broken_at is None else 1)
