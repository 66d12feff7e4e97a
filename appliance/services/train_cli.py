"""`callbox train-ear`: fit the ear's models anew. For a workshop's machine, not for the box.

Needs what the dependency group `train` brings (scipy, scikit-learn), sox, espeak-ng, flite and the development set's
builder with its packages. Each part is a module of `audio.training` with a function
`train(builder, cache, work, out, *, jobs, labelled)` that writes a model with its data sheet and returns its figures.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Protocol

import typer

from appliance.errors import CallerError
from audio.clip_table import TableError
from audio.training import labelled

_MODELS = Path(labelled.__file__).parents[1] / "models"


class Part(StrEnum):
    """A model that can be fitted."""

    ANSWERED = "answered"
    KINDS = "kinds"
    MEANINGS = "meanings"
    TEXTURE = "texture"
    BEEP = "beep"


_MODULES = {
    Part.ANSWERED: "audio.training.answered",
    Part.KINDS: "audio.training.kinds",
    Part.MEANINGS: "audio.training.meanings",
    Part.TEXTURE: "audio.training.early",
    Part.BEEP: "audio.training.tones_beep",
}


class _Train(Protocol):
    def __call__(
        self, builder: Path, cache: Path, work: Path, out: Path, *, jobs: int, labelled: Sequence[dict[str, str]]
    ) -> dict[str, Any]: ...


def train_ear(
    builder: Annotated[Path, typer.Option(help="The development set's builder, a Python script.", exists=True)],
    cache: Annotated[Path, typer.Option(help="Its packages (made by its `packages` command).", exists=True)],
    work: Annotated[Path, typer.Option(help="Folder for the corpora; what is there is used again.")],
    labels: Annotated[Path | None, typer.Option(help="Labelled calls: CSV from `callbox ear export`.")] = None,
    only: Annotated[list[Part] | None, typer.Option(help="Only this model; may be given again.")] = None,
    out: Annotated[
        Path, typer.Option(help="Where the models go; by default into the ear.", show_default=False)
    ] = _MODELS,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="The figures, one JSON object.")] = False,
) -> None:
    """Fit the ear's models on the builder's sources and on labelled calls."""
    rows = _labelled(labels)
    for folder in (work, out):
        folder.mkdir(parents=True, exist_ok=True)
    figures = {}
    for part in only or list(Part):
        typer.echo(f"callbox train-ear: {part}, {len(rows)} labelled calls", err=True)
        folder = work / part
        folder.mkdir(exist_ok=True)
        figures[str(part)] = _trainer(part)(builder, cache, folder, out, jobs=jobs, labelled=rows)
    if as_json:
        typer.echo(json.dumps(figures))
        return
    for part_name in figures:
        typer.echo(f"{part_name}: written to {out}")


def _trainer(part: Part) -> _Train:
    try:
        train: _Train = importlib.import_module(_MODULES[part]).train
    except ModuleNotFoundError as error:
        missing = f"Training needs {error.name}: install the dependency group `train` of pyproject.toml."
        raise CallerError("train.missing_package", missing, package=error.name) from error
    return train


def _labelled(table: Path | None) -> list[dict[str, str]]:
    if table is None:
        return []
    try:
        return labelled.read(table)
    except TableError as error:
        raise CallerError("train.bad_labels", str(error), file=str(table)) from error


def register(app: typer.Typer) -> None:
    """Add `train-ear` to the command line."""
    app.command("train-ear")(train_ear)
