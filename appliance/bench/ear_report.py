"""The figures of `callbox bench ear` as Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_BANDS = {
    "snr_db": "signal to noise, dB",
    "level_dbov": "level, dBov",
    "codec": "G.711 law",
    "mobile_codec": "mobile codec before it",
    "loss_percent": "packets lost, %",
    "sublabel": "kind of clip",
}


def markdown(figures: Mapping[str, Any]) -> str:
    """All tables."""
    return "\n".join(_lines(figures))


def _lines(figures: Mapping[str, Any]) -> Iterator[str]:
    yield f"{figures['clips']} clips. All labels: {_share(figures['accuracy'])}, mean of the labels "
    yield f"{figures['macro_recall_percent']} %; families of labels: {_share(figures['groups_accuracy'])}."
    yield f"Where an announcement left without a name counts as told: {_share(figures['claims_true'])}."
    yield "In brackets: the 95 % interval (Wilson). These are figures of unseen sound only where no model learnt from"
    yield "the set's sources: the data sheets in `audio/models` say what each learnt from and what it makes of sources"
    yield "held out."
    yield ""
    yield from _table(("label", "right", "precision %", "false on others %", "known after p50 / p90, s", "called"), (
        (
            label, _share(row), row["precision_percent"], row["false_alarm_percent"],
            _times(row["latency"]), _said(label, row["said"]),
        )
        for label, row in figures["labels"].items()
    ))  # fmt: skip
    yield from _amd(figures["amd"])
    yield from _table(("verdict as of", "all", "people and machines", "people called machine"), (
        (f"{second} s", *(_share(row[key]) for key in ("all", "human_machine", "people_called_machine")))
        for second, row in figures["as_of"].items()
    ))  # fmt: skip
    beep = figures["beep"]
    yield f"Voicemail beep: found {_share(beep['found'])}, false or early {_share(beep['false_or_early'])}, "
    yield f"reported {_times(beep['after_end'])} s (p50 / p90) after its end."
    yield ""
    yield from _table(("announcements", "named right", "named wrong", "named after p50 / p90, s"), (
        (name.replace("_", " "), _share(row["named_right"]), _share(row["named_wrong"]), _times(row["latency"]))
        for name, row in figures["announcements"].items()
    ))  # fmt: skip
    for name, rows in figures["split"].items():
        yield from _table((_BANDS[name], "all", "people and machines"), (
            (_band(band), _share(row["all"]), _share(row["human_machine"])) for band, row in rows.items()
        ))  # fmt: skip
    calibration = figures["calibration"]
    yield f"Calibration: expected error {calibration['expected_error_percent']} % over {calibration['words']} words."
    yield ""
    yield from _table(("confidence", "true"), ((row["confidence"], _share(row)) for row in calibration["table"]))
    yield from _table(("reason", "confidence", "true"), (
        (reason, row["confidence"], _share(row)) for reason, row in figures["reasons"].items()
    ))  # fmt: skip
    if "trade_off" in figures:
        columns = list(figures["trade_off"][0])
        names = [column.replace("_", " ") for column in columns]
        yield from _table(names, ([row[column] for column in columns] for row in figures["trade_off"]))


def _amd(amd: Mapping[str, Any]) -> Iterator[str]:
    yield from _table(("people and machines", "the last word", "the word acted upon"), [
        ("accuracy", _share(amd["accuracy"]), ""),
        *((name.replace("_", " "), _share(amd[name]), _share(row)) for name, row in amd["acted"].items()),
    ])  # fmt: skip
    for name in ("person_known_after_answer", "person_known_after_onset", "machine_known_after_answer"):
        yield f"{name.replace('_', ' ').capitalize()}: {_times(amd[name])} s (p50 / p90).  "
    yield ""


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    names = list(head)
    yield f"| {' | '.join(names)} |"
    yield f"|{'---|' * len(names)}"
    for row in rows:
        yield f"| {' | '.join('' if cell is None else str(cell) for cell in row)} |"
    yield ""


def _share(row: Mapping[str, Any]) -> str:
    if not row["n"]:
        return ""
    return f"{row['percent']:.1f} % of {row['n']} ({row['low']:.1f}-{row['high']:.1f})"


def _times(row: Mapping[str, float | None]) -> str:
    p50, p90 = row["p50_s"], row["p90_s"]
    return "" if p50 is None or p90 is None else f"{p50:.2f} / {p90:.2f}"


def _said(label: str, said: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in said.items() if name != label)


def _band(name: str) -> str:
    """A band's name without the number that orders it."""
    return name[2:] if name[:1].isdigit() and name[1:2] == " " else name
