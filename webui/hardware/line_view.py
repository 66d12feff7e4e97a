"""A line as the page shows it: one cause large, what follows from it small, and nothing old as if it were live."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from webui.hardware import words
from webui.hardware.readings import Reading, said

_SLOTS_MAX = 31
_TRUTH: dict[Any, str] = {True: "up", False: "down"}


@dataclass(frozen=True)
class Slot:
    """One channel of the map; `state` as drivers.lines.ChannelState."""

    number: int
    state: str

    @property
    def letter(self) -> str:
        return words.LETTERS[self.state]


@dataclass(frozen=True)
class Period:
    """The report after G.826 of the last quarter of an hour or day. `ratios`: (name, share or None if not known)."""

    name: str
    seconds: int
    uas: int | None
    ratios: tuple[tuple[str, float | None], ...]
    within: bool | None


@dataclass(frozen=True)
class LineView:
    """One line. `cause` is empty when nothing is wrong or nothing is known; `followed` are the alarms it explains."""

    id: str
    name: str
    kind: str
    state: str
    cause: str
    followed: tuple[str, ...]
    slots: tuple[Slot, ...]
    in_use: int | None
    d_channel: tuple[bool | None, bool | None]
    counters: tuple[tuple[str, int | None], ...]
    counters_age_s: float
    fxo: dict[str, Any] | None
    source: str
    taken_at_unix_s: float
    stale: bool
    error: str
    verbs: frozenset[str]
    choices: dict[str, list[str]]
    watched_only: bool
    trunks: tuple[str, ...]
    tests: tuple[tuple[str, float | None], ...]
    quality: tuple[Period, ...]
    slips: tuple[int | None, str]

    @property
    def colour(self) -> str:
        """Of the badge: grey for what is old, whatever it said."""
        return "secondary" if self.stale else words.LINE_COLOURS["down" if self.cause else self.state]

    @property
    def calls(self) -> int | None:
        """Calls on it now; None when that is not known (also when the reading is old)."""
        return None if self.stale else self.in_use

    @property
    def counts(self) -> list[tuple[str, int]]:
        """(state, how many channels) in the order of the legend, for those who do not see the map."""
        counted = Counter(slot.state for slot in self.slots)
        return [(state, counted[state]) for state in words.CHANNELS if counted[state]]

    def offers(self, *verbs: str) -> list[str]:
        """Those of `verbs` that its driver can do."""
        return [verb for verb in verbs if verb in self.verbs]

    def values(self, verb: str) -> list[str]:
        """What may be asked for with a setting."""
        return self.choices.get(verb) or list(words.CHOICES.get(verb, ()))


def lines(found: Reading) -> list[LineView]:
    """All lines of the section, those with trouble first, else in their order."""
    views = [view(row, stale=found.stale) for row in found.rows("lines")]
    return sorted(views, key=lambda line: not line.cause)


def view(row: dict[str, Any], *, stale: bool) -> LineView:
    """One row of the section; what is missing or of a wrong kind is shown as not known."""
    kind = "fxo" if row.get("kind") == "fxo" else "e1"
    stale = stale or bool(row.get("stale")) or bool(row.get("error"))
    up = row.get("up")
    layers = row.get("d_channel_l1"), row.get("d_channel_l2")
    wrong = _wrong(row, layers)
    counters = row.get("counters") if isinstance(row.get("counters"), dict) else None
    line_id = str(row.get("line_id", ""))
    return LineView(
        id=line_id, name=str(row.get("name") or line_id), kind=kind,
        state="unknown" if stale else _TRUTH.get(up, "unknown"), cause=wrong[0] if wrong else "",
        followed=tuple(wrong[1:]), slots=_slots(row.get("channels"), kind), in_use=_whole(row.get("in_use")),
        d_channel=(_bool(layers[0]), _bool(layers[1])),
        counters=tuple((name, _whole(counters.get(name))) for name in words.COUNTERS) if counters else (),
        counters_age_s=_float(counters.get("age_s")) or 0.0 if counters else 0.0,
        fxo=row.get("fxo") if isinstance(row.get("fxo"), dict) else None, source=str(row.get("source", "")),
        taken_at_unix_s=_float(row.get("taken_at_unix_s")) or 0.0, stale=stale, error=said(row),
        verbs=frozenset(str(verb) for verb in _list(row.get("verbs"))) & frozenset(words.VERBS),
        choices={str(k): [str(v) for v in _list(vs)] for k, vs in _dict(row.get("choices")).items()},
        watched_only=row.get("places_calls") is False or row.get("source") == "dahdi",
        trunks=tuple(str(trunk) for trunk in _list(row.get("trunks"))),
        tests=tuple(
            (str(test.get("verb", "")), _float(test.get("ends_at_unix_s")))
            for test in _list(row.get("tests")) if isinstance(test, dict)
        ),
        quality=_quality(_dict(row.get("quality"))), slips=_slips(_dict(row.get("quality"))),
    )  # fmt: skip


def _quality(report: dict[Any, Any]) -> tuple[Period, ...]:
    rows = [(name, _dict(report.get(name))) for name in words.PERIODS]
    return tuple(
        Period(
            name=name, seconds=_whole(row.get("seconds")) or 0, uas=_whole(row.get("uas")),
            ratios=tuple((ratio, _float(row.get(ratio))) for ratio in words.RATIOS), within=_bool(row.get("within")),
        )
        for name, row in rows if _whole(row.get("seconds"))
    )  # fmt: skip


def _slips(report: dict[Any, Any]) -> tuple[int | None, str]:
    """(clock slips of 24 hours, their grade after G.822)."""
    row = _dict(report.get("slips"))
    return _whole(row.get("day")), str(row.get("grade") or "")


def _wrong(row: dict[str, Any], layers: tuple[Any, Any]) -> list[str]:
    """Everything that is wrong, the cause first: as `watch` judged it, else by the order of the causes."""
    if "cause" in row:
        judged = [str(row["cause"]), *map(str, _list(row.get("suppressed")))] if row["cause"] else []
        return [alarm for alarm in judged if alarm in words.CAUSES]
    told = {str(alarm).lower() for alarm in _list(row.get("alarms"))}
    if False in layers:
        told.add("d_channel")
    wrong = [alarm for alarm in words.CAUSES if alarm in told]
    return wrong or (["out_of_service"] if row.get("up") is False else [])


def _slots(channels: Any, kind: str) -> tuple[Slot, ...]:
    states = [str(state) if str(state) in words.CHANNELS else "unknown" for state in _list(channels)[:_SLOTS_MAX]]
    if kind == "e1" and states and len(states) < _SLOTS_MAX:
        states += ["unknown"] * (_SLOTS_MAX - len(states))
    return tuple(Slot(number, state) for number, state in enumerate(states, start=1))


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _dict(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


def _bool(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _float(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
