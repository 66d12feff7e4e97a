"""`callbox detect` and `callbox enrol`: the ear on audio files.

`detect` prints a line a file, or with --json one object a file, or with --format score the scorer's CSV. A file that
cannot be read is reported on stderr and makes the exit status 1; the other files are still judged.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from appliance.errors import CallerError
from audio import (
    AudioFileError,
    Label,
    Library,
    LibraryError,
    Listener,
    Verdict,
    announcement_label,
    score_label,
    wavio,
)
from audio.fingerprint import add_to_folder

_SUFFIXES = frozenset({".wav", ".au", ".flac", ".ogg", ".opus", ".al", ".alaw", ".ul", ".ulaw"})
_BLOCK = 160
_SIDE_EVENTS = frozenset({"digit", "speech_onset", "beep"})


class PhaseName(StrEnum):
    """Which part of a call the files are."""

    EARLY = "early"
    ANSWERED = "answered"


class OutputFormat(StrEnum):
    """How to print."""

    TEXT = "text"
    SCORE = "score"


class Hearing:
    """All verdicts on one file."""

    def __init__(self, file: str, verdicts: list[Verdict], last: Verdict) -> None:
        self.file = file
        self.verdicts = verdicts
        self.last = last

    @property
    def beep_end_ms(self) -> int | None:
        """Exact end of the first voicemail beep."""
        return next((int(v.evidence["beep_end_ms"]) for v in self.verdicts if "beep_end_ms" in v.evidence), None)

    @property
    def beep_reported_s(self) -> float | None:
        """When the first voicemail beep was reported."""
        return next((v.decided_at_ms / 1000 for v in self.verdicts if "beep_end_ms" in v.evidence), None)

    @property
    def announcement_id(self) -> str | None:
        """Library entry that was recognised."""
        return next((str(v.evidence["ann_id"]) for v in self.verdicts if "ann_id" in v.evidence), None)

    def as_dict(self) -> dict[str, Any]:
        """The object that --json prints."""
        return {
            "file": self.file,
            "label": str(self.last.label),
            "kind": str(self.last.kind),
            "confidence": round(self.last.confidence, 4),
            "decided_at_ms": self.last.decided_at_ms,
            "reason": self.last.reason,
            "beep_ms": self.beep_end_ms,
            "announcement_id": self.announcement_id,
            "events": [
                {
                    "t_ms": v.decided_at_ms,
                    "label": str(v.label),
                    "kind": str(v.kind),
                    "reason": v.reason,
                    "final": v.final,
                    "evidence": dict(v.evidence),
                }
                for v in self.verdicts
            ],
        }

    def score_rows(self) -> Iterator[list[str]]:
        """Rows file,label,t,beep_t,ann_id of the development set's scorer: steps up to the final word."""
        beep = "" if self.beep_reported_s is None else f"{self.beep_reported_s:.3f}"
        steps = [v for v in self.verdicts if v.reason not in _SIDE_EVENTS]
        finals = [i for i, v in enumerate(steps) if v.final]
        told = steps[: finals[0] + 1] if finals else [*steps, self.last]
        for v in told:
            name = score_label(v.label, v.kind)
            yield [self.file, name, f"{v.decided_at_ms / 1000:.3f}", beep, self.announcement_id or ""]


def hear(path: Path, *, name: str, phase: PhaseName, country: str | None, library: Library | None) -> Hearing:
    """All verdicts on one file, fed in blocks of 20 ms as a call would be. Raises AudioFileError."""
    samples = wavio.read(path)
    listener = Listener(country=country, phase=phase.value, library=library)
    verdicts: list[Verdict] = []
    for start in range(0, samples.size, _BLOCK):
        verdicts += listener.push(samples[start : start + _BLOCK])
    return Hearing(name, verdicts, listener.finish())


def _expand(files: list[Path]) -> Iterator[tuple[Path, str]]:
    """(path, name to print): a folder stands for the audio files in it, named by their own names."""
    for file in files:
        if file.is_dir():
            for inner in sorted(p for p in file.rglob("*") if p.suffix.lower() in _SUFFIXES):
                yield inner, str(inner.relative_to(file))
        else:
            yield file, str(file)


def detect(
    files: Annotated[list[Path], typer.Argument(help="Audio files, or folders of them.", metavar="FILE...")],
    phase: Annotated[PhaseName, typer.Option(help="Part of the call.", case_sensitive=False)] = PhaseName.ANSWERED,
    country: Annotated[str | None, typer.Option(help="Tone plan, ISO 3166-1 alpha-2; all plans if left out.")] = None,
    library: Annotated[Path | None, typer.Option(help="Folder of enrolled announcements.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a file.")] = False,
    output: Annotated[OutputFormat, typer.Option("--format", help="text, or the scorer's.")] = OutputFormat.TEXT,
) -> None:
    """Say what is heard in audio files."""
    known = _load(library)
    failed = False
    score = csv.writer(sys.stdout)
    if output is OutputFormat.SCORE:
        score.writerow(["file", "label", "t", "beep_t", "ann_id"])
    for path, name in _expand(files):
        try:
            heard = hear(path, name=name, phase=phase, country=country, library=known)
        except AudioFileError as error:
            typer.echo(str(error), err=True)
            if as_json:
                typer.echo(json.dumps({"file": name, "error_id": "detect.unreadable", "message": str(error)}))
            failed = True
            continue
        if output is OutputFormat.SCORE:
            score.writerows(heard.score_rows())
        elif as_json:
            typer.echo(json.dumps(heard.as_dict(), ensure_ascii=False))
        else:
            typer.echo(_line(heard))
    raise typer.Exit(1 if failed else 0)


def _line(heard: Hearing) -> str:
    last = heard.last
    beep = "" if heard.beep_end_ms is None else f", beep ends at {heard.beep_end_ms / 1000:.2f} s"
    sure = f"{last.confidence:.2f} at {last.decided_at_ms / 1000:.1f} s"
    return f"{heard.file}: {last.label} ({last.kind}, {last.reason}, {sure}{beep})"


def _load(folder: Path | None) -> Library | None:
    if folder is None:
        return None
    try:
        return Library.load(folder)
    except (LibraryError, AudioFileError) as error:
        raise CallerError("detect.bad_library", str(error), folder=str(folder)) from error


def enrol(
    file: Annotated[Path, typer.Argument(help="A recording of the announcement.", metavar="FILE")],
    label: Annotated[str, typer.Option(help="What it means: vacant, powered_off, out_of_service, unreachable ...")],
    ann_id: Annotated[str, typer.Option("--id", help="A name of its own.")],
    library: Annotated[Path, typer.Option(help="Folder of enrolled announcements; made if need be.")],
) -> None:
    """Teach the ear an announcement of the exchange."""
    try:
        meaning: Label = announcement_label(label)
        add_to_folder(library, wavio.read(file), ann_id, meaning)
    except ValueError as error:
        raise CallerError("enrol.refused", str(error), file=str(file)) from error
    except AudioFileError as error:
        raise CallerError("enrol.bad_audio", str(error), file=str(file)) from error
    typer.echo(f"{ann_id}: {meaning} enrolled in {library}")


def register(app: typer.Typer) -> None:
    """Add `detect` and `enrol` to the command line."""
    app.command("detect")(detect)
    app.command("enrol")(enrol)
