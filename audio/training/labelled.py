"""Calls that an operator labelled (`callbox ear export`), as rows of a corpus.

A table with the columns file, label, stage, country and perhaps t_event (seconds; else the ear's own onset of speech).
Labels are the box's or the builder's. Files are relative to the table; rows name them by their absolute path, so that
`folder / "clips" / row["file"]` finds them from any corpus.
"""

from pathlib import Path

from audio import clip_table, wavio
from audio.analysis import CHUNK, LineAnalysis
from audio.clip_table import Row, TableError
from audio.labels import ANNOUNCEMENT_LABELS, Kind, Label, score_label

SOURCE = "labelled"
_STAGES = ("early", "answered")
_COLUMNS = ("file", "label", "stage")


def read(table: Path) -> list[Row]:
    """Rows of the labelled calls; calls whose sound is gone are left out. Raises TableError."""
    rows = clip_table.read(table, _COLUMNS)
    for number, row in enumerate(rows, 2):
        if row["stage"] not in _STAGES:
            raise TableError(f"{table}, line {number}: stage {row['stage']!r} is neither early nor answered")
    return [row for row in (_row(table.parent, row) for row in rows) if row is not None]


def _row(folder: Path, row: Row) -> Row | None:
    path = (folder / row["file"]).resolve()
    try:
        onset_s = row.get("t_event") or f"{_onset_s(path, early=row['stage'] == 'early'):.2f}"
    except wavio.AudioFileError:
        return None
    label, sublabel = _names(row["label"])
    return {
        "file": str(path), "stage": row["stage"], "label": label, "sublabel": sublabel, "real": "real",
        "country": (row.get("country") or "").lower(), "source_pkg": SOURCE, "source_files": path.name,
        "t_event": onset_s, "t_event_end": "", "t_speech_end": "", "beep_start": "", "beep_end": "",
    }  # fmt: skip


def _names(label: str) -> tuple[str, str]:
    """(label, sublabel) in the builder's names."""
    try:
        own = Label(label)
    except ValueError:
        return label, ""
    sublabel = {Label.SCREENING: "call_screen", Label.IVR: "ivr_menu"}.get(own, "")
    spoken = own in ANNOUNCEMENT_LABELS and own not in (Label.BUSY, Label.CONGESTION)
    return score_label(own, Kind.ANNOUNCEMENT if spoken else Kind.TONE), sublabel


def _onset_s(path: Path, *, early: bool) -> float:
    samples = wavio.read(path)
    line = LineAnalysis(early=early)
    for start in range(0, samples.size - CHUNK + 1, CHUNK):
        line.push(samples[start : start + CHUNK])
        if line.speech.onset_hop is not None:
            return line.speech.onset_hop / 100
    return 0.0
