"""`callbox detect`: the ear on audio files.

Prints one JSON object a file, or with --format text a line, or with --format score the scorer's CSV. A file that cannot
be heard gets an object (or a line on stderr) with its error and makes the exit status 1; the others are still judged.
"""

from __future__ import annotations

import csv
import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from appliance.errors import CallerError
from appliance.jobs import hear_files
from appliance.jobs.hear_files import Clip, Failure
from audio import Phase
from audio.hearing import SCORE_COLUMNS, Hearing


class PhaseName(StrEnum):
    """Which part of a call the files are."""

    EARLY = "early"
    ANSWERED = "answered"


class OutputFormat(StrEnum):
    """How to print."""

    JSON = "json"
    TEXT = "text"
    SCORE = "score"


def detect(
    files: Annotated[list[Path] | None, typer.Argument(help="Audio files or folders.", metavar="[FILE]...")] = None,
    phase: Annotated[PhaseName, typer.Option(help="Part of the call.", case_sensitive=False)] = PhaseName.ANSWERED,
    country: Annotated[str | None, typer.Option(help="Tone plan, ISO 3166-1 alpha-2; all plans if left out.")] = None,
    manifest: Annotated[Path | None, typer.Option(help="CSV of files: columns file, stage, country.")] = None,
    audio_root: Annotated[Path | None, typer.Option(help="Where its files are; by default beside it.")] = None,
    library: Annotated[Path | None, typer.Option(help="Folder of enrolled announcements.")] = None,
    output: Annotated[OutputFormat, typer.Option("--format", help="json, text, or the scorer's.")] = OutputFormat.JSON,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    plot: Annotated[Path | None, typer.Option(help="Draw the hearing: a PNG; of several files, a folder.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes for many files.")] = hear_files.processors(),
) -> None:
    """Say what is heard in audio files."""
    if bool(files) == (manifest is not None):
        raise CallerError("detect.what", "Name audio files or folders, or a --manifest; not both.")
    if country is not None and not (len(country) == 2 and country.isalpha()):
        raise CallerError("detect.bad_country", f"{country!r} is no country code; two letters, as CN.", country=country)
    known = hear_files.load_library(library)
    spoken: Phase = "early" if phase is PhaseName.EARLY else "answered"
    clips = list(
        hear_files.from_manifest(manifest, audio_root, country)
        if manifest is not None
        else hear_files.from_files(files or [], spoken, country)
    )
    failed = False
    tell = _Printer(OutputFormat.JSON if as_json else output)
    results = hear_files.hear_all(clips, known, jobs)
    for clip, heard in zip(clips, hear_files.with_progress(results, len(clips)), strict=True):
        tell(heard)
        failed = failed or isinstance(heard, Failure)
        if plot is not None and isinstance(heard, Hearing) and isinstance(clip, Clip):
            _draw(clip, heard, plot, alone=len(clips) == 1)
    raise typer.Exit(1 if failed else 0)


class _Printer:
    """Prints results in one format."""

    def __init__(self, output: OutputFormat) -> None:
        self._output = output
        self._score = csv.writer(sys.stdout, lineterminator="\n")
        if output is OutputFormat.SCORE:
            self._score.writerow(SCORE_COLUMNS)

    def __call__(self, heard: Hearing | Failure) -> None:
        if isinstance(heard, Failure):
            typer.echo(f"callbox: {heard.message}", err=True)
        if self._output is OutputFormat.JSON:
            typer.echo(json.dumps(heard.as_dict(), ensure_ascii=False))
        elif self._output is OutputFormat.SCORE:
            rows = [[heard.file, "unknown", "", "", ""]] if isinstance(heard, Failure) else heard.score_rows()
            self._score.writerows(rows)
        elif not isinstance(heard, Failure):
            typer.echo(_line(heard))


def _line(heard: Hearing) -> str:
    word = heard.word
    beep = "" if heard.beep_end_ms is None else f", beep ends at {heard.beep_end_ms / 1000:.2f} s"
    sure = f"{word.confidence:.2f} at {word.decided_at_ms / 1000:.1f} s"
    return f"{heard.file}: {word.label} ({word.kind}, {word.reason}, {sure}{beep})"


def _draw(clip: Clip, heard: Hearing, target: Path, *, alone: bool) -> None:
    from appliance.services.detect_plot import draw  # brings a large library, for this option only

    page = target if alone else target / (clip.name.strip("/").replace("/", "_") + ".png")
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        draw(clip, heard, page)
    except OSError as error:
        raise CallerError("detect.bad_plot", f"{page}: {error.strerror or error}", file=str(page)) from error


def register(app: typer.Typer) -> None:
    """Add `detect` to the command line."""
    app.command("detect")(detect)
