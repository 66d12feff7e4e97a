"""What a disk says of itself: `smartctl --json --all` of SATA, NVMe and SCSI disks, read into one form.

The exit status is a bit mask (smartctl(8)): bits 0-2 say that something could not be read, bits 3-7 that the disk has
or had trouble. A disk that answers partly (a virtual one, a USB bridge) is not a bad disk.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from drivers.lines import ReaderError

SMART_TIMEOUT_S = 40.0
_REALLOCATED, _REPORTED_UNCORRECTABLE, _TIMEOUTS, _PENDING, _OFFLINE_UNCORRECTABLE, _CRC = 5, 187, 188, 197, 198, 199
_LIFE_LEFT = {
    177: "wear_leveling", 202: "lifetime", 231: "life_left", 232: "endurance", 233: "wearout",
}  # fmt: skip
"""SSD attributes whose normalised value falls from 100 as the flash wears; counted only where the name agrees."""


class Trouble(StrEnum):
    """What the exit status says beside "could not read"."""

    FAILING = "failing"  # the disk itself says that it fails (bit 3)
    PREFAIL = "prefail"  # a prefail attribute is at its threshold (bit 4)
    WAS_LOW = "was_low"  # an attribute was at its threshold in the past (bit 5)
    ERRORS_LOGGED = "errors_logged"  # (bit 6)
    SELF_TEST_ERRORS = "self_test_errors"  # (bit 7)


@dataclass(frozen=True, slots=True)
class ExitStatus:
    """The mask taken apart."""

    usable: bool
    """Whether the answer holds anything: bits 0 and 1 are clear."""
    partial: bool
    """Some command failed (bit 2): fields may be missing."""
    troubles: frozenset[Trouble]


def read_exit(status: int) -> ExitStatus:
    """Take smartctl's exit status apart; a program that was killed (negative) said nothing usable."""
    if status < 0 or status > 255:
        return ExitStatus(usable=False, partial=True, troubles=frozenset())
    troubles = {trouble for bit, trouble in enumerate(Trouble, start=3) if status & (1 << bit)}
    return ExitStatus(usable=not status & 0b11, partial=bool(status & 0b100), troubles=frozenset(troubles))


@dataclass(frozen=True, slots=True)
class Attribute:
    """One line of the disk's own table, shown as it is."""

    id: int
    name: str
    value: int
    worst: int
    threshold: int
    raw: int
    raw_text: str
    failing: str
    """Empty, `now` or `past`."""


@dataclass(frozen=True, slots=True)
class SelfTest:
    """The disk's test of itself. `passed` None: none is known."""

    running: bool = False
    remaining: float | None = None
    """Fraction still to do while it runs."""
    passed: bool | None = None
    kind: str = ""
    text: str = ""
    at_hours: int | None = None
    """Power-on hours of the last one."""


@dataclass(frozen=True, slots=True)
class SmartReport:
    """One disk's health. None is "the disk does not say", never a guess."""

    serial: str
    model: str
    firmware: str
    protocol: str
    """`ATA`, `NVMe`, `SCSI` or empty."""
    passed: bool | None
    troubles: frozenset[Trouble]
    partial: bool
    temperature_c: int | None = None
    power_on_hours: int | None = None
    wear: float | None = None
    """Used part of the flash's life: 0 new, 1 at the end of what the maker promises; may go beyond."""
    spare: float | None = None
    spare_threshold: float | None = None
    reallocated: int | None = None
    pending: int | None = None
    uncorrectable: int | None = None
    timeouts: int | None = None
    crc_errors: int | None = None
    media_errors: int | None = None
    critical_warning: int | None = None
    self_test: SelfTest = field(default_factory=SelfTest)
    attributes: tuple[Attribute, ...] = ()
    messages: tuple[str, ...] = ()


def parse_smart(output: str, status: int) -> SmartReport:
    """Read what smartctl printed. Raises ReaderError `smart.unreadable` when there is nothing in it about the disk."""
    exit_status = read_exit(status)
    start = output.find("{")
    try:
        found, _ = json.JSONDecoder().raw_decode(output[start:] if start >= 0 else "")
    except (ValueError, RecursionError) as error:
        raise ReaderError("smart.unreadable", "smartctl gave no JSON; smartmontools 7 or newer is needed.") from error
    if not isinstance(found, dict):
        raise ReaderError("smart.unreadable", "smartctl gave no JSON object.")
    messages = tuple(_text(m, "string") for m in _list(found, "smartctl", "messages") if isinstance(m, dict))
    if not exit_status.usable:
        said = "; ".join(message for message in messages if message) or f"exit status {status}"
        raise ReaderError("smart.unreadable", f"The disk cannot be asked for its health: {said}")
    protocol = _text(found, "device", "protocol")
    attributes = tuple(_attributes(found))
    return SmartReport(
        serial=_text(found, "serial_number"), model=_text(found, "model_name") or _text(found, "scsi_model_name"),
        firmware=_text(found, "firmware_version") or _text(found, "scsi_revision"), protocol=protocol,
        passed=_flag(found, "smart_status", "passed"), troubles=exit_status.troubles, partial=exit_status.partial,
        temperature_c=_temperature(found), power_on_hours=_int(found, "power_on_time", "hours"),
        self_test=_self_test(found), attributes=attributes, messages=messages,
        **_figures(found, {attribute.id: attribute for attribute in attributes}),
    )  # fmt: skip


