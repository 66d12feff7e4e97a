"""Lines as SNMP objects: DS1-MIB (RFC 4805) for the E1 spans, and a table of our own for all lines. Pure.

Lines are numbered from 1 in the order of their names; `dsx1CircuitIdentifier` and the first column of our table say
which is which. A line that was not read just now has no status and no counters: an old value is never served as live.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from appliance.outside.agentx import Kind, Object, Oid

DS1 = (1, 3, 6, 1, 2, 1, 10, 18)
CONFIG, CURRENT = (*DS1, 6), (*DS1, 7)
LINES = (1, 3, 6, 1, 4, 1, 32473, 2)
"""Our table, under the enterprise 32473 of RFC 5612 until the product has a number of its own."""
ROOTS: tuple[Oid, ...] = (CONFIG, CURRENT, LINES)

_BITS = {"los": 64, "lof": 32, "ais": 8, "rai": 2, "lomf": 512, "t16ais": 256, "loop": 128}
_NO_ALARM, _OTHER_FAILURE, _NO_LOOP, _OTHER_LOOP = 1, 4096, 1, 4
_COUNTERS = {"es": 2, "ses": 3, "uas": 5, "css": 6, "pcv": 7, "lcv": 11}
_KINDS, _UP, _YES_NO = {"e1": 1, "fxo": 2}, {True: 1, False: 2, None: 3}, {True: 1, False: 2}


def line_objects(lines: Iterable[Mapping[str, Any]]) -> dict[Oid, Object]:
    """Objects of the rows of the section `lines` (see `events.LiveHardware`)."""
    objects: dict[Oid, Object] = {}
    for number, line in enumerate(sorted(lines, key=lambda row: str(row["line_id"])), start=1):
        own = {
            1: _text(line["line_id"]), 2: _number(_KINDS.get(str(line["kind"]), 3)), 3: _number(_UP[line.get("up")]),
            4: _text(line.get("cause") or ""), 6: _number(_YES_NO[bool(line.get("stale"))]),
        }  # fmt: skip
        if line.get("in_use") is not None:
            own[5] = Object(Kind.GAUGE, int(line["in_use"]))
        objects |= {(*LINES, 1, 1, column, number): value for column, value in own.items()}
        if line["kind"] == "e1":
            objects |= _span(number, line)
    return objects


def _span(number: int, line: Mapping[str, Any]) -> dict[Oid, Object]:
    config = {1: _number(number), 2: _number(number), 8: _text(line["line_id"])}
    current: dict[int, Object] = {}
    if not line.get("stale") and line.get("up") is not None:
        alarms = set(line.get("alarms", ()))
        status = sum(bit for alarm, bit in _BITS.items() if alarm in alarms)
        config[10] = _number(status or (_NO_ALARM if line["up"] else _OTHER_FAILURE))
        config[9] = _number(_OTHER_LOOP if "loop" in alarms else _NO_LOOP)
        counters = line.get("counters") or {}
        if counters:
            config[3] = _number(int(counters["age_s"]))
            current = {1: _number(number)} | {
                column: Object(Kind.GAUGE, int(counters[name]))
                for name, column in _COUNTERS.items()
                if counters.get(name) is not None
            }
    found: dict[Oid, Object] = {(*CONFIG, 1, column, number): value for column, value in config.items()}
    return found | {(*CURRENT, 1, column, number): value for column, value in current.items()}


def _number(value: int) -> Object:
    return Object(Kind.INTEGER, value)


def _text(value: object) -> Object:
    return Object(Kind.TEXT, str(value))
