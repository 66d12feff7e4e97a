"""Each interval is written once, when the next has begun; damage costs a row, age is dropped."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.watch.line_history import KEEP_S, LineHistory, read_history, report, running
from drivers.lines import Counters

pytestmark = pytest.mark.unit


def counters(age_s: float, es: int) -> Counters:
    return Counters(es=es, ses=0, uas=0, css=es, lcv=None, pcv=0, age_s=age_s)


def test_an_interval_is_written_when_the_next_has_begun(tmp_path: Path) -> None:
    history = LineHistory(tmp_path / "h.jsonl")
    for at_s, age_s, es in ((600, 600, 1), (897, 897, 3), (903, 3, 0), (1797, 897, 2), (1801, 1, 0)):
        history.note("gw:3", counters(float(age_s), es), float(at_s))
    rows = read_history(tmp_path / "h.jsonl")
    assert [(row.began_unix_s, row.seconds, row.es) for row in rows] == [(0.0, 897, 3), (900.0, 897, 2)]


def test_half_a_line_is_left_out_and_old_rows_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "h.jsonl"
    history = LineHistory(path)
    for number in range(3):
        history.note("gw:3", counters(899.0, number), 900.0 * number + 899)
    with path.open("ab") as file:
        file.write(b'{"line_id":"gw:3","beg')
    assert read_history(path) == []  # all at the same age: one endless interval as far as we know
    history.note("gw:3", counters(1.0, 0), 2701.0)
    assert len(read_history(path)) == 0  # joined to the half line
    history.note("gw:3", counters(0.0, 0), 3600.0)
    assert len(read_history(path)) == 1
    history.trim(3600.0 + KEEP_S + 901)
    assert path.read_bytes() == b""


def test_the_report_joins_what_was_and_what_runs(tmp_path: Path) -> None:
    history = LineHistory(tmp_path / "h.jsonl")
    history.note("gw:3", counters(897.0, 9), 897.0)
    history.note("gw:3", counters(2.0, 0), 902.0)
    rows = running(
        [
            {"line_id": "gw:3", "taken_at_unix_s": 1000.0, "counters": {"es": 1, "css": 0, "age_s": 100.0}},
            {"line_id": "gw:4", "taken_at_unix_s": 1000.0, "stale": True, "counters": {"es": 1, "age_s": 100.0}},
            {"line_id": "fxo:1", "taken_at_unix_s": 1000.0, "counters": None},
        ]
    )
    found = report(read_history(tmp_path / "h.jsonl") + rows, 1000.0)
    assert list(found) == ["gw:3"]
    assert found["gw:3"]["quarter"]["es"] == 1  # type: ignore[index]
    assert found["gw:3"]["day"]["es"] == 10  # type: ignore[index]
    assert found["gw:3"]["slips"]["grade"] == "b"  # type: ignore[index]
    assert report([], 0.0) == {}
