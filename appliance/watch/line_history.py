"""What was counted on each span in each quarter of an hour: one line of JSON an interval, a week of them."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from appliance.domain.line_quality import Interval, last_day, quality, slips
from appliance.logs import get_logger
from drivers.lines import Counters

KEEP_S = 7 * 86_400
_INTERVAL_S = 900.0


class Row(msgspec.Struct, frozen=True):
    """One interval of one line."""

    line_id: str
    began_unix_s: float
    seconds: int
    es: int | None = None
    ses: int | None = None
    uas: int | None = None
    css: int | None = None
    pcv: int | None = None

    def interval(self) -> Interval:
        """As the rules take it."""
        return Interval(
            began_unix_s=self.began_unix_s, seconds=self.seconds, es=self.es, ses=self.ses, uas=self.uas, css=self.css,
            pcv=self.pcv,
        )  # fmt: skip


class LineHistory:
    """Notes an interval when the next one has begun. Any thread; a full disk costs history only."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._open: dict[str, Row] = {}
        self._in_trouble = False
        self._log = get_logger()

    def note(self, line_id: str, counters: Counters, now_unix_s: float) -> None:
        """A reading of the running interval."""
        row = Row(
            line_id, now_unix_s - counters.age_s, int(counters.age_s), counters.es, counters.ses, counters.uas,
            counters.css, counters.pcv,
        )  # fmt: skip
        with self._lock:
            before = self._open.get(line_id)
            self._open[line_id] = row
            if before is not None and row.seconds < before.seconds:
                self._write(before)

    def running(self) -> list[Row]:
        """The intervals that are not over yet."""
        with self._lock:
            return list(self._open.values())

    def _write(self, row: Row) -> None:
        try:
            with self._path.open("ab") as file:
                file.write(msgspec.json.encode(row) + b"\n")
            self._in_trouble = False
        except OSError as error:
            if not self._in_trouble:
                self._log.warning("line history not written", error=str(error))
            self._in_trouble = True

    def trim(self, now_unix_s: float) -> None:
        """Drop what is older than a week."""
        with self._lock:
            rows = [row for row in read_history(self._path) if now_unix_s - row.began_unix_s <= KEEP_S]
            new = self._path.with_suffix(".new")
            try:
                new.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
                new.replace(self._path)
            except OSError as error:
                self._log.warning("line history not shortened", error=str(error))


def read_history(path: Path) -> list[Row]:
    """All intervals that can be read; half a line (a power cut) is left out."""
    decoder, rows = msgspec.json.Decoder(Row), []
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError:
        return []
    for line in lines:
        try:
            rows.append(decoder.decode(line))
        except msgspec.MsgspecError:
            continue
    return rows


def running(lines: Iterable[dict[str, Any]]) -> list[Row]:
    """The intervals that are not over yet, from the rows of the section `lines`; stale ones are left out."""
    found = []
    for line in lines:
        counters = line.get("counters")
        if counters and not line.get("stale"):
            age_s = float(counters["age_s"])
            counts = {name: counters.get(name) for name in ("es", "ses", "uas", "css", "pcv")}
            found.append(Row(str(line["line_id"]), float(line["taken_at_unix_s"]) - age_s, int(age_s), **counts))
    return found


def report(rows: Iterable[Row], now_unix_s: float) -> dict[str, dict[str, object]]:
    """Line -> quality of the last quarter of an hour and of 24 hours, and its slips; plain values."""
    lines: dict[str, list[Interval]] = {}
    for row in rows:
        lines.setdefault(row.line_id, []).append(row.interval())
    found: dict[str, dict[str, object]] = {}
    for line_id, intervals in sorted(lines.items()):
        day = last_day(intervals, now_unix_s)
        found[line_id] = {
            "quarter": msgspec.to_builtins(quality(day[-1:])), "day": msgspec.to_builtins(quality(day)),
            "slips": msgspec.to_builtins(slips(day, now_unix_s)), "intervals": len(day),
        }  # fmt: skip
    return found
