"""Call-progress tone plans by country, as data (`plans.toml`), and the special information tones.

A plan is looked up by ISO 3166-1 alpha-2 code in any case; `UK` is understood as `GB`.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Any

from audio.labels import Label

TONE_LABELS = (Label.RINGBACK, Label.BUSY, Label.CONGESTION)


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
    """One call-progress tone: a repeating list of elements."""

    country: str
    label: Label
    elements: tuple[Element, ...]

    @property
    def period_s(self) -> float:
        """Length of one repetition in seconds."""
        return sum(element.duration_s for element in self.elements)


@dataclass(frozen=True, slots=True)
class Plan:
    """All tones of one country."""

    country: str
    name: str
    source: str
    law: str
    tones: tuple[Tone, ...]

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


def parse_tone(country: str, label: Label, text: str) -> Tone:
    """A tone from its notation. Raises TonePlanError."""
    elements = tuple(_parse_element(country, label, part) for part in text.split(","))
    if not elements or elements[0].first_hz == 0:
        raise TonePlanError(f"{country} {label}: a cadence begins with a tone")
    if any((a.first_hz == 0) == (b.first_hz == 0) for a, b in pairwise(elements)):
        raise TonePlanError(f"{country} {label}: tones and gaps must alternate in {text!r}")
    return Tone(country, label, elements)


def _parse_element(country: str, label: Label, part: str) -> Element:
    where = f"{country} {label}: {part!r}"
    try:
        pitch, millis = part.split("/")
        modulated = "*" in pitch
        numbers = [float(n) for n in pitch.replace("*", "+").split("+")]
        duration_s = float(millis) / 1000
    except ValueError as error:
        raise TonePlanError(f"{where} is not frequency/milliseconds") from error
    first, second = [*numbers, 0.0][:2]
    if len(numbers) > 2 or not 0.05 <= duration_s <= 10:
        raise TonePlanError(f"{where} is out of range")
    if first and not 300 <= first <= 2500:
        raise TonePlanError(f"{where}: frequency out of range")
    if modulated and not 10 <= second <= 60:
        raise TonePlanError(f"{where}: modulation out of range")
    return Element(first, second, modulated, duration_s)


def parse_plan(country: str, entry: dict[str, Any]) -> Plan:
    """One country of the TOML file. Raises TonePlanError for anything missing or unknown."""
    unknown = set(entry) - {"name", "aliases", "source", "law", *TONE_LABELS}
    missing = {"name", "source", "law", "ringback", "busy"} - set(entry)
    if unknown or missing:
        raise TonePlanError(f"{country}: unknown {sorted(unknown)}, missing {sorted(missing)}")
    if entry["law"] not in ("alaw", "ulaw"):
        raise TonePlanError(f"{country}: law must be alaw or ulaw")
    tones = tuple(parse_tone(country, label, text) for label in TONE_LABELS for text in entry.get(label, ()))
    return Plan(country, entry["name"], entry["source"], entry["law"], tones)


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
