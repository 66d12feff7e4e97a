"""`callbox enrol` and `callbox library`: the announcements that the ear knows by their sound."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from appliance.errors import CallerError
from audio import ANNOUNCEMENT_LABELS, AudioFileError, LibraryError, announcement_label, enrolment, wavio

Folder = Annotated[Path, typer.Option("--library", help="Folder of enrolled announcements.")]

library_app = typer.Typer(no_args_is_help=True, help="Enrolled announcements.")


def enrol(
    file: Annotated[Path, typer.Argument(help="A recording of the announcement.", metavar="FILE")],
    label: Annotated[str, typer.Option(help="What it means: vacant, powered_off, out_of_service, unreachable ...")],
    ann_id: Annotated[str, typer.Option("--id", help="A name of its own.")],
    library: Annotated[Path, typer.Option(help="Folder of enrolled announcements; made if need be.")],
    replace: Annotated[bool, typer.Option("--replace", help="Take the place of an entry of this id.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Teach the ear an announcement of the exchange."""
    try:
        meaning = announcement_label(label.strip().lower())
    except ValueError as error:
        known = ", ".join(sorted(ANNOUNCEMENT_LABELS))
        raise CallerError("enrol.bad_label", f"{label!r} is no announcement; one of {known}.", label=label) from error
    try:
        enrolment.add(library, wavio.read(file), ann_id, meaning, replace=replace)
    except AudioFileError as error:
        raise CallerError("enrol.bad_audio", str(error), file=str(file)) from error
    except LibraryError as error:
        raise CallerError("enrol.refused", str(error), file=str(file)) from error
    except OSError as error:
        reason = f"{library}: {error.strerror or error}"
        raise CallerError("enrol.not_written", reason, folder=str(library)) from error
    done = {"ann_id": ann_id, "label": str(meaning), "library": str(library)}
    typer.echo(json.dumps(done, ensure_ascii=False) if as_json else f"{ann_id}: {meaning} enrolled in {library}")


@library_app.command("list")
def library_list(
    library: Folder, as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False
) -> None:
    """What is enrolled."""
    try:
        entries = enrolment.listed(library)
    except LibraryError as error:
        raise CallerError("library.unreadable", str(error), folder=str(library)) from error
    for entry in entries:
        row = {"ann_id": entry.ann_id, "label": str(entry.label), "file": entry.file}
        typer.echo(json.dumps(row, ensure_ascii=False) if as_json else "  ".join(row.values()))


@library_app.command("remove")
def library_remove(
    ann_id: Annotated[str, typer.Argument(help="Id of the entry.", metavar="ID")],
    library: Folder,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Forget an announcement and delete its sample."""
    try:
        enrolment.remove(library, ann_id)
    except LibraryError as error:
        raise CallerError("library.not_removed", str(error), folder=str(library)) from error
    typer.echo(json.dumps({"removed": ann_id}) if as_json else f"{ann_id}: removed from {library}")


def register(app: typer.Typer) -> None:
    """Add `enrol` and `library` to the command line."""
    app.command("enrol")(enrol)
    app.add_typer(library_app, name="library")
