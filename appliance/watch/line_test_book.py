"""Results of line tests: one line of JSON a visit, each signed by the box, so that a report never shows what was not
measured. Broken or foreign lines are left out and counted.
"""

from __future__ import annotations

import math
import os
import threading
from pathlib import Path
from statistics import median

import msgspec

from appliance.domain.line_limits import Verdict, worst
from appliance.errors import BoxError, NotFoundError
from appliance.home import give_to_owner
from appliance.logs import get_logger
from appliance.watch.box_key import BoxKey, verify

KEEP = 2000
_PURPOSE = "callbox line test 1"


class Figure(msgspec.Struct, frozen=True):
    """One figure as it was judged. `value` is None for more than the instrument can show."""

    step: str
    quantity: str
    value: float | None
    unit: str
    verdict: Verdict
    reason: str
    source: str

    @property
    def number(self) -> float:
        """The figure; infinity for over-range."""
        return math.inf if self.value is None else self.value


class Result(msgspec.Struct, frozen=True):
    """One visit to one pair or span."""

    id: str
    pair: str
    at_unix_s: float
    by: str
    resource: str
    instrument: str
    profile: str
    simulated: bool
    complete: bool
    limits_version: str
    steps: tuple[str, ...]
    figures: tuple[Figure, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of its figures; a test that was not finished is never quite in order."""
        found = worst([figure.verdict for figure in self.figures])
        return found if self.complete or found is Verdict.BAD else Verdict.WARN


class _Line(msgspec.Struct, frozen=True):
    result: msgspec.Raw
    signature: str


class ResultBook:
    """The file of results. Any thread; several processes may append."""

    def __init__(self, path: Path, key: BoxKey) -> None:
        self._path, self._key = path, key
        self._lock = threading.Lock()
        self._log = get_logger()

    def add(self, result: Result) -> None:
        """Write a result down. Raises BoxError `line_test.not_kept` when the disk does not take it."""
        raw = msgspec.json.encode(result)
        line = msgspec.json.encode(_Line(msgspec.Raw(raw), self._key.sign(_PURPOSE, raw))) + b"\n"
        try:
            with self._lock:
                descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
                give_to_owner(self._path)
                with os.fdopen(descriptor, "ab") as file:
                    file.write(line)
                    file.flush()
                    os.fsync(file.fileno())
        except OSError as error:
            raise BoxError("line_test.not_kept", f"The result was not written: {error.strerror}.") from error

    def results(self, pair: str = "") -> list[Result]:
        """Results of a pair (empty: all), newest first, the last `KEEP` of the file."""
        try:
            lines = self._path.read_bytes().splitlines()[-KEEP:]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise BoxError("line_test.not_read", f"The results cannot be read: {error.strerror}.") from error
        found, wrong = [], 0
        public = self._key.public
        for line in lines:
            try:
                told = msgspec.json.decode(line, type=_Line)
                if not verify(public, _PURPOSE, bytes(told.result), told.signature):
                    raise ValueError("signature")
                result = msgspec.json.decode(told.result, type=Result)
            except (msgspec.DecodeError, ValueError):
                wrong += 1
                continue
            if not pair or result.pair == pair:
                found.append(result)
        if wrong:
            self._log.warning("line tests left out", lines=wrong, reason="broken, or not signed by this box")
        return sorted(found, key=lambda result: -result.at_unix_s)

    def result(self, test_id: str) -> Result:
        """One result. Raises NotFoundError `line_test.unknown`."""
        for result in self.results():
            if result.id == test_id:
                return result
        raise NotFoundError("line_test.unknown", "There is no result of this test.")


def change(earlier: list[float], now: float) -> float | None:
    """By which fraction a figure moved against the median of earlier visits; None: nothing to compare, or no base."""
    known = [abs(value) for value in earlier if math.isfinite(value)]
    if not known or not math.isfinite(now) or median(known) == 0:
        return None
    return abs(now) / median(known) - 1