def _figures(found: dict[str, Any], table: dict[int, Attribute]) -> dict[str, Any]:
    nvme = "nvme_smart_health_information_log"
    if isinstance(found.get(nvme), dict):
        used = _int(found, nvme, "percentage_used")
        spare, threshold = _int(found, nvme, "available_spare"), _int(found, nvme, "available_spare_threshold")
        return {
            "wear": _hundredth(used), "spare": _hundredth(spare), "spare_threshold": _hundredth(threshold),
            "media_errors": _int(found, nvme, "media_errors"),
            "critical_warning": _int(found, nvme, "critical_warning"),
        }  # fmt: skip

    def raw(number: int) -> int | None:
        return table[number].raw if number in table else None

    if table:
        return {
            "wear": _ata_wear(table), "reallocated": raw(_REALLOCATED), "pending": raw(_PENDING),
            "uncorrectable": _sum(raw(_REPORTED_UNCORRECTABLE), raw(_OFFLINE_UNCORRECTABLE)),
            "timeouts": raw(_TIMEOUTS), "crc_errors": raw(_CRC),
        }  # fmt: skip
    errors = [
        _int(found, "scsi_error_counter_log", what, "total_uncorrected_errors") for what in ("read", "write", "verify")
    ]
    return {
        "wear": _hundredth(_int(found, "scsi_percentage_used_endurance_indicator")),
        "reallocated": _int(found, "scsi_grown_defect_list"), "uncorrectable": _sum(*errors),
    }  # fmt: skip


def _ata_wear(table: dict[int, Attribute]) -> float | None:
    for number, word in _LIFE_LEFT.items():
        attribute = table.get(number)
        if attribute and word in attribute.name.lower() and 0 <= attribute.value <= 100:
            return (100 - attribute.value) / 100
    return None


def _attributes(found: dict[str, Any]) -> list[Attribute]:
    rows = []
    for row in _list(found, "ata_smart_attributes", "table"):
        number = _int(row, "id") if isinstance(row, dict) else None
        if number is None:
            continue
        rows.append(
            Attribute(
                id=number, name=_text(row, "name"), value=_int(row, "value") or 0, worst=_int(row, "worst") or 0,
                threshold=_int(row, "thresh") or 0, raw=_raw(row), raw_text=_text(row, "raw", "string"),
                failing=_text(row, "when_failed"),
            )
        )  # fmt: skip
    return rows


def _raw(row: dict[str, Any]) -> int:
    """Some makers pack other figures into the upper bytes; what smartctl prints first is the count."""
    printed = re.match(r"\d+", _text(row, "raw", "string"))
    return int(printed[0][:18]) if printed else max(0, _int(row, "raw", "value") or 0)


def _temperature(found: dict[str, Any]) -> int | None:
    """Zero is what a disk without a sensor says."""
    value = _int(found, "temperature", "current")
    return value if value is not None and 0 < value < 150 else None


def _self_test(found: dict[str, Any]) -> SelfTest:
    if isinstance(found.get("nvme_self_test_log"), dict):
        return _nvme_self_test(found)
    scsi = found.get("scsi_self_test_0")
    if isinstance(scsi, dict):
        result = _int(scsi, "result", "value")
        return SelfTest(
            running=result == 15, passed=None if result in (None, 15) else result == 0,
            kind=_text(scsi, "code", "string"), text=_text(scsi, "result", "string"),
            at_hours=_int(scsi, "power_on_time", "hours"),
        )  # fmt: skip
    # ATA: the upper half of the status byte is 15 while a test runs, the lower half counts the tenths left
    value = _int(found, "ata_smart_data", "self_test", "status", "value")
    running = value is not None and 0 <= value <= 255 and value >> 4 == 15
    log = _list(found, "ata_smart_self_test_log", "standard", "table")
    last = next((row for row in log if isinstance(row, dict)), {})
    return SelfTest(
        running=running, remaining=(value & 0x0F) / 10 if running and value is not None else None,
        passed=_flag(last, "status", "passed"), kind=_text(last, "type", "string"),
        text=_text(last, "status", "string"), at_hours=_int(last, "lifetime_hours"),
    )  # fmt: skip


def _nvme_self_test(found: dict[str, Any]) -> SelfTest:
    log = "nvme_self_test_log"
    running = bool(_int(found, log, "current_self_test_operation", "value"))
    done = _int(found, log, "current_self_test_completion_percent")
    last = next((row for row in _list(found, log, "table") if isinstance(row, dict)), {})
    result = _int(last, "self_test_result", "value")
    return SelfTest(
        running=running, remaining=(100 - done) / 100 if running and done is not None else None,
        # NVMe base specification: 0 passed, 1-4 and 8-9 aborted (no verdict), 5-7 failed
        passed=True if result == 0 else False if result in (5, 6, 7) else None,
        kind=_text(last, "self_test_code", "string"), text=_text(last, "self_test_result", "string"),
        at_hours=_int(last, "power_on_hours"),
    )  # fmt: skip


# ---- a tree from outside: nothing in it is taken for granted ------------------------------------------------


def _at(tree: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        if not isinstance(tree, dict):
            return None
        tree = tree.get(name)
    return tree


def _int(tree: Any, *path: str) -> int | None:
    found = _at(tree, path)
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    try:
        return int(found)
    except (ValueError, OverflowError):  # NaN and Infinity are numbers to Python's JSON
        return None


def _text(tree: Any, *path: str) -> str:
    found = _at(tree, path)
    return found.strip() if isinstance(found, str) else ""


def _flag(tree: Any, *path: str) -> bool | None:
    found = _at(tree, path)
    return found if isinstance(found, bool) else None


def _list(tree: Any, *path: str) -> list[Any]:
    found = _at(tree, path)
    return found if isinstance(found, list) else []


def _hundredth(value: int | None) -> float | None:
    return None if value is None else value / 100


def _sum(*values: int | None) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
