"""Disks and arrays as the pages show them: which one is good, what each says of itself, where it is going."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _

from webui import labels
from webui.hardware import words
from webui.hardware.readings import Reading, said
from webui.hardware.trend import Trend, trend
from webui.i18n import number, percent

_HOT_C, _SCALE_C, _WORN = 55, 70.0, 0.8
_ROLE_ORDER = ("good", "joining", "new", "going", "refused")


@dataclass(frozen=True)
class Remark:
    """One thing a disk says of itself; `tone` good | warn | bad | plain."""

    tone: str
    text: str


@dataclass(frozen=True)
class DiskView:
    """One disk. `role` good | joining | faulty | alone: its part in an array that is not whole, else empty."""

    key: str
    name: str
    bay: str
    model: str
    serial: str
    size_bytes: int
    kind: str
    array: str
    role: str
    remarks: tuple[Remark, ...]
    attributes: tuple[dict[str, Any], ...]
    asked_at_unix_s: float | None
    error: str
    has_lamp: bool
    lit: bool
    replace_by: str
    reason: str
    wear: Trend | None
    temperature: Trend | None


@dataclass(frozen=True)
class ArrayView:
    """One array. `state` whole | degraded | rebuilding | stopped | checking."""

    name: str
    level: str
    size_bytes: int
    state: str
    action: str
    fraction: float | None
    eta_s: float | None
    mismatches: int
    missing: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Progress:
    """A running replacement, or the last one: `phase` counts in words.STEPS."""

    running: bool
    array: str
    serial: str
    phase: int
    fraction: float | None
    eta_s: float | None
    trouble: str

    @property
    def done(self) -> bool:
        return not self.running and self.phase == len(words.STEPS) - 1


def arrays(found: Reading) -> list[ArrayView]:
    """All arrays of the section."""
    return [_array(row) for row in found.rows("arrays")]


def _array(row: dict[str, Any]) -> ArrayView:
    action = str(row.get("sync_action", "idle"))
    missing = int(row.get("missing") or 0)
    state = "degraded" if missing else "whole"
    if row.get("state") in ("clear", "inactive", "broken", "suspended"):
        state = "stopped"
    elif row.get("rebuilding"):
        state = "rebuilding"
    elif action in words.ARRAY_ACTIONS:
        state = "checking"
    return ArrayView(
        name=str(row.get("name", "")), level=str(row.get("level", "")), size_bytes=int(row.get("size_bytes") or 0),
        state=state, action=action, fraction=row.get("progress"), eta_s=row.get("eta_s"),
        mismatches=int(row.get("mismatch_count") or 0),
        missing=tuple(gone for gone in row.get("missing_disks") or () if isinstance(gone, dict)),
    )  # fmt: skip


def disks(found: Reading) -> list[DiskView]:
    """All disks of the section, by bay."""
    parts = {
        str(member.get("disk")): (array, member)
        for array in found.rows("arrays")
        for member in array.get("members") or ()
        if isinstance(member, dict) and member.get("present")
    }
    return sorted((_disk(row, *parts.get(str(row.get("name")), ({}, {}))) for row in found.rows("disks")),
                  key=lambda disk: (disk.bay, disk.name))  # fmt: skip


def _disk(row: dict[str, Any], array: dict[str, Any], member: dict[str, Any]) -> DiskView:
    health = row.get("health") or {}
    report = health.get("report") or {}
    days = [day for day in row.get("trend") or () if isinstance(day, list | tuple) and len(day) == 3]
    return DiskView(
        key=str(row.get("key", "")), name=str(row.get("name", "")), bay=str(row.get("bay", "")),
        model=str(row.get("model", "")), serial=str(row.get("serial", "")), size_bytes=int(row.get("size_bytes") or 0),
        kind=str(row.get("kind", "")), array=str(array.get("name", "")), role=_role(array, member),
        remarks=tuple(remarks(report)) if report else (), attributes=tuple(report.get("attributes") or ()),
        asked_at_unix_s=health.get("at_unix_s"), error=said(health), has_lamp=bool(row.get("has_lamp")),
        lit=bool(row.get("lit")),
        replace_by=str(health.get("replace_by") or ""),
        reason=labels.text(words.REPLACE_REASONS, str(health.get("reason") or "")),
        wear=trend([(d[0], d[1]) for d in days if d[1] is not None], 1.0, per_year=health.get("wear_per_year")),
        temperature=trend([(d[0], d[2]) for d in days if d[2] is not None], _SCALE_C),
    )  # fmt: skip


def _role(array: dict[str, Any], member: dict[str, Any]) -> str:
    """A disk's part in an array that is not whole: then one of them must not be touched."""
    if not array or not (array.get("missing") or array.get("rebuilding")):
        return ""
    states = member.get("state") or ()
    if "faulty" in states:
        return "faulty"
    return "good" if "in_sync" in states else "joining"


