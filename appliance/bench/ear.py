"""`callbox bench ear`: the ear on a labelled set, scored, as Markdown or JSON, with plots if wanted.

The set's manifest has the columns file, stage, country and label, in the names of the development set's builder or in
those of the box (`callbox ear export`). Of the builder's other columns these are used where they stand: sublabel,
t_event, beep_start, beep_end, enrolled, codec, level_dbov, snr_db, mobile_codec, plr. The ear knows stage and country.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from appliance.bench import ear_score
from appliance.bench.ear_report import markdown
from appliance.errors import CallerError
from appliance.jobs import hear_files
from audio import Library, ListenerConfig, clip_table
from audio.hearing import Hearing

_NEEDED = ("file", "stage", "label")
_MACHINE_PROBABILITIES = (0.8, 0.9, 0.95, 0.98, 0.99, 0.997)


def score(
    manifest: Path, audio_root: Path | None, library: Library | None, jobs: int, config: ListenerConfig | None = None
) -> list[ear_score.Scored]:
    """Every clip of a labelled set, heard and judged. Raises CallerError."""
    rows = _rows(manifest)
    clips = list(hear_files.from_manifest(manifest, audio_root, None))
    heard = hear_files.with_progress(hear_files.hear_all(clips, library, jobs, config), len(clips))
    return [
        ear_score.judge(row, one if isinstance(one, Hearing) else None) for row, one in zip(rows, heard, strict=True)
    ]


def trade_off(manifest: Path, audio_root: Path | None, jobs: int) -> list[dict[str, Any]]:
    """Lost people against machines passed on, by the word acted upon, for values of `machine_probability`."""
    rows = _rows(manifest)
    pairs = [
        (row, clip)
        for row, clip in zip(rows, hear_files.from_manifest(manifest, audio_root, None), strict=True)
        if row["label"] in ear_score.AMD_LABELS
    ]
    curve = []
    for value in _MACHINE_PROBABILITIES:
        config = ListenerConfig(machine_probability=value)
        results = hear_files.hear_all([clip for _, clip in pairs], None, jobs, config)
        heard = hear_files.with_progress(results, len(pairs))
        clips = [
            ear_score.judge(row, one if isinstance(one, Hearing) else None)
            for (row, _), one in zip(pairs, heard, strict=True)
        ]
        acted = ear_score.figures(clips)["amd"]["acted"]
        curve.append({"machine_probability": value, **{key: share["percent"] for key, share in acted.items()}})
    return curve


def _rows(manifest: Path) -> list[ear_score.Row]:
    try:
        rows = clip_table.read(manifest, _NEEDED)
    except clip_table.TableError as error:
        raise CallerError("bench.bad_manifest", str(error), file=str(manifest)) from error
    return [{**row, "label": ear_score.truth(row["label"])} for row in rows]


def ear(
    manifest: Annotated[Path, typer.Option(help="CSV of labelled clips, as the development set's.")],
    audio_root: Annotated[Path | None, typer.Option(help="Where its files are; by default beside it.")] = None,
    library: Annotated[Path | None, typer.Option(help="Folder of enrolled announcements.")] = None,
    plots: Annotated[Path | None, typer.Option(help="Folder for plots (reliability, SNR, trade-off).")] = None,
    curve: Annotated[bool, typer.Option("--trade-off", help="Measure the trade-off curve too: six runs.")] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = hear_files.processors(),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """How often the ear is right, how fast, and how well it knows that it may be wrong."""
    found = ear_score.figures(score(manifest, audio_root, hear_files.load_library(library), jobs))
    if curve:
        found["trade_off"] = trade_off(manifest, audio_root, jobs)
    if plots is not None:
        from appliance.bench.ear_plots import draw_all  # brings a large library, for this option only

        plots.mkdir(parents=True, exist_ok=True)
        draw_all(found, plots)
    typer.echo(json.dumps(found) if as_json else markdown(found))


def register(app: typer.Typer) -> None:
    """Add `ear` to the bench's commands."""
    app.command("ear")(ear)
