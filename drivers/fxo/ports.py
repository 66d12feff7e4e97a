"""FXO ports from a gateway's SNMP table, by a profile's columns (``[snmp.fxo.NAME]``). Pure.

What such a table says is never guessed: a value that the profile does not name makes the port neither up nor down.
"""

from __future__ import annotations

from drivers.lines import Alarm, ChannelState, Fxo, LineKind, LineStatus, doubted
from drivers.profiles import FxoColumn

Value = int | bytes | tuple[int, ...]
Table = dict[tuple[int, ...], Value]
"""Index of the port -> value."""
CONNECTED, TEST_FAILED = "connected", "test_failed"


def fxo_lines(
    card: str, words: dict[str, FxoColumn], tables: dict[str, Table], taken_at_unix_s: float
) -> tuple[LineStatus, ...]:
    """The ports of one walk, `tables` by the profile's names. Up is what the gateway calls connected."""
    indexes = sorted({index for name in words for index in tables.get(name, {})})
    return tuple(_line(card, words, tables, index, taken_at_unix_s) for index in indexes)


def _line(
    card: str, words: dict[str, FxoColumn], tables: dict[str, Table], index: tuple[int, ...], taken_at_unix_s: float
) -> LineStatus:
    number = ".".join(map(str, index))
    line_id, wrong = f"{card}:fxo{number}", ""
    flags: dict[str, bool | None] = {}
    figures: dict[str, float | None] = {}
    for name, column in words.items():
        value = tables.get(name, {}).get(index)
        try:
            if column.figure:
                figures[name] = _figure(column, value)
            else:
                flags[name] = _flag(column, value)
        except ValueError:
            wrong = wrong or f"{name} is {str(value)[:20]}, which no source knows; it is not taken for up."
    if flags.get(TEST_FAILED):
        wrong = wrong or "the gateway's own test of this port failed."
    up, hook = flags.get(CONNECTED), flags.get("hook")
    state = ChannelState.ALARM if up is False else ChannelState.BUSY if hook else ChannelState.IDLE
    line = LineStatus(
        line_id=line_id, kind=LineKind.FXO, name=f"FXO {number}", up=up if up is False or not wrong else None,
        alarms=frozenset({Alarm.LOS}) if up is False else frozenset(), d_channel_l1=None, d_channel_l2=None,
        channels=() if hook is None and up is not False else (state,), in_use=None if hook is None else int(hook),
        counters=None, source="snmp", taken_at_unix_s=taken_at_unix_s,
        fxo=Fxo(
            volts=figures.get("volts"), milliamps=figures.get("milliamps"), hook=hook, ring=flags.get("ring"),
            polarity_reversed=flags.get("polarity_reversed"),
        ),
    )  # fmt: skip
    return doubted(line, f"{line_id}: {wrong}" if wrong else "")


def _flag(column: FxoColumn, value: Value | None) -> bool | None:
    if value is None or value in column.unknown:
        return None
    if value in column.yes:
        return True
    if value in column.no:
        return False
    raise ValueError(value)


def _figure(column: FxoColumn, value: Value | None) -> float | None:
    if value is None or value in column.unknown:
        return None
    if isinstance(value, int) and column.least <= value <= column.most:
        return float(value)
    raise ValueError(value)
