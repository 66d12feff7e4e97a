"""`callbox ear`: labelled calls out of the box, for training and for measuring the ear on one's own lines."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from appliance import commands
from appliance.domain.numbers import country
from appliance.errors import CallboxError, CallerError
from appliance.jobs.ear_sounds import customer_side
from appliance.services.office_client import Client, client, print_json
from appliance.store.read import heard
from appliance.types import E164, LOCAL_ACTOR
from audio import wavio

MANIFEST = "labels.csv"
ear_app = typer.Typer(no_args_is_help=True, help="What the box heard.")


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(ear_app, name="ear")


@ear_app.command("export")
def ear_export(
    out: Annotated[Path, typer.Option("--out", help="Folder for labels.csv and the sounds; made if need be.")],
    as_json: Annotated[bool, typer.Option("--json", help="JSON: one object.")] = False,
) -> None:
    """Write all labelled calls: labels.csv (file,label,stage,country) and a WAV of the customer's side of each.

    `callbox train-ear --labels DIR/labels.csv` and `callbox detect --manifest DIR/labels.csv` read it. Every sound is
    an export in the audit log.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CallerError("cli.not_written", f"{out} could not be made: {error.strerror}.", path=str(out)) from error
    written: list[dict[str, Any]] = []
    left_out: Counter[str] = Counter()
    with client() as box:
        for label in heard.labels(box.context.store):
            try:
                written.append(_export(box, label, out))
            except CallboxError as error:  # one damaged recording does not keep the others back
                left_out[error.error_id] += 1
    with (out / MANIFEST).open("w", newline="", encoding="utf-8") as target:
        table = csv.DictWriter(target, ("file", "label", "stage", "country"))
        table.writeheader()
        table.writerows(written)
    if as_json:
        print_json({"out": str(out), "written": len(written), "left_out": dict(left_out)})
    else:
        print(f"{len(written)} labelled calls in {out / MANIFEST}, {sum(left_out.values())} left out")


def _export(box: Client, label: heard.LabelView, out: Path) -> dict[str, Any]:
    box.ask(commands.OpenRecording(actor_id=LOCAL_ACTOR, recording_id=label.recording_id, purpose="export"))
    _, samples = customer_side(box.context, label.recording_id)
    name = f"{label.stage}-{label.attempt_id}.wav"
    wavio.write(out / name, samples)
    return {
        "file": name, "label": label.label, "stage": label.stage, "country": country(E164(label.number)) or "",
    }  # fmt: skip