def remarks(report: dict[str, Any]) -> list[Remark]:
    """What a SMART report says, in words; what the disk does not say is left out."""
    said = []
    if (passed := report.get("passed")) is not None:
        said.append(Remark("good", _("It says that it is well.")) if passed
                    else Remark("bad", _("It says itself that it fails.")))  # fmt: skip
    counts = (
        ("reallocated", "warn", _("%(n)s sectors were replaced by spare ones.")),
        ("pending", "bad", _("%(n)s sectors wait to be replaced.")),
        ("uncorrectable", "bad", _("%(n)s sectors could not be read.")),
        ("media_errors", "bad", _("%(n)s errors of the flash itself.")),
        ("crc_errors", "warn", _("%(n)s transfer errors: cable or plug, not the disk.")),
    )
    said += [Remark(tone, text % {"n": number(report[name])}) for name, tone, text in counts if report.get(name)]
    if all(report.get(name) == 0 for name in ("reallocated", "pending")):
        said.append(Remark("good", _("No sector is bad.")))
    if (wear := report.get("wear")) is not None:
        text = _("%(used)s of the flash's life is used.", used=percent(wear, 0))
        said.append(Remark("warn" if wear >= _WORN else "plain", text))
    if (spare := report.get("spare")) is not None:
        low = spare <= (report.get("spare_threshold") or 0.1)
        text = _("%(left)s of the spare blocks are left.", left=percent(spare, 0))
        said.append(Remark("bad" if low else "plain", text))
    if (warm := report.get("temperature_c")) is not None:
        said.append(Remark("warn" if warm >= _HOT_C else "plain", _("%(warm)s °C warm.", warm=number(warm))))
    if (hours := report.get("power_on_hours")) is not None:
        said.append(Remark("plain", _("%(days)s days in use.", days=number(hours // 24))))
    test = report.get("self_test") or {}
    if test.get("running"):
        left = test.get("remaining")
        said.append(Remark("plain", _("It tests itself now; %(left)s is left.", left=percent(left, 0))))
    elif test.get("passed") is not None:
        said.append(Remark("good", _("Its last test of itself went well.")) if test["passed"]
                    else Remark("bad", _("Its last test of itself failed.")))  # fmt: skip
    return said


def progress(row: dict[str, Any] | None) -> Progress | None:
    """The section `replacement`; None when there is no replacement."""
    if not row:
        return None
    step = "copy_boot" if row.get("step") == "verify" else str(row.get("step") or "")
    names = [name for name, _text in words.STEPS]
    return Progress(
        running=bool(row.get("running")), array=str(row.get("array", "")), serial=str(row.get("serial", "")),
        phase=names.index(step) if step in names else 0, fraction=row.get("fraction"), eta_s=row.get("eta_s"),
        trouble=said(row, "trouble"),
    )  # fmt: skip


def placed(picture: dict[str, Any], bays: dict[str, str]) -> list[dict[str, Any]]:
    """The disks of the wizard's picture, the good one first, with bay and why one is refused in words."""
    found = []
    for one in picture.get("placed") or ():
        disk = one.get("disk") or {}
        refusal = str(one.get("refusal") or "")
        found.append(
            {**disk, "key": disk.get("serial") or disk.get("wwn"), "role": one.get("role"), "stands": one.get("found"),
             "bay": bays.get(str(disk.get("name")), disk.get("port")), "was_member": one.get("was_member"),
             "refusal": labels.text(words.REFUSALS, refusal)}
        )  # fmt: skip
    return sorted(found, key=lambda disk: _ROLE_ORDER.index(disk["role"]) if disk["role"] in _ROLE_ORDER else 9)
