"""Call-progress tone plans by country, as data (`plans.toml`), and the special information tones.

A plan is looked up by ISO 3166-1 alpha-2 code in any case; `UK` is understood as `GB`.
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Any

from audio.labels import Label

TONE_LABELS = (Label.RINGBACK, Label.BUSY, Label.CONGESTION)
_HEARD_AS = {
    "ringback": Label.RINGBACK,
    "busy": Label.BUSY,
    "congestion": Label.CONGESTION,
    "unobtainable": Label.VACANT,
}
_OTHERS = ("dial", "special_dial", "call_waiting")
_KEYS = {"name", "aliases", "source", "law", "collides", "unsourced", *_HEARD_AS, *_OTHERS}
_NO_SOURCE = "none found"


class TonePlanError(ValueError):
    """A tone plan that cannot be meant; the message names country and tone."""


@dataclass(frozen=True, slots=True)
class Element:
    """One stretch of a cadence: `second_hz` is added, or modulates the first if `modulated`; silence has no Hz."""

    first_hz: float
    second_hz: float
    modulated: bool
    duration_s: float


@dataclass(frozen=True, slots=True)
class Tone:
    """One tone of an exchange: a repeating list of elements, or a single one without end (`duration_s` infinite).

    `name` is its key in `plans.toml`; `label` what it is reported as (UNKNOWN: it is no word about the call).
    """

    country: str
    label: Label
    elements: tuple[Element, ...]
    name: str = ""

    @property
    def period_s(self) -> float:
        """Length of one repetition in seconds; infinite for a tone without end."""
        return sum(element.duration_s for element in self.elements)

    @property
    def endless(self) -> bool:
        """Whether it never pauses."""
        return len(self.elements) == 1


@dataclass(frozen=True, slots=True)
class Plan:
    """All tones of one country.

    tones      those that say what became of the call, unobtainable numbers included
    others     dial, special dial and call-waiting tones
    collides   tone name -> the name of the tone that sounds the same and is reported instead
    unsourced  tones that no source describes: they are listened for as in any other country
    """

    country: str
    name: str
    source: str
    law: str
    tones: tuple[Tone, ...]
    others: tuple[Tone, ...]
    collides: Mapping[str, str]
    unsourced: tuple[str, ...]

    def tone(self, label: Label) -> Tone:
        """The first variant of a tone. Raises TonePlanError when the country has none of its own."""
        for tone in self.tones:
            if tone.label == label:
                return tone
        raise TonePlanError(f"{self.country}: no tone of its own for {label}")


SIT_SEQUENCES: dict[Label, tuple[tuple[float, float], ...]] = {
    Label.SIT_VACANT: ((985.2, 0.380), (1370.6, 0.274), (1776.7, 0.380)),
    Label.SIT_INTERCEPT: ((913.8, 0.274), (1370.6, 0.274), (1776.7, 0.380)),
    Label.SIT_NO_CIRCUIT: ((985.2, 0.380), (1428.5, 0.380), (1776.7, 0.380)),
    Label.SIT_REORDER: ((913.8, 0.274), (1428.5, 0.380), (1776.7, 0.380)),
    Label.SIT_INFO: ((950.0, 0.330), (1400.0, 0.330), (1800.0, 0.330)),
}
"""(Hz, seconds) of the three tones: Telcordia GR-1162 for the four types, ITU-T E.180 for the information tone."""


def parse_tone(country: str, label: Label, text: str, name: str = "") -> Tone:
    """A tone from its notation. Raises TonePlanError."""
    where = f"{country} {name or label}"
    elements = tuple(_parse_element(where, part) for part in text.split(","))
    if elements[0].first_hz == 0:
        raise TonePlanError(f"{where}: a cadence begins with a tone")
    if len(elements) > 1 and any(math.isinf(e.duration_s) for e in elements):
        raise TonePlanError(f"{where}: only a tone alone can be without end, in {text!r}")
    if len(elements) == 1 and math.isfinite(elements[0].duration_s):
        raise TonePlanError(f"{where}: a cadence needs a gap, in {text!r}")
    if any((a.first_hz == 0) == (b.first_hz == 0) for a, b in pairwise(elements)):
        raise TonePlanError(f"{where}: tones and gaps must alternate in {text!r}")
    return Tone(country, label, elements, name or str(label))


def _parse_element(tone: str, part: str) -> Element:
    where = f"{tone}: {part!r}"
    try:
        pitch, _, millis = part.partition("/")
        modulated = "*" in pitch
        numbers = [float(n) for n in pitch.replace("*", "+").split("+")]
        duration_s = float(millis) / 1000 if "/" in part else math.inf
    except ValueError as error:
        raise TonePlanError(f"{where} is not frequency/milliseconds") from error
    first, second = [*numbers, 0.0][:2]
    shortest, longest = (0.05, 10.0) if first else (0.02, 12.0)
    if len(numbers) > 2 or ("/" in part and not shortest <= duration_s <= longest):
        raise TonePlanError(f"{where} is out of range")
    if first and not 300 <= first <= 2500:
        raise TonePlanError(f"{where}: frequency out of range")
    if modulated and not 10 <= second <= 60:
        raise TonePlanError(f"{where}: modulation out of range")
    return Element(first, second, modulated, duration_s)


def parse_plan(country: str, entry: Mapping[str, Any]) -> Plan:
    """One country of the TOML file. Raises TonePlanError for anything missing, unknown or contradictory."""
    unknown, missing = set(entry) - _KEYS, {"name", "source", "law"} - set(entry)
    if unknown or missing:
        raise TonePlanError(f"{country}: unknown {sorted(unknown)}, missing {sorted(missing)}")
    if entry["law"] not in ("alaw", "ulaw"):
        raise TonePlanError(f"{country}: law must be alaw or ulaw")
    if not str(entry["source"]).strip():
        raise TonePlanError(f"{country}: say where the tones come from, or {_NO_SOURCE!r}")
    collides: dict[str, str] = {}
    for text in entry.get("collides", ()):
        one, _, other = (part.strip() for part in text.partition("="))
        if one not in _HEARD_AS or other not in entry or one in entry:
            raise TonePlanError(f"{country}: {text!r} must name a tone without, and one with, a cadence of its own")
        collides[one] = other
    unsourced = tuple(entry.get("unsourced", ()))
    for name in ("ringback", "busy", "congestion"):
        if sum((name in entry, name in collides, name in unsourced)) != 1:
            raise TonePlanError(f"{country}: {name} must be given, or else be in collides or unsourced")
    tones = tuple(
        parse_tone(country, label, text, name) for name, label in _HEARD_AS.items() for text in entry.get(name, ())
    )
    others = tuple(parse_tone(country, Label.UNKNOWN, text, name) for name in _OTHERS for text in entry.get(name, ()))
    if tones and entry["source"] == _NO_SOURCE:
        raise TonePlanError(f"{country}: tones without a source")
    return Plan(country, entry["name"], entry["source"], entry["law"], tones, others, collides, unsourced)


@cache
def _load() -> tuple[dict[str, Plan], dict[str, str]]:
    entries = tomllib.loads(resources.files(__name__).joinpath("plans.toml").read_text("utf-8"))
    found = {country: parse_plan(country, entry) for country, entry in entries.items()}
    aliases = {alias: country for country, entry in entries.items() for alias in entry.get("aliases", ())}
    return found, aliases


def plans() -> dict[str, Plan]:
    """All plans by lower-case country code."""
    return dict(_load()[0])


def plan(country: str) -> Plan | None:
    """The plan of a country (any case), or None when there is none."""
    found, aliases = _load()
    code = country.strip().lower()
    return found.get(aliases.get(code, code))
